"""The one writer of a ledger, for a test that does without the command line, and what is done with it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

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


class _World(Protocol):
    """A `Universe`, or a `World` of statements."""

    def apply(self, step: tuple[Any, ...], writer: Writer, /) -> None:
        """Let something happen to what is synced."""

    def sync(self, writer: Writer, /) -> None:
        """A pass over every source."""


def played(
    world: _World, history: Iterable[Iterable[tuple[Any, ...]]], writer: Writer
) -> Iterator[int]:
    """Let a history happen, with a pass after each batch of steps; the number of each that is done."""
    for number, batch in enumerate(history):
        for step in batch:
            world.apply(step, writer)
        world.sync(writer)
        yield number
