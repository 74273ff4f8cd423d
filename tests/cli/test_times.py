"""Times as people type them (cli/times.py)."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.cli import times
from tests.support.examples import examples

BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY = datetime(2026, 11, 28, 18, 45, 7, tzinfo=BERLIN)
zones = st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")])
clocks = st.integers(157_766_400, 4_102_444_800)
"""Seconds since the epoch, from 1975 to 2100."""


def read(text, now=SATURDAY):
    """When it is from on, in the zone of `now`; None where it is nothing that is told by the clock."""
    found = times.parse(text, now=now.timestamp(), zone=now.tzinfo)
    if found is None or found.at is None:
        return found
    return datetime.fromtimestamp(found.at / 1e6, now.tzinfo)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-28 18:45:07"),
        ("today", "2026-11-28 00:00:00"),
        ("Yesterday", "2026-11-27 00:00:00"),
        ("yesterday 14:05", "2026-11-27 14:05:00"),
        ("yesterday at 9:05", "2026-11-27 09:05:00"),
        ("14:00", "2026-11-28 14:00:00"),
        ("monday", "2026-11-23 00:00:00"),
        ("mon", "2026-11-23 00:00:00"),
        ("saturday", "2026-11-28 00:00:00"),
        ("last saturday", "2026-11-21 00:00:00"),
        ("last monday", "2026-11-23 00:00:00"),
        ("this week", "2026-11-23 00:00:00"),
        ("last week", "2026-11-16 00:00:00"),
        ("last-week", "2026-11-16 00:00:00"),
        (" LAST_WEEK ", "2026-11-16 00:00:00"),
        ("this month", "2026-11-01 00:00:00"),
        ("last month", "2026-10-01 00:00:00"),
        ("this year", "2026-01-01 00:00:00"),
        ("last year", "2025-01-01 00:00:00"),
        ("2 weeks ago", "2026-11-14 18:45:07"),
        ("2 weeks", "2026-11-14 18:45:07"),
        ("an hour ago", "2026-11-28 17:45:07"),
        ("last 7 days", "2026-11-21 18:45:07"),
        ("past 2d", "2026-11-26 18:45:07"),
        ("one month ago", "2026-10-28 18:45:07"),
        ("9 months ago", "2026-02-28 18:45:07"),
        ("2 years ago", "2024-11-28 18:45:07"),
        ("5 weeks ago", "2026-10-24 19:45:07"),  # the clocks were set back: hours are hours
        ("last 999999999 years", "1970-01-28 18:45:07"),
        ("999999999 weeks ago", "1970-01-02 18:45:07"),
        ("2026-11-22", "2026-11-22 01:00:00"),  # ISO 8601 without a zone is UTC
        ("2026-11-22T16:00:00+01:00", "2026-11-22 16:00:00"),
        ("3d", "2026-11-25 18:45:07"),
    ],
)
def test_what_is_understood(text, expected):
    """On a Saturday: days and weeks begin in the zone, what is so long ago is to the second."""
    assert f"{read(text):%Y-%m-%d %H:%M:%S}" == expected


@pytest.mark.parametrize(
    "text", ["", "-", "week", "last", "monday 25:00", "yesterdy", "-3d", "3 fortnights ago", "last week 9:00"]
)  # fmt: skip
def test_what_is_no_time(text):
    """It may be a tag."""
    assert read(text) is None


def test_a_month_that_is_shorter():
    """A month before its last day is its last day."""
    assert read("a month ago", datetime(2024, 3, 31, 12, tzinfo=UTC)) == datetime(2024, 2, 29, 12, tzinfo=UTC)  # fmt: skip
    assert read("13 months ago", datetime(2024, 3, 31, 12, tzinfo=UTC)) == datetime(2023, 2, 28, 12, tzinfo=UTC)  # fmt: skip


@examples(100, 2_500)
@given(clocks, zones, st.sampled_from(times.WORDS))
def test_every_word_is_a_day_that_began(clock, zone, word):
    """Never later than now, at midnight of the zone, and said so that it is read as the same."""
    now = datetime.fromtimestamp(clock, zone)
    found = read(word, now)
    assert found <= now + timedelta(seconds=1)
    assert (found.hour, found.minute) == (0, 0)
    said = times.parse(word, now=now.timestamp(), zone=zone).said
    assert said.startswith(f"{found:%a %Y-%m-%d %H:%M}")


@examples(100, 2_500)
@given(clocks, zones, st.integers(0, 6))
def test_a_day_of_the_week_is_the_last_one(clock, zone, number):
    """Within seven days, today among them; with `last` not today."""
    now = datetime.fromtimestamp(clock, zone)
    day = times._DAYS[number]
    found, before = read(day, now), read(f"last {day}", now)
    assert found.weekday() == before.weekday() == number
    assert 0 <= (now.date() - found.date()).days <= 6
    assert 1 <= (now.date() - before.date()).days <= 7


@pytest.fixture
def of_machine(monkeypatch):
    """Sets the zone of the machine; gives what a text is read as there, and how that is said."""

    def read_there(name, text, now):
        monkeypatch.setenv("TZ", name)
        time.tzset()
        return times.parse(text, now=now.timestamp())

    yield read_there
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "now", "text", "expected"),
    [
        ("Asia/Beirut", "2026-03-29T09:00:00+03:00", "today", "2026-03-29T01:00:00+03:00"),
        ("Africa/Cairo", "2026-04-25T09:00:00+03:00", "yesterday", "2026-04-24T01:00:00+03:00"),
        ("Europe/Berlin", "2026-03-30T09:00+02:00", "yesterday 2:30", "2026-03-29T03:30+02:00"),
        ("America/Havana", "2026-11-01T00:30:00-05:00", "today", "2026-11-01T00:00:00-04:00"),
        ("Europe/Berlin", "2026-10-25T09:00:00+01:00", "9 hours ago", "2026-10-25T01:00:00+02:00"),
    ],
)
def test_days_in_which_clocks_are_set(of_machine, zone, now, text, expected):
    """A day begins with its first second, also where there is no midnight or there are two: of the machine as of a zone."""
    now, expected = datetime.fromisoformat(now), datetime.fromisoformat(expected)
    of_zone = times.parse(text, now=now.timestamp(), zone=ZoneInfo(zone))
    found = of_machine(zone, text, now)
    assert found.at == of_zone.at == expected.timestamp() * 1e6
    assert found.said == of_zone.said
    assert f"{expected:%Y-%m-%d %H:%M} " in found.said


@pytest.mark.parametrize("text", ["yesterday", "2 hours ago", "a month ago", "12:00"])
def test_a_zone_that_is_none_breaks_nothing(of_machine, text):
    """Where the machine says it is a day ahead, time is told in UTC."""
    assert of_machine("XXX-25", text, SATURDAY).said.endswith("UTC")


def test_a_tag_called_as_a_word_is_proposed_once():
    """What is spelled alike is named once, whether a word or a tag."""
    near = times._hint("yestrday", [("site", "yesterday")]).partition("?")[0]
    assert near == "did you mean yesterday, saturday, tuesday"


@examples(100, 2_500)
@given(st.text())
def test_nothing_that_is_typed_breaks_it(text):
    """It is a seq, a time, or neither."""
    found = times.parse(text, now=SATURDAY.timestamp(), zone=BERLIN)
    assert found is None or 0 <= found.after < 2**63
    assert found is None or found.at is None or 0 <= found.at <= times.MOST_MICROSECONDS
