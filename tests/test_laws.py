"""Laws over random histories of real page files: the log replays, a repeated pass is silent, the
index is what a fresh one would be, and every way of answering a query gives the same answer.

Two sources, a handful of paths, tags, packages and hashes, so that everything meets everything:
duplicate claims, moved pages, broken files, the same hash described with and without a compiler,
stacks and tags that differ in case only.
"""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.index import catchup
from cachesync.index.reader import SearchIndex
from cachesync.index.writer import discard
from cachesync.ledger import connect, log, read, whole
from cachesync.model import LocationState
from cachesync.reports import verify
from cachesync.search.facets import FACETS
from cachesync.search.searcher import Searcher
from tests.support.universe import Found, Universe, brute_force, histories, steps, trees


def naive_facets(found: Found) -> dict[str, dict[str, dict[str, int]]]:
    """The facets of what was found, counted value by value."""
    counts: dict[str, dict[str, dict[str, int]]] = {name: {} for name in FACETS}
    for build, specs in found.items():
        values = [
            {(n, getattr(build, n)) for n in ("target", "os", "compiler", "version", "package")}
            | {("tag", place.tag) for place in places}
            | {("stack", stack) for place in places for stack in place.stacks}
            for places in specs.values()
        ]
        for name, value in set().union(*values):
            count = counts[name].setdefault(value, {"specs": 0, "builds": 0})
            count["specs"] += sum((name, value) in of_spec for of_spec in values)
            count["builds"] += 1
    return counts


def check_answers(state: Path, db, nodes: list[query.Node]) -> None:
    """`Searcher.search` says what brute force says, and counts what it says."""
    searcher = Searcher(state)
    try:
        for node in nodes:
            expected = brute_force(db, node)
            answer = searcher.search(node)
            found = {hit.build: {s.hash: s.placements for s in hit.specs} for hit in answer.hits}
            assert found == expected
            assert (answer.builds, answer.specs) == (
                len(expected), sum(len(specs) for specs in expected.values())
            )  # fmt: skip
            assert searcher.search(node, limit=1, facets=True).facets == naive_facets(expected)
            few = searcher.search(node, limit=1)
            assert (few.builds, few.specs) == (answer.builds, answer.specs)
            assert few.hits == answer.hits[:1]
    finally:
        searcher.close()


def check_index(state: Path, db) -> None:
    """The index holds what the ledger says, posting for posting, as a fresh one would."""
    opened = SearchIndex(
        state / connect.INDEX_DIRECTORY,
        ledger=read.identity(db),
        mark=lambda seq: read.mark(db, seq),
    )
    try:
        assert opened.seq == read.last_seq(db)
        assert list(verify.check_index(db, opened)) == []
    finally:
        opened.close()


@pytest.mark.slow
@settings(max_examples=80)
@given(histories)
def test_the_log_tells_the_ledger(history):
    """After any history: the files are the ledger, the log replays to it, and flags are as counted.

    A pass over files that did not change records nothing.
    """
    with tempfile.TemporaryDirectory() as root:
        universe = Universe(Path(root))
        with universe.writing() as writer:
            for batch in history:
                for step in batch:
                    universe.apply(step, writer)
                universe.sync(writer)
                universe.check_ledger(writer.db)
                before = read.last_seq(writer.db)
                universe.sync(writer)
                assert read.last_seq(writer.db) == before


@pytest.mark.slow
@settings(max_examples=20)
@given(histories, st.lists(trees, min_size=4, max_size=8), st.data())
def test_every_way_of_answering_is_the_same(history, nodes, data):
    """Through the index, through one that is behind, through a fresh one and through none: one answer."""
    with tempfile.TemporaryDirectory() as root:
        universe = Universe(Path(root))
        with universe.writing() as writer:
            catchup.catch_up(writer.db, universe.state)
            for batch in history:
                for step in batch:
                    universe.apply(step, writer)
                universe.sync(writer)
                check_answers(universe.state, writer.db, nodes)
                if data.draw(st.booleans(), label="the index catches up"):
                    catchup.catch_up(writer.db, universe.state)
                    check_index(universe.state, writer.db)
                    check_answers(universe.state, writer.db, nodes)
            catchup.catch_up(writer.db, universe.state)
            check_answers(universe.state, writer.db, nodes)
            catchup.rebuild(writer.db, universe.state)
            check_index(universe.state, writer.db)
            check_answers(universe.state, writer.db, nodes)
            discard(universe.state / connect.INDEX_DIRECTORY)
            check_answers(universe.state, writer.db, nodes[:2])


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(steps, min_size=12, max_size=30))
def test_the_way_there_does_not_matter(history):
    """Passes after every step leave the placements that one pass at the end leaves.

    Not of a page whose file claims another's at the end: there the last good page stands.
    """
    history = [step for step in history if step[0] not in ("corrupt", "forget")]
    placed, standing = [], set()
    for every in (True, False):
        with tempfile.TemporaryDirectory() as root:
            universe = Universe(Path(root))
            with universe.writing() as writer:
                for step in history:
                    universe.apply(step, writer)
                    if every:
                        universe.sync(writer)
                universe.sync(writer)
                placed.append(sorted(whole.all_placements(writer.db)))
                for trouble in log.troubles(writer.db, LocationState.REJECTED):
                    located = whole.located_pages(writer.db, trouble.source)
                    standing.add((trouble.source, *located.get(trouble.page, ())))
    one, other = (
        [p for p in found if (p.source, p.tag, p.package) not in standing] for found in placed
    )
    assert one == other
