"""What the log says of passes, and when something that failed is tried again: pure, time passed in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.daemon import passlog
from cachesync.daemon.backoff import rest_seconds, said_seconds
from cachesync.model import SourceState
from cachesync.sync.passes import PassResult
from cachesync.system.trouble import LONGEST_SECONDS, Trouble, delay


def result(changed: int, state: SourceState = SourceState.OK, error: str | None = None):
    return PassResult("site", state, listed=10, changed=changed, error=error)


@given(st.lists(st.tuples(st.floats(0.01, 50), st.integers(1, 9)), min_size=1, max_size=80))
def test_pages_that_stream_in_are_one_line_a_minute_and_every_one_is_counted(passes):
    """Never two lines within a minute, the first at once; what they count adds up to all passes."""
    log, now, lines = passlog.SILENT, 1000.0, []
    for gap, changed in passes:
        due = passlog.due_at(log)
        if due is not None and due <= now + gap:
            log, said = passlog.flush(log, due)
            lines.append((due, said))
        now += gap
        log, said = passlog.add(log, result(changed), seconds=0.1, now=now)
        lines.append((now, said))
    log, said = passlog.flush(log, now + 60)
    lines.append((now + 60, said))
    said_lines = [(at, text) for at, text in lines if text is not None]
    assert said_lines[0][0] == 1000.0 + passes[0][0]
    times = [at for at, _ in said_lines]
    assert all(b - a >= passlog.LINE_SECONDS - 1e-6 for a, b in pairwise(times))
    counted = sum(int(text.split(" changed")[0].split()[-1]) for _, text in said_lines)
    assert counted == sum(changed for _, changed in passes)
    assert passlog.due_at(log) is None


def test_a_flip_is_told_once_and_a_share_that_is_another_one_again(caplog):
    """Held by a part is told, not that another part could be read; only a whole pass makes well."""
    caplog.set_level("INFO", "cachesync")
    teller = passlog.Teller("site")
    teller.state(result(1), is_whole=True)
    teller.state(result(0, SourceState.HELD, "30 of 40"), is_whole=False)
    teller.state(result(0, SourceState.HELD, "31 of 40"), is_whole=False)
    teller.state(result(1), is_whole=False)
    teller.state(result(0, SourceState.HELD, "38 of 40"), is_whole=True)
    teller.state(result(0, SourceState.HELD, "38 of 40"), is_whole=True)
    teller.state(result(1), is_whole=True)
    teller.state(result(1), is_whole=True)
    teller.state(result(0, SourceState.FAILED, "12 s"), is_whole=True)
    teller.state(result(0, SourceState.FAILED, "13 s"), is_whole=True)
    assert caplog.messages == [
        "site: held: 30 of 40", "site: held: 38 of 40", "site: it is well again",
        "site: failed: 12 s",
    ]  # fmt: skip


def test_trouble_is_said_when_it_begins_when_it_is_another_and_when_it_is_over(caplog):
    """How much is free is no other trouble; attempts come at growing, bounded intervals."""
    caplog.set_level("INFO", "cachesync")
    trouble = Trouble("not written", "written again")
    assert not trouble.is_due(1e9)
    waits = [trouble.failed(f"no space left: {free} bytes", 100.0) for free in range(9)]
    assert waits == sorted(waits)
    assert waits[0] < 5
    assert waits[-1] == LONGEST_SECONDS
    assert not trouble.is_due(100.0 + waits[-1] - 0.1)
    assert trouble.is_due(100.0 + waits[-1])
    trouble.failed("read-only file system", 100.0)
    trouble.works()
    trouble.works()
    assert (trouble.error, trouble.retry_at) == (None, None)
    assert caplog.messages == [
        "not written: no space left: 0 bytes", "not written: read-only file system",
        "written again",
    ]  # fmt: skip


@pytest.mark.parametrize(("took", "least"), [(0.0, 2.0), (20.0, 200.0)])
def test_an_attempt_that_takes_long_comes_seldom(took, least):
    assert delay(1, took=took) == least


@given(st.floats(0.01, 600), st.floats(0, 7200))
def test_rest_is_at_least_the_quiet_of_a_page_and_bounded(quiet, seconds):
    rest = rest_seconds(quiet=quiet, pass_seconds=seconds)
    assert rest >= max(quiet, 1.0)
    assert rest <= max(quiet, 60.0)


@given(st.floats(0, 600), st.floats(0.1, 60))
def test_what_is_published_costs_a_small_share_unless_it_would_be_old(took, most):
    said = said_seconds(took=took, most=most)
    assert min(0.1, most) <= said <= most
    assert said >= 49 * took or said == most
