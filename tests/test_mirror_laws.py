"""Laws over random histories of cache indexes, beside pages of the same hashes: see `support.statements`."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given

from cachesync import query
from cachesync.index import catchup
from cachesync.ledger import read, whole
from tests.support.answering import check_answers, check_index
from tests.support.examples import examples
from tests.support.statements import RECORDS, World, compilers_of, histories
from tests.support.universe import brute_force
from tests.support.writing import played

OF_COMPILERS = ("%gcc", "%nag", "%llvm@17", "compiler:gcc@=12.3.0", "compiler:l*", "nag", "-%gcc", "-compiler:llvm %gcc",
                "%gcc %llvm", "hdf5 %gcc", "nga~1", "none", "zlib-ng OR %nag@8:")  # fmt: skip


@pytest.mark.slow
@examples(20, 300)
@given(histories)
def test_the_log_tells_what_cache_indexes_told(history):
    """The log replays to the ledger, nodes and edges too, and what is placed is what a model says.

    What settled leaves, and nothing else does; a pass over what did not change records nothing more.
    """
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        with world.writing() as writer:
            for _ in played(world, history, writer):
                world.check(writer.db)
            for _ in range(world.settle):
                world.sync(writer)
            world.check(writer.db)
            before = read.last_seq(writer.db)
            world.sync(writer)
            assert read.last_seq(writer.db) == before


@pytest.mark.slow
@examples(8, 125)
@given(histories)
def test_a_compiler_of_any_language_is_found_by_every_way_of_answering(history):
    """The index, one that is behind, one made anew and the ledger find what the records say, and count it.

    As a compiler, which `%` is of what pages told of: what pages do not say they cannot find.
    """
    nodes = [query.as_pages(query.parse(text)) for text in OF_COMPILERS]
    names = {one.hash: {name.partition("@")[0] for name in compilers_of(one)} for one in RECORDS}
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        with world.writing() as writer:
            for number in played(world, history, writer):
                check_answers(world.state, writer.db, nodes)
                if number % 2:
                    catchup.catch_up(writer.db, world.state)
                    check_index(world.state, writer.db)
                    check_answers(world.state, writer.db, nodes)
            placed = {p.hash for p in whole.all_placements(writer.db) if p.source != "pages"}
            for name in ("gcc", "llvm", "nag"):
                found = brute_force(writer.db, query.as_pages(query.parse(f"%{name}"))).values()
                hashes = {spec_hash for specs in found for spec_hash in specs}
                assert hashes & placed == {one for one in placed if name in names[one]}
            catchup.rebuild(writer.db, world.state)
            check_index(world.state, writer.db)
            check_answers(world.state, writer.db, nodes)
