"""When a delivery is tried again, and when a target is given up; with a clock that is only a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.notify import retry
from cachesync.notify.retry import DISABLE_AFTER_SECONDS, SCHEDULE_SECONDS, next_attempt
from cachesync.notify.target import Outcome, Result

NOW = 1_000_000.0


def failed(retry_after=None, outcome=Outcome.FAILED):
    return Result(outcome, 500, "answered 500", retry_after, 0.1)


def wait(attempts, result, chance=0.0):
    return next_attempt(attempts, result, now=NOW, chance=chance) - NOW


def test_the_schedule_is_that_of_standard_webhooks():
    """5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: more than three days."""
    minute, hour = 60, 3600
    expected = [
        5,
        5 * minute,
        30 * minute,
        2 * hour,
        5 * hour,
        10 * hour,
        14 * hour,
        20 * hour,
        24 * hour,
    ]
    assert [wait(attempts, failed()) for attempts in range(1, 10)] == expected
    assert sum(SCHEDULE_SECONDS) > 3 * 86400


def test_after_the_last_attempt_it_is_a_dead_letter():
    """The tenth attempt is the last."""
    assert next_attempt(10, failed(), now=NOW, chance=0.0) is None
    assert next_attempt(11, failed(), now=NOW, chance=0.0) is None


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_jitter_makes_a_wait_longer_by_a_tenth_at_most(attempts, chance):
    """Never shorter, so that no receiver is asked sooner than the schedule says."""
    scheduled = SCHEDULE_SECONDS[attempts - 1]
    assert scheduled <= round(wait(attempts, failed(), chance), 3) <= 1.1 * scheduled + 0.001


def test_retry_after_is_obeyed_within_a_day():
    """It makes a wait longer; a shorter one would use up the attempts."""
    assert wait(1, failed(retry_after=90.0)) == 90
    assert wait(1, failed(retry_after=1.0)) == 5
    assert wait(4, failed(retry_after=60.0)) == 7200
    assert wait(1, failed(retry_after=1e9)) == 86_400


def test_what_is_gone_is_not_tried_again():
    """410 disables the target at once."""
    assert next_attempt(1, failed(outcome=Outcome.GONE), now=NOW, chance=0.0) is None
    assert retry.is_to_be_disabled(
        failed(outcome=Outcome.GONE), failing_since=None, failures=1, now=NOW
    )


@pytest.mark.parametrize(
    ("since", "failures", "expected"),
    [
        (None, 1, False),
        (NOW, 9, False),
        (NOW - 5 * 86400 + 1, 9, False),
        (NOW - 5 * 86400, 8, True),
        (NOW - 50 * 86400, 7, False),
    ],
)
def test_a_target_that_fails_for_five_days_is_disabled(since, failures, expected):
    """Counted from the first failure since the last success, and only after eight of them."""
    assert DISABLE_AFTER_SECONDS == 5 * 86400
    judged = retry.is_to_be_disabled(failed(), failing_since=since, failures=failures, now=NOW)
    assert judged is expected


def test_a_success_disables_nothing():
    """However long it had failed before."""
    delivered = failed(outcome=Outcome.DELIVERED)
    assert not retry.is_to_be_disabled(delivered, failing_since=0.0, failures=99, now=NOW)
