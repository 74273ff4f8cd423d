"""Laws over random histories of cache indexes, beside pages of the same hashes: see `support.statements`."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from cachesync.ledger import read
from tests.support.statements import World, histories


@pytest.mark.slow
@settings(max_examples=60)
@given(histories)
def test_the_log_tells_what_cache_indexes_told(history):
    """The log replays to the ledger, nodes and edges too, and what is placed is what a model says.

    What settled leaves, and nothing else does; a pass over what did not change records nothing more.
    """
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        with world.writing() as writer:
            for batch in history:
                for step in batch:
                    world.apply(step, writer)
                world.sync(writer)
                world.check(writer.db)
            for _ in range(world.settle):
                world.sync(writer)
            world.check(writer.db)
            before = read.last_seq(writer.db)
            world.sync(writer)
            assert read.last_seq(writer.db) == before
