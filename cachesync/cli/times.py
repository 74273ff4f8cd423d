"""Times and ages as people type them."""

from __future__ import annotations

import re

from ..errors import UsageError

__all__ = ["instant", "parse_since"]

MOST_MICROSECONDS = 2**62
"""A time that the database can compare with, and no clock reaches."""
_AGE = re.compile(r"(\d{1,9})([smhdw])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse_since(text: str | None, *, now: float) -> tuple[int, int | None]:
    """`--since` as an exclusive seq and an inclusive time (microseconds since the epoch).

    Raises UsageError for what is neither a seq, nor an age such as 2d, nor an ISO 8601 time.
    """
    if text is None:
        return 0, None
    if text.isdecimal() and text.isascii() and len(text) < 19:
        return int(text), None  # below 2**63
    relative = _AGE.fullmatch(text)
    if relative is not None:
        seconds = int(relative[1]) * _UNIT_SECONDS[relative[2]]
        return 0, instant(now - seconds)
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--since does not understand {text!r}",
            hint="a seq (41), an age (90s, 15m, 6h, 2d, 1w), or a time (2026-11-22T16:00:00Z)",
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return 0, instant(moment.timestamp())


def instant(seconds: float) -> int:
    """Unix time in microseconds, none before 1970 and none that is too large for the database."""
    return int(min(max(seconds, 0.0) * 1e6, MOST_MICROSECONDS))
