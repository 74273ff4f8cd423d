"""Laws over random histories of real page files: the log replays, a repeated pass is silent, the
index is what a fresh one would be, and every way of answering a query gives the same answer.

Two sources, a handful of paths, tags, packages and hashes, so that everything meets everything:
duplicate claims, moved pages, broken files, the same hash described with and without a compiler,
stacks and tags that differ in case only.
"""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.index import catchup
from cachesync.index.writer import discard
from cachesync.ledger import connect, log, read, whole
from cachesync.model import LocationState
from tests.support.answering import check_answers, check_index
from tests.support.examples import examples
from tests.support.universe import Universe, histories, steps, trees
from tests.support.writing import played


@pytest.mark.slow
@examples(25, 400)
@given(histories)
def test_the_log_tells_the_ledger(history):
    """After any history: the files are the ledger, the log replays to it, and flags are as counted.

    A pass over files that did not change records nothing.
    """
    with tempfile.TemporaryDirectory() as root:
        universe = Universe(Path(root))
        with universe.writing() as writer:
            for _ in played(universe, history, writer):
                universe.check_ledger(writer.db)
                before = read.last_seq(writer.db)
                universe.sync(writer)
                assert read.last_seq(writer.db) == before


@pytest.mark.slow
@examples(7, 100)
@given(histories, st.lists(trees, min_size=4, max_size=8), st.data())
def test_every_way_of_answering_is_the_same(history, nodes, data):
    """Through the index, through one that is behind, through a fresh one and through none: one answer."""
    with tempfile.TemporaryDirectory() as root:
        universe = Universe(Path(root))
        with universe.writing() as writer:
            catchup.catch_up(writer.db, universe.state)
            for _ in played(universe, history, writer):
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
@examples(8, 125)
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
