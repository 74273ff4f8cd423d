"""Whether a directory is polled although it could be watched: by the configuration, or by where it lies."""

from __future__ import annotations

from ..config.settings import WatchMode
from .events import Polling, WatchReason

__all__ = ["choose"]


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
