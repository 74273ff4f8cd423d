"""The query language: text to a tree."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.errors import QueryError
from cachesync.query import (
    FIELDS,
    OF_MIRRORS,
    And,
    Everything,
    Node,
    Not,
    Term,
    as_pages,
    each_dag,
    parse,
    terms,
)
from cachesync.query.printing import show
from tests.support.trees_of_queries import found, read_or_refused

GOLDEN = Path(__file__).parents[1] / "golden" / "queries.json"


def tree(node: Node):
    """A tree as JSON, as specs are judged by it whose DAG is not known."""
    node = as_pages(node)
    if isinstance(node, Term):
        found = {"field": node.field, "value": node.value, "prefix": node.prefix}
        # Written down only where they are: the first queries are older than these.
        if node.distance:
            found["distance"] = node.distance
        if node.spack:
            found["spack"] = True
        return found
    if isinstance(node, Not):
        return {"not": tree(node.node)}
    return {"and" if isinstance(node, And) else "or": [tree(child) for child in node.nodes]}


@pytest.mark.parametrize(
    "case", json.loads(GOLDEN.read_text(encoding="utf-8")), ids=lambda case: case["query"]
)
def test_old_queries_keep_their_meaning(case):
    """What a query once meant it means for ever; the file only grows."""
    assert tree(parse(case["query"])) == case["tree"]


def test_the_golden_queries_cover_the_language():
    """Every field, prefix, quote and exclusion is among them, and no query is there twice."""
    cases = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found_terms = [term for case in cases for term, _ in terms(parse(case["query"]))]
    assert {term.field for term in found_terms} == {None, *FIELDS, *OF_MIRRORS}
    assert {(t.field, t.prefix) for t in found_terms} >= {(f, True) for f in (None, *FIELDS)}
    assert len({case["query"] for case in cases}) == len(cases)


@pytest.mark.parametrize("character", "@%=^/()~")
def test_operators_are_text_in_fields_and_quotes(character):
    """They mean nothing where they cannot be mistaken."""
    assert parse(f'"a{character}b"') == Term(None, f"a{character}b")
    assert parse(f"variant:a{character}b") == Term("variant", f"a{character}b")
    assert parse(f'variant:"a{character}b"') == Term("variant", f"a{character}b")


@pytest.mark.parametrize(
    ("text", "position", "length", "problem"),
    [
        ("OR", 0, 2, "OR stands between two queries"),
        ("a OR", 2, 2, "OR stands between two queries"),
        ("OR a", 0, 2, "OR stands between two queries"),
        ("a OR OR b", 5, 2, "OR stands between two queries"),
        ("(a OR)", 3, 2, "OR stands between two queries"),
        ("()", 0, 2, "nothing between the parentheses"),
        ("a -( )", 3, 3, "nothing between the parentheses"),
        ("(a", 0, 1, "the parenthesis is not closed"),
        ("a (b (c)", 2, 1, "the parenthesis is not closed"),
        ("a)", 1, 1, r"\) closes nothing"),
        (") a", 0, 1, r"\) closes nothing"),
        ("(a)b", 3, 1, "expected a space"),
        ("(a)(b)", 3, 1, "expected a space"),
        ("a(b)", 1, 1, "expected a space"),
        ("(" * 51, 50, 1, "more than 50 parentheses"),
        ("abcd~3", 5, 1, "a word is fuzzy by ~1 or ~2"),
        ("abcd~12", 5, 2, "a word is fuzzy by ~1 or ~2"),
        ("ab~1", 0, 2, "ab is too short for ~1"),
        ("abc~2", 0, 3, "abc is too short for ~2"),
        ("a" * 65 + "~1", 0, 1, "a fuzzy word has at most 64 characters"),
        ("a* " * 11, 30, 1, "more than 10 prefixes and fuzzy words"),
        ("version:1.2:", 11, 1, "version: takes no ranges"),
        ("compiler:gcc@1,2", 14, 1, "compiler: takes no ranges"),
        ("a -OR", 3, 2, "OR stands between two queries"),
        ("OR*", 0, 2, "OR stands between two queries"),
        ("verison:1", 0, 7, "no field is called verison"),
        ("a -Verison:1", 3, 7, "no field is called Verison"),
        ("https://x", 0, 5, "no field is called https"),
        ("a:", 0, 1, "no field is called a"),
        ('a "b', 2, 1, "the quote is not closed"),
        ('package:"b', 8, 1, "the quote is not closed"),
        ('"', 0, 1, "the quote is not closed"),
        ('a"b"', 1, 1, "expected a space"),
        ('"a"b', 3, 1, "expected a space"),
        ('"a"-b', 3, 1, "expected a space"),
        ('"a"*b', 4, 1, "expected a space"),
        ('package:a"b"', 9, 1, "expected a space"),
        ("a*b", 1, 1, r"\* stands at the end of a word only"),
        ("**", 0, 1, r"\* stands at the end"),
        ("a**", 1, 1, r"\* stands at the end"),
        ("package:a*b", 9, 1, r"\* stands at the end"),
        ("-*", 1, 1, "a prefix needs at least one character"),
        ("-*@1", 1, 1, r"\* stands at the end"),
        ("package:*", 8, 1, "a prefix needs at least one character"),
        ("package:", 8, 1, "package: needs a value"),
        ("package: x", 8, 1, "package: needs a value"),
        ('package:""', 8, 1, "package: needs a value"),
        ('""', 0, 1, "an empty word"),
        ("-", 1, 1, "- needs something to exclude"),
        ("a - b", 3, 1, "- needs something to exclude"),
        ("x " * 201, 400, 1, "more than 200 terms"),
        ("x" * 10_001, 0, 1, "the query is longer than 10,000"),
    ],
)
def test_what_is_not_understood_is_an_error_with_its_position(text, position, length, problem):
    """Never ignored, never taken as text."""
    with pytest.raises(QueryError, match=f"^{problem}") as caught:
        parse(text)
    assert (caught.value.position, caught.value.length) == (position, length)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("*", ""),
        ("(*)", ""),
        ("* +mpi", "+mpi"),
        ("* hdf5", "hdf5"),
        ("*@1.2", "@1.2"),
        ("*+mpi %gcc", "+mpi %gcc"),
        ("* %gcc@12 hdf5", '%gcc@12 "hdf5"'),
        ("hdf5@1.14 OR *+mpi", "hdf5@1.14 OR mpi=true"),
    ],
)
def test_a_star_is_any_package(text, same):
    """It stands where a name could, and asks for nothing."""
    assert parse(text) == parse(same)


@pytest.mark.parametrize("text", ["++mpi", "++MPI", "hdf5 ++mpi", "hdf5 -++mpi", "zlib@1 OR ++mpi"])
def test_two_signs_among_words_ask_all_below_too(text):
    """Of a page what the word asks; printed it is read as the same again."""
    tree = parse(text)
    (dag,) = each_dag(tree)
    assert dag.plain == Term("variant", "++mpi")
    assert [(one.name.lower(), one.values, one.propagated) for one in dag.spec.variants] == [
        ("mpi", True, True)
    ]
    assert parse(show(tree)) == tree


@pytest.mark.parametrize("text", ["variant:++mpi", "++mpi*", '"++mpi"', "++target", "++dev_path"])
def test_other_words_with_two_signs_remain_words(text):
    """Fields, beginnings, what is quoted, and what Spack asks of no dependency."""
    assert next(each_dag(parse(text)), None) is None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("verison:1", "did you mean version:?"),
        ("qqqq:1", "fields: package, version"),
        ("OR", '"OR"'),
    ],
)
def test_an_error_says_what_could_be_meant(text, hint):
    """A misspelt field is met with the nearest one, or with all of them."""
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.hint is not None
    assert hint in caught.value.hint


_queries = st.lists(
    st.sampled_from(
        ("-", "+", '"', "*", ":", " ", "\t", "\u00a0", "\x1c", "a", "OR", "or", "package:", "Tag:",
         "x:", "@", "=", "1.2", "İ", "ß", "version:", "hash:", "compiler:", "gcc@=1")
    ),
    max_size=12,
).map("".join) | st.text(max_size=30)  # fmt: skip


@given(_queries)
@settings(max_examples=400)
def test_any_text_is_a_tree_or_a_query_error(text):
    """Parsing is total, an error lies within the text, and what is parsed can be evaluated."""
    tree = read_or_refused(text)
    named = () if tree is None else terms(tree)
    assert all(term.value and term.field in (None, *FIELDS) for term, _ in named)


@given(_queries)
def test_case_is_ignored_and_spaces_around_do_not_count(text):
    """The same tree with more space, and in lower case where nothing is in Spack's own syntax."""
    text = text.replace("İ", "i").replace("ß", "s")
    try:
        node = parse(text)
    except QueryError:
        return
    if not any(term.spack for term, _ in terms(node)):
        assert parse(text.lower()) == node
    assert parse(f"  {text}\n") == node


