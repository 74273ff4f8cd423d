"""How often a watcher does something by itself. Values; no clock."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Timing"]


class Timing(NamedTuple):
    """How often a watcher does what the kernel does not tell it to."""

    check_seconds: float = 3.0
    """The root is looked at, and the heartbeat advances at least as often."""
    poll_seconds: float = 60.0
    """Between two walks while polling, or longer (`poll.pause_seconds`)."""
    retry_seconds: float = 300.0
    """Between two attempts to leave polling."""
    rest_seconds: float = 0.02
    """After each read, so that the kernel merges the events of a page written in small pieces."""
    settle_seconds: float = 0.5
    """After an overflow the tree is watched anew once nothing happened for so long."""
    settle_cap_seconds: float = 5.0
    """And at the latest after so long."""
