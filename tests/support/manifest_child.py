"""A program that passes once over the spec manifests of a mirror, and brings the search index up to it.

`python -m tests.support.manifest_child STATE MIRROR`
"""

import sys
import time
from pathlib import Path

from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import BuildcacheSourceConfig
from cachesync.diff import Guard
from cachesync.index import catchup
from cachesync.ledger import connect
from cachesync.ledger.write import Writer
from cachesync.selection import Selection
from cachesync.sources.mirror.manifests import ManifestSource
from cachesync.sources.mirror.reaching import Reach
from cachesync.sync.passes import run_pass


def main(state: Path, mirror: Path) -> None:
    with connect.writer_lock(state):
        db = connect.open_writer(state, now=0)
        writer = Writer(db, clock=lambda: time.time_ns() // 1000)
        row = writer.source("m", "buildcache", "m", configured=True, interval=None)
        config = BuildcacheSourceConfig("m", mirror.as_uri(), tag="v1")
        source = ManifestSource(config, Reach(Limits()))
        run_pass(writer, source, row, selection=Selection(), guard=Guard())
        catchup.catch_up(db, state)
        db.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
