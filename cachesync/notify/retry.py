"""When to try again, and when to give up. Pure: time and chance are passed in."""

from __future__ import annotations

from .delivery import Outcome, Result

__all__ = [
    "DISABLE_AFTER_FAILURES",
    "DISABLE_AFTER_SECONDS",
    "LONGEST_WAIT_SECONDS",
    "MOST_RETRY_AFTER_SECONDS",
    "SCHEDULE_SECONDS",
    "is_to_be_disabled",
    "next_attempt",
]

SCHEDULE_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: what is waited after each failed attempt.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""
JITTER = 0.1
"""A wait is longer by up to this part of it, so that many failures do not come back together."""
MOST_RETRY_AFTER_SECONDS = 86_400.0
"""No receiver can put a message off for longer with `Retry-After`."""
LONGEST_WAIT_SECONDS = max(SCHEDULE_SECONDS[-1] * (1.0 + JITTER), MOST_RETRY_AFTER_SECONDS)
"""No attempt is put off for longer."""
DISABLE_AFTER_SECONDS = 5 * 86_400
"""A target at which everything failed for so long is disabled,"""
DISABLE_AFTER_FAILURES = 8
"""and for so many attempts: a machine that sleeps for a week has not tried for a week."""


def next_attempt(attempts: int, result: Result, *, now: float, chance: float) -> float | None:
    """When to try again after `attempts` attempts, of which `result` is the latest.

    In the time scale of `now`, in seconds; None: never again, it is a dead letter. `chance` is in
    [0, 1). `Retry-After` only makes a wait longer: a shorter one would use up the attempts.
    """
    if result.outcome is Outcome.GONE or not 1 <= attempts <= len(SCHEDULE_SECONDS):
        return None
    wait = SCHEDULE_SECONDS[attempts - 1] * (1.0 + JITTER * chance)
    demanded = min(result.retry_after_seconds or 0.0, MOST_RETRY_AFTER_SECONDS)
    return now + max(wait, demanded)


def is_to_be_disabled(
    result: Result, *, failing_since: float | None, failures: int, now: float
) -> bool:
    """Whether a target gets nothing more until somebody enables it.

    `failing_since` is when the first of the attempts that failed without a success in between was
    made, None when this is the first; `failures` is how many they are, with this one.
    """
    if result.outcome is Outcome.DELIVERED:
        return False
    if result.outcome is Outcome.GONE:
        return True
    if failing_since is None or failures < DISABLE_AFTER_FAILURES:
        return False
    return now - failing_since >= DISABLE_AFTER_SECONDS
