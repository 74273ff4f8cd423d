"""What the worker of a source is asked for, and what it says of itself. Values."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import NamedTuple

from ..errors import CachesyncError
from ..sync import passes
from ..watch.events import WatchEvent

__all__ = ["Due", "Full", "Now", "Request", "Stop", "Stopped", "WorkerState", "refuse"]


class Stopped(Exception):  # noqa: N818 - no error: the daemon ends
    """Raised inside a pass that is abandoned; what it committed stands."""


class Full(NamedTuple):
    """A command asks for a whole pass, now."""

    reply: Future[passes.PassResult]
    allow_mass_removal: bool = False


class Due(NamedTuple):
    """The schedule asks for a whole pass; a source that fails has its own time to come back."""


class Now(NamedTuple):
    """The daemon's user asks for a whole pass, and waits for no answer."""


class Stop(NamedTuple):
    """There is nothing more to do."""


Request = Full | Due | Now | Stop | WatchEvent


class WorkerState(NamedTuple):
    """What a worker does and how it is; for `status`, metrics and health."""

    doing: str = "idle"
    since: float = 0.0
    """By `time.monotonic`."""
    failures: int = 0
    """Passes in a row that failed."""
    retry_at: float | None = None
    """When a source that fails is tried again, by `time.monotonic`: clocks are set."""
    passes: int = 0
    seconds: float = 0.0
    """How long the last pass took."""
    overflows: int = 0
    is_overflowed: bool = False
    """Whether the kernel dropped events, and no whole pass has followed yet."""
    is_dirty: bool = False
    """Whether something happened that was not looked at yet."""
    watch: str | None = None
    """What is wrong with watching; None where nothing is."""


def refuse(asked: Iterable[Full], error: CachesyncError) -> None:
    """Tell those who have no answer yet that there is none."""
    for full in asked:
        if not full.reply.done():
            full.reply.set_exception(error)
