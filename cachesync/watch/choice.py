"""Whether a directory is polled although it could be watched: by the configuration, or by where it lies."""

from __future__ import annotations

from ..config.settings import WatchMode
from .events import Degraded, Polling, WatchReason
from .limits import LinkError, is_exhausted, refusal

__all__ = ["choose", "instead"]


def choose(mode: WatchMode, silent_kind: str | None) -> Polling | None:
    """Why a directory is polled; None where it is watched. Pure.

    `silent_kind` names the kind of its file system if that one does not tell what other hosts write
    (`system.filesystem`).
    """
    if mode is WatchMode.POLL:
        return Polling(WatchReason.CONFIGURED, "`watch:` says so")
    if mode is WatchMode.AUTO and silent_kind is not None:
        return Polling(
            WatchReason.FILESYSTEM, f"{silent_kind} does not tell what other hosts write"
        )
    return None


def instead(error: OSError, directories: int, pause_seconds: float | None) -> Polling | Degraded:
    """Why a directory is polled that could not be watched: so many `directories`, so often."""
    if isinstance(error, LinkError):
        return Polling(
            WatchReason.LINK, f"{error.strerror}, behind which no event tells of a change"
        )
    why = WatchReason.EXHAUSTED if is_exhausted(error) else WatchReason.BROKEN
    interval = f"polled every {pause_seconds:g} s instead of watched"
    return Degraded(f"{refusal(error, directories)}; {interval}", why)
