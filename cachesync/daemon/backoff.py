"""When what failed is tried again, a source at rest is looked at, what is said is said anew. Pure."""

from __future__ import annotations

__all__ = ["rest_seconds", "retry_delay", "said_seconds"]

FIRST_SECONDS = 60.0
LONGEST_SECONDS = 3600.0
LEAST_REST_SECONDS = 1.0
MOST_REST_SECONDS = 60.0
LEAST_SAID_SECONDS = 0.1
SHARE = 50
"""What is said may take one part in so many of a processor, as far as that is up to the rest."""


def retry_delay(
    failures: int, *, interval: float | None, asked_for: float | None, chance: float
) -> float:
    """Seconds until the next attempt after so many failures in a row (at least 1).

    Twice as long each time, up to an hour or the source's own interval where that is longer, and
    somewhere in the upper half of that (`chance` from 0 to 1), so that many sources or many
    daemons do not come back together. A server that asked for a pause gets at least that.
    """
    longest = max(LONGEST_SECONDS, interval or 0.0)
    ceiling = min(longest, FIRST_SECONDS * 2.0 ** min(failures - 1, 30))
    return max(ceiling * (0.5 + chance / 2), asked_for or 0.0)


def rest_seconds(*, quiet: float, pass_seconds: float) -> float:
    """How long nothing must happen to a directory that is held or failed until all of it is read.

    At least twice what a whole pass takes, so that a tree that is touched again and again is not
    read all the time; `quiet` is the rest of a single page.
    """
    return max(quiet, min(MOST_REST_SECONDS, max(LEAST_REST_SECONDS, 2 * pass_seconds)))


def said_seconds(*, took: float, most: float) -> float:
    """How long what was published stands before it is published again, if that took so long.

    Where it costs little it is soon, so that whoever looks sees what is; nowhere later than `most`.
    """
    return min(most, max(LEAST_SAID_SECONDS, SHARE * took))
