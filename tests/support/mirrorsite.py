"""A state directory that a source of cache indexes was synced into, beside pages or not."""

import time
from collections.abc import Mapping

from cachesync.diff import Guard
from cachesync.index import catchup
from cachesync.ledger import connect
from cachesync.ledger.write import Writer
from cachesync.selection import Selection
from cachesync.sources.base import Failed
from cachesync.sync.passes import run_pass
from cachesync.sync.result import PassResult
from tests.support.statedsource import Stated, StatedSource
from tests.support.world import World

__all__ = ["sync_indexes"]


def sync_indexes(
    world: World, documents: Mapping[Stated, bytes | Failed], *, name: str = "m", settle: int = 2
) -> PassResult:
    """One pass of a source over some cache indexes, and the search index brought up to it."""
    with connect.writer_lock(world.state):
        db = connect.open_writer(world.state, now=time.time_ns() // 1000)
        try:
            writer = Writer(db, clock=lambda: time.time_ns() // 1000)
            row = writer.source(name, "buildcache", name, configured=True, interval=None)
            source = StatedSource(name, documents, settle)
            found = run_pass(writer, source, row, selection=Selection(), guard=Guard())
            catchup.catch_up(db, world.state)
        finally:
            db.close()
    return found
