"""The process beside sees what this one would see, and its death costs nothing but its speed."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cachesync.index import catchup
from cachesync.ledger import connect
from cachesync.selection import Selection
from cachesync.sources.directory import DirectorySource
from cachesync.sync import beside, reading
from cachesync.system import child
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.world import World, hash_of

PAGES = 700
SELECTION = Selection(("*", "!v9"), ("*",))


@pytest.fixture
def source(world: World) -> DirectorySource:
    """Pages of every sort: good, misplaced, broken, deselected, gone when they are read."""
    for number in range(PAGES):
        package, tag = f"p{number % 70}", f"v{number // 70}"
        rows = [
            spec(
                hash_of((number * 3 + i) * 1_000_003),
                variants=["+a"] * (number % 2),
                stacks=["s"] * i,
            )
            for i in range(3)
        ]
        data = as_generated(Facts(package, tag, rows))
        if number % 50 == 7:
            data = data[:-40]
        world.write(f"{tag}/{package}" if number % 40 else f"else/{package}-{tag}", data)
    world.settle()
    return DirectorySource("site", world.pages, page_limit=1 << 20)


def _places(source: DirectorySource) -> list[reading.Place]:
    entries = source.listing().entries
    places = [reading.Place(e.path, e.signature, None, None) for e in entries]
    Path(source.root, places[100].path).unlink()
    return places


@pytest.fixture
def few_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "WORTH_A_PROCESS", 100)


def _beside(
    source: DirectorySource, places: list[reading.Place], *, at_once: int, kill_at: int = -1
) -> Iterator[reading.Look]:
    with closing(beside.Looker(source, SELECTION)) as looker:
        for start in range(0, len(places), at_once):
            looker.offer(places[start : start + at_once])
        process = looker._process
        assert process is not None, "this test is about a process beside"
        for number, look in enumerate(looker.looks()):
            if number == kill_at:
                os.kill(process.pid, signal.SIGKILL)
            yield look
    assert process.returncode is not None, "nothing is left running"


@pytest.mark.parametrize("at_once", [70, 10_000])
def test_it_sees_what_this_process_sees(source, few_are_worth_it, at_once):
    places = _places(source)
    expected = list(reading.looks(source, SELECTION, places))
    assert {type(look.outcome).__name__ for look in expected} >= {"Good", "Rejected", "Skipped"}
    assert any(look.gone for look in expected)
    assert list(_beside(source, places, at_once=at_once)) == expected


@pytest.mark.parametrize("kill_at", [0, 499, 500, 650])
def test_killed_it_is_done_without(source, few_are_worth_it, kill_at):
    places = _places(source)
    expected = list(reading.looks(source, SELECTION, places))
    assert list(_beside(source, places, at_once=200, kill_at=kill_at)) == expected


def test_where_no_process_starts_this_one_looks(source, few_are_worth_it, monkeypatch):
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    places = _places(source)
    with closing(beside.Looker(source, SELECTION)) as looker:
        looker.offer(places)
        assert list(looker.looks()) == list(reading.looks(source, SELECTION, places))


def test_a_looker_that_is_closed_leaves_no_process(source, few_are_worth_it):
    looker = beside.Looker(source, SELECTION)
    looker.offer(_places(source))
    process = looker._process
    assert process is not None
    looker.close()
    assert process.returncode is not None


def test_numbers_can_begin_afresh(source, monkeypatch):
    monkeypatch.setattr(beside, "MAX_SENT", 5)
    places = _places(source)
    expected = list(reading.looks(source, SELECTION, places))
    packer, unpacker = beside._Packer(), beside._Unpacker(places)
    found = []
    for start in range(0, len(places), 50):
        pairs = list(zip(places, expected, strict=True))[start : start + 50]
        found += unpacker.unpack(packer.pack(pairs))
    assert found == expected


@pytest.mark.parametrize("broken", [False, True])
def test_an_index_of_two_halves_is_an_index(world, monkeypatch, broken):
    """Half of it is written by another process; where that fails all of it is written by this one."""
    for number in range(40):
        world.page("v1", f"p{number}", spec(hash_of(number * 1_000_003)))
    world.sync()
    assert child.is_worth_it()
    with monkeypatch.context() as patch, connect.writer_lock(world.state):
        patch.setattr(catchup, "WORTH_A_PROCESS", 1)
        if broken:
            patch.setattr("sys.executable", "/bin/false")
        db = connect.open_writer(world.state, now=0)
        catchup.rebuild(db, world.state)
        db.close()
    world.verify()
    segments = list((world.state / "index" / "current").glob("*.seg"))
    assert len(segments) == (1 if broken else 2)
    assert len(world.found("v1")) == 40
    world.page("v1", "p3", spec(hash_of(5)))
    world.sync()
    world.verify()
    assert len(world.found("v1")) == 40
