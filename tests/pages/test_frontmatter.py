"""YAML front matter to plain values, and from a value back to its line and column."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.errors import PageError
from cachesync.pages import frontmatter
from cachesync.pages.frontmatter import load, locate, split
from cachesync.yamlguard import MAX_DEPTH
from tests.support.examples import examples


def read(text: str):
    return load(split(text))


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("---\na: b\n---", "a: b"),
        ("---\na: b\n---\n", "a: b"),
        ("---  \na: b\n---\t\n", "a: b"),
        ("\ufeff---\na: b\n---\n", "a: b"),
        ("---\r\na: b\r\n---\r\n", "a: b"),
        ("---\na: b\n...\nbody", "a: b"),
        ("---\na: b\n---\nbody\n---\n", "a: b"),
        ("---\na: b\n --- \n----\n---x\n---", "a: b\n --- \n----\n---x"),
        ("---\n---", ""),
    ],
)
def test_the_front_matter_is_what_stands_between_two_lines(text, inner):
    """From the first line, which is `---`, to the next that is `---` or `...`."""
    assert split(text).text == inner


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("a: b", 1),
        (" ---\na: b\n---", 1),
        ("----\n---", 1),
        ("---", 1),
        ("---\na: b\n", 3),
    ],
)
def test_without_the_two_lines_there_is_no_front_matter(text, line):
    """A missing beginning is at the top, a missing end where the text ends."""
    with pytest.raises(PageError, match=rf"^line {line}, column 1: .*'---'"):
        split(text)


_scalars = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x7E), max_size=6)
_trees = st.recursive(
    _scalars | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_scalars, inner, max_size=3),
    max_leaves=12,
)
_mappings = st.dictionaries(_scalars, _trees, min_size=1, max_size=4)


def _paths(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _paths(inner, (*path, position))


@given(_mappings, st.sampled_from((None, True, False)))
@examples(50, 1_500, deadline=None)
def test_what_was_dumped_is_loaded(mapping, flow):
    """Text, lists, mappings and nothing survive any style YAML writes them in."""
    import yaml

    text = yaml.dump(mapping, default_flow_style=flow, allow_unicode=True)
    assert read(f"---\n{text}---\n") == mapping


@given(_mappings)
@examples(35, 1_000, deadline=None)
def test_every_value_is_located_where_it_stands(mapping):
    """Loading from the place `locate` names gives the value, for text in a flow of one line each."""
    import json

    text = json.dumps(mapping, indent=0)
    front = split(f"---\n{text}\n---\n")
    lines = ["---", *text.split("\n")]
    for path in _paths(mapping):
        value = mapping
        for step in path:
            value = value[step]
        line, column = (int(part.split()[1]) for part in locate(front, path).split(", "))
        there = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert json.JSONDecoder().raw_decode(there)[0] == value


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("---\na: b\n---", ("a",), "line 2, column 4"),
        ("---\n# c\na:\n- x\n- y: z\n---", ("a", 1, "y"), "line 5, column 6"),
        ("---\na: b\n---", ("missing",), "line 2, column 1"),
        ("---\na: [b]\n---", ("a", 7), "line 2, column 4"),
        ("---\na: [b]\n---", ("a", 0, "deeper"), "line 2, column 5"),
        ("---\na: 1\na: 2\n---", ("a",), "line 3, column 4"),  # of equal keys the last one counts
        ("---\na: &x [b]\nc: *x\n---", ("c", 0), "line 2, column 8"),
        ("---\n---", ("a",), "line 2, column 1"),
        ("---\r\n\r\na: b\r\n---", ("a",), "line 3, column 4"),
        ("---\nä: {ö: b}\n---", ("ä", "ö"), "line 2, column 8"),
    ],
)
def test_a_value_or_the_nearest_above_it_is_located(text, path, expected):
    """What is missing is reported at what should have held it."""
    assert locate(split(text), path) == expected


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.10", "1.10"), ("0x10", "0x10"), ("yes", "yes"), ("2025-03-09", "2025-03-09"),
        ("1:30", "1:30"), (".inf", ".inf"), ("1e3", "1e3"), ("=", "="), ("null", None), ("~", None),
        ("", None), ("!!int 3", "3"), ("!!float 1.10", "1.10"), ("!!bool yes", "yes"),
        ("!!timestamp 2025-03-09", "2025-03-09"), ("!!str null", "null"), ("!!null x", None),
    ],
)  # fmt: skip
def test_scalars_stay_text(written, value):
    """Nothing is resolved but null: a version that looks like a number stays as written."""
    assert read(f"---\na: {written}\n---") == {"a": value}


@pytest.mark.parametrize(
    "tag", ["!!binary x", "!!set {a}", "!!omap []", "!!pairs []", "!mine x", "!!python/tuple []"]
)
def test_other_tags_are_refused(tag):
    """What is neither text, list, mapping nor null has no meaning in a page."""
    with pytest.raises(PageError, match=r"^line 2, column 4: could not determine a constructor"):
        read(f"---\na: {tag}\n---")


def _nested(levels: int) -> str:
    return f"---\na: {'[' * levels}{']' * levels}\n---"


def test_nesting_is_bounded_exactly():
    """As many levels as `MAX_DEPTH`, the mapping at the top being one, and not one more."""
    assert read(_nested(MAX_DEPTH - 1))
    with pytest.raises(PageError, match=r"^line 2, column 35: nested deeper than 32 levels"):
        read(_nested(MAX_DEPTH))


def test_what_aliases_expand_to_is_bounded_exactly(monkeypatch):
    """Every alias counts as much as what it stands for, the anchor's own values included."""
    text = "---\na: &a [x, y]\nb: [*a, *a]\n---"  # 1 + (1 + 3) + (1 + 1 + 2 * 3)
    monkeypatch.setattr(frontmatter, "MAX_EXPANDED", 13)
    assert read(text) == {"a": ["x", "y"], "b": [["x", "y"], ["x", "y"]]}
    monkeypatch.setattr(frontmatter, "MAX_EXPANDED", 12)
    with pytest.raises(PageError, match="more than 12 values once aliases are followed"):
        read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\nx: &x [a, *x]\n---", r"^line 2, column 11: an alias inside of what it stands for"),
        ("---\nx: *y\n---", r"^line 2, column 4: found undefined alias"),
        ("---\n%YAML 1.1\n---", "^line 2, column 1: a directive"),
        ("---\n\n# c\n%TAG ! a\n---", "^line 4, column 1: a directive"),
        ("---\na: b\n--- c\n---", "^line 3, column 1: "),
        ("---\na: [\n---", "^line 3, column 1: "),
    ],
)
def test_what_is_not_yaml_is_located(text, expected):
    """Aliases to nothing or to themselves, directives, second documents, open brackets."""
    with pytest.raises(PageError, match=expected):
        read(text)


@given(st.text(alphabet="# %\n\ta:", max_size=200))
@settings(deadline=2000)
def test_looking_for_directives_is_linear(text):
    """Comments and spaces in any order are looked through once."""
    assert frontmatter._DIRECTIVE.match("# # #" * 2000 + text) is None or "%" in text


@given(st.text(max_size=80))
@examples(70, 2_000, deadline=None)
def test_text_is_a_mapping_or_a_page_error(text):
    """`split` and `load` raise nothing but PageError."""
    for candidate in (text, f"---\n{text}\n---", f"---\na: {text}\n---"):
        try:
            outcome = read(candidate)
        except PageError as error:
            outcome = error.message
        assert isinstance(outcome, dict) or outcome.startswith("line ")
