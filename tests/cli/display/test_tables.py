"""Tables on a narrow terminal: no word is cut, no value is lost (cli/display/tables.py)."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.cli.display import output, tables
from cachesync.cli.display.wrapping import longest, width, wrap, wrapped
from tests.support import mirrors
from tests.support.console import on_terminal
from tests.support.examples import examples
from tests.support.world import World, spec

WIDTH = 80
COLUMNS = ("SOURCE", "STATE", "SPECS", "TAGS", "VARIANTS", "ERROR")
values = st.lists(st.text("abc", min_size=1, max_size=WIDTH - 8), max_size=4).map(" ".join)
tight = st.text("abc", max_size=WIDTH - 8)


def drawn(table: tables.Table, room: int) -> list[str]:
    """The lines of a table without their styles."""
    return ["".join(text for text, _ in line) for line in tables.layout(table, room)]


@examples(100, 2_500)
@given(st.lists(st.tuples(tight, tight, tight, values, values, values), min_size=1, max_size=6),
       st.sampled_from([(), ("VARIANTS",)]))  # fmt: skip
def test_no_word_is_cut_and_no_line_is_too_long(rows, below):
    """Whatever is in the cells, as long as each word fits a line of its own."""
    table = tables.Table(COLUMNS, rows, below, numbers=output.NUMBERS, long=output.LONG)
    lines = drawn(table, WIDTH)
    assert max(map(len, lines)) <= WIDTH
    shown = sorted(word for line in lines for word in line.split() if not set(word) - set("abc"))
    assert shown == sorted(word for row in rows for cell in row for word in cell.split())


words = st.text("abcdefgh-@=.", min_size=1, max_size=14)
figures = st.integers(0, 10**9).map("{:,}".format)
prose = st.lists(words | figures.map("{} specs".format), max_size=9).map(" ".join)
names = st.lists(words, max_size=8).map(", ".join)
records = st.lists(st.tuples(words, words, figures, names, prose, prose), min_size=1, max_size=5)


@examples(100, 2_500)
@given(records, st.integers(24, 200), st.booleans())
def test_a_table_is_whole_at_every_width(rows, room, lowers):
    """Every word of every cell is on a line that fits, in its order; figures are whole, and with their unit."""
    below = ("VARIANTS",) if lowers else ()
    table = tables.Table(COLUMNS, rows, below, ("ERROR",), numbers=output.NUMBERS, long=output.LONG)
    lines = drawn(table, room)
    assert max(map(width, lines)) <= room
    shown = Counter(" ".join(lines).split())
    for word, count in Counter(
        word for row in rows for cell in row for word in cell.split()
    ).items():
        assert shown[word] >= count, word
    for cell in (cell for row in rows for cell in row):
        for figure in re.findall(r"[\d,]+ specs", cell):
            assert any(figure in line for line in lines), figure


@examples(100, 2_500)
@given(records, st.integers(24, 200))
def test_errors_stand_below_the_table(rows, room):
    """Wherever it is a table, what is wrong stands behind its last row, with the name of what it is of."""
    table = tables.Table(COLUMNS, rows, (), ("ERROR",), numbers=output.NUMBERS, long=output.LONG)
    lines = drawn(table, room)
    if not lines[0].startswith("SOURCE"):
        assert room < tables.NARROW or all(
            line.startswith((" ", *(row[0] for row in rows))) for line in lines
        )
        return
    told = [line for row in rows if row[5] for line in wrap(f"{row[0]}: {row[5]}", room, hang=2)]
    assert lines[len(lines) - len(told) :] == told


def test_a_narrow_terminal_has_lines_instead_of_a_table():
    """One record a few lines, each value with its name; a table that fits stays one."""
    rows = [("cache.spack.io", "ok", "48,558", "develop, v1.0", "", "")]
    assert drawn(tables.Table(COLUMNS, rows, long=output.LONG), 40) == [
        "cache.spack.io  state: ok  specs: 48,558",
        "  tags: develop, v1.0",
    ]
    assert drawn(tables.Table(("TAG", "SPECS"), [("develop", "7")], numbers=("SPECS",)), 40) == [
        "TAG       SPECS",
        "---------------",
        "develop       7",
    ]


@examples(100, 2_500)
@given(prose, st.integers(8, 120), st.integers(0, 6), st.integers(0, 4))
def test_prose_breaks_between_words(text, room, indent, hang):
    """Nothing is lost or cut, each line but those of longer words fits, and a number is with its unit."""
    lines = wrap(" " * indent + text, room, hang=hang)
    assert " ".join(lines).split() == text.split()
    assert all(width(line) <= room or " " not in line.strip() for line in lines)
    if longest(text) + indent + hang <= room:
        assert re.findall(r"[\d,]+ specs", text) == re.findall(r"[\d,]+ specs", "\n".join(lines))


def test_a_word_longer_than_a_line_is_left_to_the_terminal():
    """What is copied from there is one word again; a list is broken behind its commas."""
    assert wrap("see /srv/a/path/that/is/long now", 12) == [
        "see",
        "/srv/a/path/that/is/long",
        "now",
    ]
    assert wrap("in alpha,beta,gamma", 12) == ["in alpha,", "beta,gamma"]
    assert wrap("hdf5@=1.14~cxx+mpi os=linux", 12) == ["hdf5@=1.14", "~cxx+mpi", "os=linux"]


def test_a_text_is_filled_anew_where_it_is_too_wide():
    """Paragraphs are joined, and a list goes on below what it says; a text that fits is left as it is."""
    text = "One two\nthree four.\n\n  name      what it is for, here\n  other     short\n"
    assert wrapped(text, 40) == text.splitlines()
    assert wrapped(text, 30) == [
        "One two three four.",
        "",
        "  name      what it is for,",
        "      here",
        "  other     short",
    ]
    assert wrapped(text + "  x         " + "word " * 8, 44)[-2:] == [
        "  x         word word word word word word",
        "            word word",
    ]


def test_a_row_with_a_long_name_leaves_the_others_a_table():
    """Where few have one, it stands on a line of its own above the other values."""
    rows = [(f"variant={n}", str(n), "6 h ago") for n in range(6)] + [
        ("patches=" + "f" * 50, "7", "6 h ago")
    ]
    lines = drawn(tables.Table(("VARIANT", "SPECS", "LATEST"), rows, numbers=("SPECS",)), 60)
    assert lines[0] == "VARIANT    SPECS  LATEST"
    assert lines[-2:] == ["patches=" + "f" * 50, "               7  6 h ago"]


@examples(100, 2_500)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1), st.integers(0, 300))
def test_room_is_shared_out(columns, room):
    """Each column has at least its longest word and at most what it needs; nothing that is needed is left over."""
    least, most = [a for a, _ in columns], [a + b for a, b in columns]
    found = tables.shared_out(least, most, room)
    if sum(least) > room:
        assert found is None
        return
    assert found is not None
    assert all(low <= width <= high for low, width, high in zip(least, found, most, strict=True))
    assert sum(found) == min(room, sum(most))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """A mirror and pages whose paths are long, side by side. Read only."""
    world = World(tmp_path_factory.mktemp("a-directory-with-a-long-name"))
    world.page("develop-2025-03-09", "zlib", spec("a"))
    world.sync("--pages", world.pages)
    mirror = mirrors.make_mirror(world.root / "mirror", [mirrors.record("zlib", "1.3")])
    world.run("sync", "--mirror", mirror.url)
    return world


@pytest.mark.parametrize("command", [("status",), ("history", "zlib"), ("search", "zlib")])
def test_paths_stand_whole_on_a_terminal(site, command):
    """Those of the sources too, which are longer than a third of it."""
    shown = on_terminal(site, *command)
    if command != ("search", "zlib"):
        assert str(site.pages) in shown
        assert (site.root / "mirror").as_uri() in shown
    assert "1.3" in shown or command == ("status",)
