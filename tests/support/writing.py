"""The one writer of a ledger, for a test that does without the command line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cachesync.ledger import connect
from cachesync.ledger.write import Writer


@contextmanager
def writing(state: Path, clock: Callable[[], int]) -> Iterator[Writer]:
    """A writer that holds the state directory."""
    with connect.writer_lock(state):
        db = connect.open_writer(state, now=0)
        try:
            yield Writer(db, clock=clock)
        finally:
            db.close()
