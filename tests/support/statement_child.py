"""A program that passes once over a source of cache indexes, and brings the search index up to it.

`python -m tests.support.statement_child STATE FILE...`: each file is an index, and a stack of tag v1.
"""

import sys
import time
from pathlib import Path

from cachesync.diff import Guard
from cachesync.index import catchup
from cachesync.ledger import connect
from cachesync.ledger.write import Writer
from cachesync.selection import Selection
from cachesync.sync.passes import run_pass
from tests.support.statedsource import Stated, StatedSource


def main(state: Path, files: list[Path]) -> None:
    documents = {
        Stated("https://m.example", file.stem, "v1", file.stem): file.read_bytes() for file in files
    }
    with connect.writer_lock(state):
        db = connect.open_writer(state, now=0)
        writer = Writer(db, clock=lambda: time.time_ns() // 1000)
        row = writer.source("m", "buildcache", "m", configured=True, interval=None)
        source = StatedSource("m", documents, settle=1)
        run_pass(writer, source, row, selection=Selection(), guard=Guard())
        catchup.catch_up(db, state)
        db.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