@given(_queries, _queries)
def test_a_space_joins_queries_with_and(left, right):
    """`a b` means what a means and what b means."""
    try:
        both = [
            node.nodes if isinstance(node, And) else (node,) for node in map(parse, (left, right))
        ]
    except QueryError:
        return
    nodes = (*both[0], *both[1])
    assert parse(f"{left} {right}") == (nodes[0] if len(nodes) == 1 else And(nodes))


_words = st.from_regex(r"[a-z0-9_][a-z0-9_.-]{0,8}", fullmatch=True)


@given(_words, st.sampled_from((None, *FIELDS)), st.booleans(), st.booleans())
def test_minus_always_excludes(word, field, prefix, quoted):
    """`-x` is what x does not match, whatever x is."""
    text = f'"{word}"' if quoted else word
    text = f"{field}:{text}" if field else text
    text += "*" * prefix
    assert parse(text) == Term(field, word, prefix)
    assert parse(f"-{text}") == Not(Term(field, word, prefix))
    assert found(f"-{text}") is not found(text)


def test_of_two_minus_the_second_is_text():
    """`--x` excludes the word `-x`."""
    assert parse("--x") == Not(Term(None, "-x"))


@given(st.text(min_size=1, max_size=12).filter(lambda t: '"' not in t))
def test_quotes_hold_no_operators(text):
    """Whatever stands between quotes is one word."""
    assert parse(f'"{text}"') == Term(None, text.lower())


def test_an_empty_query_is_everything():
    """No words, no condition."""
    for text in ("", "  ", "\n\t"):
        assert parse(text) == Everything
        assert found(text)


@given(st.sampled_from(FIELDS), st.data())
def test_fields_are_known_in_any_case(field, data):
    """`Package:` is `package:`."""
    written = "".join(data.draw(st.sampled_from((c, c.upper()))) for c in field)
    assert parse(f"{written}:x") == Term(field, "x")
