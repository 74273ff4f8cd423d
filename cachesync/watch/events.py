"""What a watcher tells: plain values. Whatever else is said, `Dirty` says what to look at."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "Degraded",
    "Dirty",
    "Mode",
    "Overflowed",
    "Polling",
    "RootBack",
    "RootLost",
    "WatchEvent",
    "WatchReason",
    "Watching",
]


class WatchReason(StrEnum):
    """Why a directory is polled. The first three are as it shall be, the others are a degradation."""

    CONFIGURED = "configured"
    FILESYSTEM = "filesystem"
    """Its kind does not tell what other hosts write."""
    LINK = "link"
    """A symbolic link leads to what is watched."""
    EXHAUSTED = "exhausted"
    """The kernel has no more watches or instances, or this process no more descriptors."""
    BROKEN = "broken"
    """Events failed in another way."""


class Dirty(NamedTuple):
    """Something below `prefix` may have changed: a package, a tag (`develop/`), or everything ("")."""

    prefix: str


class Watching(NamedTuple):
    """From now on no change goes unnoticed; `Dirty("")` follows for what happened until now."""

    directories: int
    seconds: float
    """How long it took until every directory was watched."""


class Overflowed(NamedTuple):
    """The kernel dropped events, once for a burst; `Watching` and `Dirty("")` follow soon."""


class RootLost(NamedTuple):
    """The root cannot be trusted for now; nothing more is told of it until `RootBack`."""

    reason: str


class RootBack(NamedTuple):
    """The root is there again; `Watching` or `Degraded` follows, and `Dirty("")`."""


class Polling(NamedTuple):
    """The root is polled, as it shall be; `Dirty("")` follows."""

    why: WatchReason
    reason: str
    """For a person."""


class Degraded(NamedTuple):
    """The root cannot be watched and is polled until `Watching`; `Dirty("")` follows."""

    reason: str
    """What is missing, how much of it there is and the command that mends it."""
    why: WatchReason = WatchReason.BROKEN


WatchEvent = Dirty | Watching | Overflowed | RootLost | RootBack | Polling | Degraded


class Mode(StrEnum):
    """How a watcher notices changes at the moment."""

    STARTING = "starting"
    INOTIFY = "inotify"
    POLLING = "polling"
    LOST = "lost"
    STOPPED = "stopped"
