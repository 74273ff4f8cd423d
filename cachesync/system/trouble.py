"""Something that does not work for now, such as writing to a full disk: said once, and tried again.

When it begins it is said, when it is another trouble it is said, and when it is over; in between
nobody hears of it, and it is tried at growing intervals. Time is passed in.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

__all__ = ["Trouble", "delay"]

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 30.0
"""Short, since what mends it happens on this machine; and below what is taken for being stuck."""
COSTS = 10.0
"""An attempt takes at most one part in so many of the time."""
_NUMBER = re.compile(r"\d[\d.,]*")
_log = logging.getLogger("cachesync")


def delay(failures: int, *, took: float = 0.0) -> float:
    """Seconds until the next attempt after so many failures (at least 1); an attempt `took` so long."""
    return max(min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 30)), COSTS * took)


class Trouble:
    """Whether something works. For use by one thread at a time; any may look."""

    def __init__(
        self, begins: str, over: str, *, on_change: Callable[[], object] = lambda: None
    ) -> None:
        """What is logged: `begins`, before the error that is the reason, and `over`.

        `on_change` is called once `error` is another one.
        """
        self.error: str | None = None
        """Why it does not work; None while it does."""
        self.remedy: str | None = None
        """What helps then, as far as the error knew."""
        self.retry_at: float | None = None
        """When it is to be tried again, by the clock of `failed`."""
        self._begins = begins
        self._over = over
        self._on_change = on_change
        self._failures = 0

    def failed(
        self, error: str, now: float, *, took: float = 0.0, remedy: str | None = None
    ) -> float:
        """Note a failure; returns the seconds until the next attempt."""
        is_another = self.error is None or _kind(error) != _kind(self.error)
        if is_another:
            _log.error("%s: %s", self._begins, error)
        self.error, self.remedy = error, remedy
        self._failures += 1
        wait = delay(self._failures, took=took)
        self.retry_at = now + wait
        if is_another:
            self._on_change()
        return wait

    def is_due(self, now: float) -> bool:
        """Whether it does not work and is to be tried again."""
        return self.retry_at is not None and now >= self.retry_at

    def works(self) -> None:
        """Note that it works."""
        is_over = self.error is not None
        if is_over:
            _log.info("%s", self._over)
        self.error = self.remedy = self.retry_at = None
        self._failures = 0
        if is_over:
            self._on_change()


def _kind(error: str) -> str:
    """An error without its numbers: how much is free is not another trouble each time."""
    return _NUMBER.sub("#", error)
