"""The query language: text to a tree, and what a tree means."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.errors import QueryError
from cachesync.model import Build
from cachesync.query import (
    FIELDS,
    And,
    Everything,
    Node,
    Not,
    Or,
    Term,
    compiler_values,
    matches,
    name_runs,
    parse,
    terms,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "queries.json"

FILELOCK = Build(
    "py-filelock", "3.12.4", "gcc@=13.2.0", "ubuntu24.04", "linux", "aarch64",
    ("build_system=python_pip",),
)  # fmt: skip
HDF5 = Build(
    "hdf5", "1.14.5", "gcc@=7.5.0", "ubuntu18.04", "linux", "x86_64_v3",
    ("+mpi", "build_type=Release", "~cuda"),
)  # fmt: skip
LEARN = FILELOCK._replace(package="py-scikit-learn", version="1.5.2", compiler="none")
HASH = "bxjpbzp6ar2cezwvhbxsx35wxgtsrzah"
PLACE = {"source": "Site", "tag": "develop-2025-03-09", "stacks": ("ml-linux-aarch64-cpu", "root")}


def found(text: str, build: Build = FILELOCK, **place) -> bool:
    return matches(parse(text), build, HASH, **{**PLACE, **place})


def tree(node: Node):
    """A tree as JSON."""
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


# -- grammar


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
    assert {term.field for term in found_terms} == {None, *FIELDS}
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
        ("*", 0, 1, "a prefix needs at least one character"),
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
    try:
        outcome = parse(text)
    except QueryError as error:
        outcome = error
    if isinstance(outcome, QueryError):
        assert 0 <= outcome.position <= len(text)
        assert outcome.length >= 1
        assert outcome.message
        assert outcome.query == text
    else:
        assert found(text) in (True, False)
        assert all(term.value and term.field in (None, *FIELDS) for term, _ in terms(outcome))


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


# -- meaning

_YES_NO = [
    (FILELOCK, "filelock", True),
    (FILELOCK, "FileLock", True),
    (FILELOCK, "py-filelock", True),
    (FILELOCK, "py", True),
    (FILELOCK, "file", False),
    (FILELOCK, "file*", True),
    (FILELOCK, "package:filelock", False),
    (FILELOCK, "package:py-filelock", True),
    (FILELOCK, "package:py*", True),
    (FILELOCK, "package:Py-FileLock", True),
    (LEARN, "scikit-learn", True),
    (LEARN, "scikit", True),
    (LEARN, "learn", True),
    (LEARN, "py-scikit", True),
    (LEARN, "py-learn", False),
    (LEARN, "scikit-l*", True),
    (LEARN, '"scikit learn"', False),
    (LEARN, "scikit learn", True),
    # versions
    (FILELOCK, "version:3.12", True),
    (FILELOCK, "version:3.12.4", True),
    (FILELOCK, "version:3", True),
    (FILELOCK, "version:3.1", False),
    (FILELOCK, "version:3.1*", True),
    (FILELOCK, "version:3-12", True),
    (FILELOCK, "version:3.12.4.1", False),
    (FILELOCK, "3.12", True),
    (FILELOCK, "3.1", False),
    (FILELOCK, "-version:3.12", False),
    # compilers
    (HDF5, "compiler:gcc", True),
    (HDF5, "compiler:gcc@7.5.0", True),
    (HDF5, "compiler:gcc@=7.5.0", True),
    (HDF5, "compiler:GCC@7.5.0", True),
    (HDF5, "compiler:gcc@7", False),
    (HDF5, "compiler:gcc@7*", True),
    (HDF5, "compiler:gcc@=7*", True),
    (HDF5, "compiler:gc", False),
    (HDF5, "compiler:gc*", True),
    (HDF5, "compiler:gcc@13.2.0", False),
    (HDF5, "gcc", True),
    (HDF5, '"gcc@7.5.0"', True),
    (HDF5, '"gcc@=7.5.0"', True),
    (LEARN, "compiler:none", True),
    (LEARN, "compiler:gcc", False),
    # variants
    (HDF5, "+mpi", True),
    (HDF5, "-+mpi", False),
    (HDF5, "variant:+mpi", True),
    (HDF5, "+cuda", False),
    (HDF5, "variant:~cuda", True),
    (HDF5, "~cuda", True),
    (HDF5, "+m*", True),
    (HDF5, "mpi", False),
    (HDF5, "variant:build_type=release", True),
    (HDF5, "variant:build_type", False),
    (HDF5, "variant:build_type=*", True),
    (HDF5, "hdf5 -cuda", True),
    # whole values elsewhere
    (HDF5, "os:ubuntu18.04", True),
    (HDF5, "os:ubuntu", False),
    (HDF5, "os:ubuntu*", True),
    (HDF5, "target:x86_64_v3", True),
    (HDF5, "target:x86_64", False),
    (HDF5, "platform:linux", True),
    (HDF5, "linux x86_64_v3 ubuntu18.04", True),
    (HDF5, "linux aarch64", False),
    # hashes
    (HDF5, "bxjpb", True),
    (HDF5, "BXJPB", True),
    (HDF5, "bxjp", False),
    (HDF5, "bxjp*", False),
    (HDF5, "hash:b", True),
    (HDF5, "hash:bxjp", True),
    (HDF5, "hash:xjp", False),
    (HDF5, f"hash:{HASH}", True),
    (HDF5, f"hash:{HASH}a", False),
    (HDF5, "xjpbz", False),
    # placements
    (HDF5, "tag:develop-2025-03-09", True),
    (HDF5, "tag:develop", False),
    (HDF5, "tag:develop*", True),
    (HDF5, "develop-2025-03-09", True),
    (HDF5, "stack:root", True),
    (HDF5, "root", True),
    (HDF5, "stack:ml-linux-aarch64-cpu stack:root", True),
    (HDF5, "stack:ml-linux", False),
    (HDF5, "source:site", True),
    (HDF5, "SITE", True),
    (HDF5, "source:other", False),
    (HDF5, "-stack:e4s", True),
]


@pytest.mark.parametrize(("build", "text", "expected"), _YES_NO, ids=[t for _, t, _ in _YES_NO])
def test_what_words_and_fields_match(build, text, expected):
    """The facts of the query language, one by one."""
    if expected is QueryError:
        with pytest.raises(QueryError):
            parse(text)
    else:
        assert found(text, build) is expected


def test_conditions_on_placements_hold_for_the_same_placement():
    """A spec in one tag by one stack and in another tag by another is not in the one by the other."""
    placements = [
        {"source": "site", "tag": "develop", "stacks": ("developer-tools", "root")},
        {"source": "site", "tag": "develop-2024-10-13", "stacks": ("e4s", "root")},
        {"source": "other", "tag": "v0.23.0", "stacks": ("root",)},
    ]

    def placed(text):
        return [matches(parse(text), HDF5, HASH, **place) for place in placements]

    assert placed("stack:developer-tools") == [True, False, False]
    assert placed("tag:develop-2024-10-13") == [False, True, False]
    assert placed("stack:developer-tools tag:develop-2024-10-13") == [False, False, False]
    assert placed("developer-tools develop-2024-10-13") == [False, False, False]
    assert placed("tag:develop* -stack:e4s") == [True, False, False]
    assert placed("source:site stack:root") == [True, True, False]
    assert placed("source:other tag:develop") == [False, False, False]
    assert placed("hdf5 gcc -source:site") == [False, False, True]


_terms = st.builds(
    Term,
    st.sampled_from((None, *FIELDS)),
    st.sampled_from(
        ("py", "filelock", "hdf5", "3.12", "gcc", "gcc@7.5.0", "+mpi", "linux", "root", "site",
         "develop-2025-03-09", "bxjpb", "b", "e4s", "aarch64")
    ),
    st.booleans(),
    st.just(0),
    st.just(False),
)  # fmt: skip
_nodes = st.recursive(
    _terms,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, max_size=3).map(lambda nodes: And(tuple(nodes)))
        | st.lists(inner, max_size=3).map(lambda nodes: Or(tuple(nodes)))
    ),
    max_leaves=8,
)
_builds = st.sampled_from((FILELOCK, HDF5, LEARN))
_places = st.fixed_dictionaries(
    {
        "source": st.sampled_from(("site", "other")),
        "tag": st.sampled_from(("develop", "develop-2025-03-09")),
        "stacks": st.lists(st.sampled_from(("e4s", "root")), unique=True).map(tuple),
    }
)


@given(_nodes, _builds, _places)
def test_not_is_the_opposite(node, build, place):
    """Of a node and its exclusion exactly one matches."""
    assert matches(Not(node), build, HASH, **place) is not matches(node, build, HASH, **place)


@given(st.lists(_nodes, max_size=3), _builds, _places)
def test_and_is_all_and_or_is_any(nodes, build, place):
    """In any order; and what no node excludes is what each includes (De Morgan)."""
    each = [matches(node, build, HASH, **place) for node in nodes]
    assert matches(And(tuple(nodes)), build, HASH, **place) is all(each)
    assert matches(And(tuple(reversed(nodes))), build, HASH, **place) is all(each)
    assert matches(Or(tuple(nodes)), build, HASH, **place) is any(each)
    denied = And(tuple(Not(node) for node in nodes))
    assert matches(Or(tuple(nodes)), build, HASH, **place) is not matches(
        denied, build, HASH, **place
    )


@given(_terms, _builds, _places)
def test_a_word_matches_what_it_matches_in_any_field(term, build, place):
    """Every match of `field:word` is a match of the word, short hash beginnings apart."""
    word = term._replace(field=None)
    for field in FIELDS:
        if field == "hash" and len(term.value) < query.MIN_HASH_WORD:
            continue
        if matches(term._replace(field=field), build, HASH, **place):
            assert matches(word, build, HASH, **place)


@given(_terms, _builds, _places)
def test_a_prefix_matches_whatever_the_whole_value_matches(term, build, place):
    """`x*` finds what `x` finds, but for versions, where x is a range and x* is text."""
    if term.field in (None, "version"):
        return
    if matches(term._replace(prefix=False), build, HASH, **place):
        assert matches(term._replace(prefix=True), build, HASH, **place)


@given(_nodes)
def test_terms_are_all_there_with_their_sign(node):
    """A term below an odd number of exclusions is excluded."""

    def naive(node, sign):
        if isinstance(node, Term):
            return [(node, sign)]
        if isinstance(node, Not):
            return naive(node.node, not sign)
        return [pair for child in node.nodes for pair in naive(child, sign)]

    assert list(terms(node)) == naive(node, True)


# -- names


@given(st.lists(st.text("ab1", min_size=1, max_size=3), min_size=1, max_size=12), st.data())
def test_the_runs_of_a_name_are_its_consecutive_parts(parts, data):
    """Every stretch from the beginning of a part to the end of one, and nothing else."""
    separators = data.draw(
        st.lists(st.sampled_from("-_."), min_size=len(parts) - 1, max_size=len(parts) - 1)
    )
    name = parts[0] + "".join(s + p for s, p in zip(separators, parts[1:], strict=True))
    naive = set()
    for begin in range(len(name)):
        for end in range(begin + 1, len(name) + 1):
            starts = begin == 0 or name[begin - 1] in "-_."
            ends = end == len(name) or name[end] in "-_."
            if starts and ends and name[begin] not in "-_." and name[end - 1] not in "-_.":
                naive.add(name[begin:end])
    assert name_runs(name.upper()) == naive


def test_a_name_of_very_many_parts_costs_little():
    """Runs are at most 12 parts long, and the whole name is always among them."""
    name = "-".join("abcdefghijklmnopqrst")
    runs = name_runs(name)
    assert name in runs
    assert max(run.count("-") for run in runs - {name}) == 11
    assert len(name_runs("-" * 255)) < 255 * 13


@pytest.mark.parametrize(
    ("compiler", "values"),
    [
        ("gcc@=7.5.0", ("gcc", "gcc@7.5.0")),
        ("GCC@=7.5.0", ("gcc", "gcc@7.5.0")),
        ("gcc", ("gcc",)),
        ("none", ("none",)),
    ],
)
def test_what_is_compared_with_a_compiler(compiler, values):
    """The name, and the name with its version, written the short way."""
    assert compiler_values(compiler) == values
