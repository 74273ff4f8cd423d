"""Tables on a narrow terminal: no word is cut, no value is lost (cli/display/tables.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.cli.display import output, tables
from tests.support import mirrors
from tests.support.console import on_terminal
from tests.support.world import World, spec

WIDTH = 80
COLUMNS = ("SOURCE", "STATE", "SPECS", "TAGS", "VARIANTS", "ERROR")
values = st.lists(st.text("abc", min_size=1, max_size=WIDTH - 8), max_size=4).map(" ".join)
tight = st.text("abc", max_size=WIDTH - 8)


def drawn(table: tables.Table, room: int) -> list[str]:
    """The lines of a table without their styles."""
    return ["".join(text for text, _ in line) for line in tables.layout(table, room)]


@given(st.lists(st.tuples(tight, tight, tight, values, values, values), min_size=1, max_size=6),
       st.sampled_from([(), ("VARIANTS",)]))  # fmt: skip
def test_no_word_is_cut_and_no_line_is_too_long(rows, below):
    """Whatever is in the cells, as long as each word fits a line of its own."""
    table = tables.Table(COLUMNS, rows, below, numbers=output.NUMBERS, long=output.LONG)
    lines = drawn(table, WIDTH)
    assert max(map(len, lines)) <= WIDTH
    shown = sorted(word for line in lines for word in line.split() if not set(word) - set("abc"))
    assert shown == sorted(word for row in rows for cell in row for word in cell.split())


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
