"""How long may be looked for what to say where nothing was found: the answer is there already."""

from __future__ import annotations

import time

__all__ = ["Allowance"]


class Allowance:
    """A bound in time, of the calling thread: how busy the machine is decides nothing, or as good as nothing."""

    def __init__(self, seconds: float, *, patience_seconds: float = 3.0) -> None:
        """So many seconds of the processor's time, and at most so many by the clock."""
        self._until = time.thread_time() + seconds, time.monotonic() + patience_seconds

    @property
    def is_left(self) -> bool:
        """Whether there is time left."""
        busy, until = self._until
        return time.thread_time() < busy and time.monotonic() < until
