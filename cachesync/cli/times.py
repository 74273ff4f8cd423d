"""Times, ages, words of time and tags as people type them. The clock is passed in, and the zone may be."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import LedgerMissingError, NotThereError, UsageError

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

__all__ = ["WORDS", "Point", "instant", "parse", "point"]

MOST_MICROSECONDS = 2**62
"""A time that the database can compare with, and no clock reaches."""
_AGE = re.compile(r"(\d{1,9})([smhdw])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS = (
    "today", "yesterday", *_DAYS, "this-week", "last-week", "this-month", "last-month", "last-year",
)  # fmt: skip
"""Words of time as a shell can complete them: a dash or a blank is the same."""
_AGO = re.compile(
    r"(?:(?:last|past) )?(\d{1,9}|an?|one|two|three|four|five|six) ?"
    r"(s|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?|months?|years?)(?: ago)?"
)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_CLOCK = re.compile(r"(.*?) ?(?:at )?([01]?\d|2[0-3]):([0-5]\d)")
_LEAST_YEAR = 1970
SHOWN = 3
"""Tags that are named where there is none of a name."""
UNDERSTOOD = (
    "a seq (41), an age (90s, 2d, 1w), a time (2026-11-22T16:00:00Z), words (yesterday, monday,"
    ' "last week", "2 weeks ago"), or a tag'
)


class Point(NamedTuple):
    """What parts the log: the changes up to a seq from those after it, or those before a time from those since."""

    after: int = 0
    at: int | None = None
    """In microseconds since the epoch."""
    said: str | None = None
    """How it was read, where that is not plain."""
    tag_at: int | None = None
    """Of a tag: when its first change was made."""


def point(text: str | None, state_dir: Path, *, now: float, option: str = "--since") -> Point:
    """What `--since` or another option says: what `parse` reads, else a tag (or SOURCE/TAG), whose first change it is.

    Raises UsageError for what is neither.
    """
    found = parse(text, now=now)
    return _tag(text or "", state_dir, option) if found is None else found


def parse(text: str | None, *, now: float, zone: tzinfo | None = None) -> Point | None:
    """A seq, an age such as 2d, an ISO 8601 time (UTC where it has no zone), or words; None for none of these.

    Words are read in `zone`, None for the machine's.
    """
    if text is None:
        return Point()
    if text.isdecimal() and text.isascii() and len(text) < 20 and int(text) < 2**63:
        return Point(int(text))
    relative = _AGE.fullmatch(text)
    if relative is not None:
        seconds = int(relative[1]) * _UNIT_SECONDS[relative[2]]
        return Point(at=instant(now - seconds))
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _words(text, datetime.fromtimestamp(now, zone))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Point(at=instant(moment.timestamp()))


def _words(text: str, now: datetime) -> Point | None:
    """What words of time mean: `yesterday` is when it began, `2 days ago` is as long ago to the second."""
    words = " ".join(re.split(r"[\s_-]+", text.strip().lower()))
    ago = _AGO.fullmatch(words)
    moment = _beginning(words, now) if ago is None else _ago(ago, now)
    if moment is None:
        return None
    from datetime import UTC, datetime

    # What the clocks skip (in Beirut a midnight) is as long after what was before; `astimezone` takes it for earlier.
    seconds = moment.timestamp()
    at, there = instant(seconds), datetime.fromtimestamp(seconds, UTC)
    with suppress(ValueError):  # a TZ of a day or more: then UTC
        there = there.astimezone(now.tzinfo)
    return Point(at=at, said=f"{there:%a %Y-%m-%d %H:%M} {there:%Z}")


def _ago(found: re.Match[str], now: datetime) -> datetime:
    """So long ago; months and years by the calendar, at its last day where the month is shorter."""
    from calendar import monthrange
    from datetime import UTC, datetime, timedelta

    number, unit = _NUMBERS.get(found[1]) or int(found[1]), found[2]
    if not unit.startswith(("mo", "y")):
        # Hours are hours, also where the clocks were set.
        moment = datetime.fromtimestamp(now.timestamp(), UTC)
        try:
            return moment - timedelta(seconds=number * _UNIT_SECONDS[unit[0]])
        except OverflowError:
            return now.replace(year=_LEAST_YEAR, month=1, day=2)
    months = now.year * 12 + now.month - 1 - number * (12 if unit.startswith("y") else 1)
    year, month = max(months, _LEAST_YEAR * 12) // 12, max(months, _LEAST_YEAR * 12) % 12 + 1
    return now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))


def _beginning(words: str, now: datetime) -> datetime | None:
    """When a day, week, month or year that is named began, or its hour if one is told."""
    from datetime import timedelta

    if words == "now":
        return now
    clock = _CLOCK.fullmatch(words)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    week = day - timedelta(days=day.weekday())
    month = day.replace(day=1)
    known = {
        "today": day,
        "yesterday": day - timedelta(days=1),
        "this week": week,
        "last week": week - timedelta(days=7),
        "this month": month,
        "last month": (month - timedelta(days=1)).replace(day=1),
        "this year": month.replace(month=1),
        "last year": month.replace(month=1, year=month.year - 1),
    }
    if clock is None:
        return known.get(words) or _weekday(words, day)
    named = clock[1] or "today"
    found = known[named] if named in ("today", "yesterday") else _weekday(named, day)
    return None if found is None else found.replace(hour=int(clock[2]), minute=int(clock[3]))


def _weekday(words: str, today: datetime) -> datetime | None:
    """The last such day: today if it is one, but not where `last` is said."""
    from datetime import timedelta

    name = words.removeprefix("last ")
    found = [number for number, day in enumerate(_DAYS) if name in (day, day[:3])]
    if not found:
        return None
    back = (today.weekday() - found[0]) % 7
    return today - timedelta(days=back or 7 * words.startswith("last "))


def _tag(text: str, state_dir: Path, option: str) -> Point:
    """The first change of a tag."""
    from ..documents import timestamp
    from ..ledger import connect, tally
    from ..spack import tags

    found: tuple[int, int] | None = None
    known: list[tags.Place] = []
    try:
        with connect.ledger_errors(state_dir):
            db = connect.open_reader(state_dir)
            try:
                known = tally.known_tags(db)
                found = tally.first_of_tags(db, tags.resolve(text, known))
            finally:
                db.close()
    except (LedgerMissingError, NotThereError):
        pass  # then it is no tag
    if found is None:
        raise UsageError(f"{option} does not understand {text!r}", hint=_hint(text, known))
    seq, at = found
    return Point(
        after=seq - 1, tag_at=at, said=f"{text} was first seen: seq {seq}, {timestamp(at)}"
    )


def _hint(text: str, known: list[tuple[str, str]]) -> str:
    """What is spelled alike, and what is understood; tags from new to old."""
    from difflib import get_close_matches

    from ..spack import tags

    names = sorted({tag for _, tag in known}, key=tags.order, reverse=True)
    words = [word.replace("-", " ") for word in WORDS]
    near = get_close_matches(text.lower(), dict.fromkeys([*words, *names]), n=3)
    more = ", ..." if len(names) > SHOWN else ""
    understood = UNDERSTOOD + (f" ({', '.join(names[:SHOWN])}{more})" if names else "")
    return f"did you mean {', '.join(near)}? It takes {understood}" if near else understood


def instant(seconds: float) -> int:
    """Unix time in microseconds, none before 1970 and none that is too large for the database."""
    return int(min(max(seconds, 0.0) * 1e6, MOST_MICROSECONDS))
