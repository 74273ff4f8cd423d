"""When sources are due, and when one that fails is tried again."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.daemon.backoff import LONGEST_SECONDS, retry_delay
from cachesync.daemon.schedule import Schedule, cron_weekdays

NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("*", "*"),
        ("0", "sun"),
        ("7", "sun"),
        ("1", "mon"),
        ("1-5", "mon,tue,wed,thu,fri"),
        ("5-7", "fri,sat,sun"),
        ("0-2", "sun,mon,tue"),
        ("*/2", "sun,tue,thu,sat"),
        ("1-5/2", "mon,wed,fri"),
        ("MON,fri", "mon,fri"),
        ("mon-wed", "mon,tue,wed"),
    ],
)
def test_weekdays_are_those_of_crontab(field, days):
    assert cron_weekdays(field) == days


@pytest.fixture
def schedule():
    made = Schedule()
    made.start()
    yield made
    made.stop()
    assert not made.is_alive()


def moment(schedule: Schedule, name: str) -> datetime:
    due = schedule.next_run(name)
    assert due is not None
    return datetime.fromtimestamp(due / 1e6, UTC).astimezone()


def test_a_weekday_is_met(schedule):
    for number, name in enumerate(NAMES):
        schedule.at(name, f"30 4 * * {number}", lambda: None, since=time.time())
        assert moment(schedule, name).strftime("%a").lower() == name


def test_a_day_and_a_weekday_are_either_enough(schedule):
    """crontab(5): `0 0 1 * 1` is the first of each month, and each Monday."""
    schedule.at("either", "0 12 1 * 1", lambda: None, since=time.time())
    due = moment(schedule, "either")
    assert due - datetime.now(UTC) < timedelta(days=8)
    assert due.day == 1 or due.strftime("%a") == "Mon"


def test_what_is_due_is_called_and_called_again(schedule):
    calls: list[int] = []
    schedule.every("often", 0.2, lambda: calls.append(1), first_in=0.0)
    until = time.monotonic() + 10
    while len(calls) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(calls) >= 3
    schedule.remove("often")
    assert schedule.next_run("often") is None


@given(
    failures=st.integers(1, 10_000),
    interval=st.none() | st.floats(1, 1e6),
    asked_for=st.none() | st.floats(0, 1e5),
    chance=st.floats(0, 1),
)
def test_a_retry_is_neither_at_once_nor_never(failures, interval, asked_for, chance):
    delay = retry_delay(failures, interval=interval, asked_for=asked_for, chance=chance)
    assert 30 <= delay <= max(LONGEST_SECONDS, interval or 0, asked_for or 0)
    assert delay >= (asked_for or 0)
    later = retry_delay(failures + 1, interval=interval, asked_for=asked_for, chance=chance)
    assert later >= delay


def test_a_time_that_was_missed_is_made_up_at_once(schedule):
    """A restart between two times of a crontab schedule neither skips nor repeats one."""
    now = time.time()
    calls: list[str] = []
    for name, since in (("never", None), ("missed", now - 90 * 60), ("met", now)):
        schedule.at(name, "0 * * * *", lambda name=name: calls.append(name), since=since)
    until = time.monotonic() + 10
    while len(calls) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)
    assert sorted(calls) == ["missed", "never"]


def test_calls_missed_while_one_goes_on_are_one(schedule):
    release = threading.Event()
    calls: list[float] = []

    def call() -> None:
        calls.append(time.monotonic())
        if len(calls) == 1:
            release.wait(10)

    schedule.every("slow", 0.1, call, first_in=0.0)
    time.sleep(1.0)
    assert len(calls) == 1
    released = time.monotonic()
    release.set()
    time.sleep(0.35)
    regular = 2 + (time.monotonic() - released) / 0.1
    assert 1 < len(calls) <= regular, "not one for each that was missed"


def test_a_living_schedule_shows_it():
    """A schedule whose thread is kept from calling anything falls silent."""
    made = Schedule()
    assert not made.is_alive()
    made.start()
    time.sleep(0.3)
    assert made.silent_seconds(time.monotonic()) < 5
    assert made.silent_seconds(time.monotonic() + 100) > 95
    made.stop()
