"""When dirty prefixes are given out: laws over any sequence of events and looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.watch.debounce import Debouncer, covers

QUIET = 0.3
CAP = 5.0
PREFIXES = ["", "a/", *(f"{tag}/{package}/" for tag in "abc" for package in "wxyz")]

# A step is a pause, then events, then perhaps a look.
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.01, 0.1, 0.29, 0.3, 0.31, 1.0, 6.0]),
        st.lists(st.sampled_from(PREFIXES), max_size=4),
        st.booleans(),
    ),
    max_size=60,
)
LIMITS = st.tuples(st.integers(1, 5), st.integers(1, 4))


def _debouncer(limits=(200, 100)):
    return Debouncer(
        quiet_seconds=QUIET, cap_seconds=CAP, most_packages=limits[0], most_tags=limits[1]
    )


def _run(steps, limits):
    """The events as (time, prefix), and what each look gave as (time, prefixes)."""
    debouncer = _debouncer(limits)
    now, events, looks = 100.0, [], []
    for pause, prefixes, look in steps:
        now += pause
        for prefix in prefixes:
            debouncer.add(prefix, now)
            events.append((now, prefix))
        if look:
            looks.append((now, debouncer.due(now)))
    return debouncer, now, events, looks


@given(STEPS, LIMITS)
def test_nothing_dirty_is_lost(steps, limits):
    """Every event is covered by something given out at its time or later."""
    debouncer, now, events, looks = _run(steps, limits)
    looks.append((now + CAP, debouncer.due(now + CAP)))
    for at, prefix in events:
        assert any(
            when >= at and covers(given_out, prefix) for when, look in looks for given_out in look
        )
    assert len(debouncer) == 0
    assert debouncer.next_due() is None


@given(STEPS, LIMITS)
def test_nothing_is_held_beyond_the_cap(steps, limits):
    """After a look no event older than the cap is still waiting."""
    debouncer, now, events, looks = _run([*steps, (0.0, [], True)], limits)
    for at, prefix in events:
        if now - at >= CAP:
            assert any(when >= at and covers(one, prefix) for when, look in looks for one in look)
    next_due = debouncer.next_due()
    assert next_due is None or now < next_due <= now + min(QUIET, CAP)


@given(STEPS, LIMITS)
def test_a_burst_is_given_out_once(steps, limits):
    """Between two times that a prefix is given out lies an event below it, and a quiet time."""
    _, _, events, looks = _run(steps, limits)
    last: dict[str, float] = {}
    for when, look in looks:
        for prefix in look:
            since = [at for at, one in events if covers(prefix, one) and at > last.get(prefix, 0.0)]
            assert since or any(at == last[prefix] for at, _ in events)
            last[prefix] = when
        assert not any(covers(a, b) for a in look for b in look if a != b)


@given(STEPS, LIMITS)
def test_what_is_busy_rests_first(steps, limits):
    """What is given out had no event during the quiet time, unless its first is a cap old."""
    _, _, events, looks = _run(steps, limits)
    before: list[tuple[float, str]] = []
    for when, look in looks:
        for prefix in look:
            own = [at for at, one in events if at <= when and covers(prefix, one)]
            given_at = max((at for at, one in before if covers(one, prefix)), default=0.0)
            fresh = [at for at in own if at >= given_at]
            assert when - max(own) >= QUIET - 1e-9 or when - min(fresh) >= CAP - 1e-9
        before += [(when, prefix) for prefix in look]


@given(STEPS, LIMITS)
def test_memory_is_bounded(steps, limits):
    """Never more than the packages of the tags that are allowed."""
    debouncer, _, _, _ = _run(steps, limits)
    assert len(debouncer) <= limits[0] * limits[1]


@given(STEPS)
def test_waking_at_the_time_told_finds_something(steps):
    """`next_due` is exact: nothing is due before, something is due then."""
    debouncer, now, _, _ = _run(steps, (200, 100))
    at = debouncer.next_due()
    if at is not None:
        if now < at:
            assert debouncer.due((now + at) / 2) == () or (now + at) / 2 == at
        assert debouncer.due(at)


def test_a_page_written_in_ten_pieces_is_due_once_after_the_last():
    """Pieces 0.2 s apart never rest; one look follows, 0.3 s after the last."""
    debouncer = _debouncer()
    given_out = []
    for tenth in range(40):
        now = tenth / 10
        if tenth % 2 == 0 and tenth <= 18:
            debouncer.add("a/w/", now)
        given_out += [(now, prefix) for prefix in debouncer.due(now)]
    assert given_out == [(pytest.approx(2.1), "a/w/")]


def test_a_page_that_never_rests_is_due_at_the_cap():
    """An event each 0.1 s for eleven seconds: looked at twice."""
    debouncer = _debouncer()
    given_out = []
    for tenth in range(110):
        debouncer.add("a/w/", tenth / 10)
        given_out += [tenth for _ in debouncer.due(tenth / 10)]
    assert given_out == [50, 101]


def test_a_part_that_never_rests_is_due_at_its_own_cap_and_a_flood_at_the_common_one():
    """An event each 0.1 s for six seconds: a package is looked at eight times, everything once."""
    looks = {}
    for prefix in ("w/", ""):
        debouncer = Debouncer(quiet_seconds=QUIET, cap_seconds=CAP, part_cap_seconds=0.6)
        looks[prefix] = []
        for tenth in range(60):
            debouncer.add(prefix, tenth / 10)
            looks[prefix] += [tenth for _ in debouncer.due(tenth / 10)]
    assert looks == {"w/": [6, 13, 20, 27, 34, 41, 48, 55], "": [50]}


def test_other_packages_do_not_wait_for_a_busy_one():
    """Each prefix has its own quiet time."""
    debouncer = _debouncer()
    debouncer.add("a/w/", 0.0)
    debouncer.add("a/x/", 0.2)
    assert debouncer.due(0.3) == ("a/w/",)
    assert debouncer.due(0.5) == ("a/x/",)


def test_floods_collapse():
    """201 packages become the tag, 101 tags become everything; other tags stay as they are."""
    debouncer = _debouncer()
    debouncer.add("b/w/", 0.0)
    for number in range(201):
        debouncer.add(f"a/{number}/", 0.0)
    assert debouncer.due(1.0) == ("a/", "b/w/")
    for number in range(101):
        debouncer.add(f"{number}/w/", 2.0)
    assert debouncer.due(3.0) == ("",)
    assert len(debouncer) == 0


def test_what_lies_deeper_counts_for_its_package():
    """`a/w/x/` is a part of the package `a/w/`."""
    debouncer = _debouncer()
    debouncer.add("a/w/x/y/", 0.0)
    assert debouncer.due(1.0) == ("a/w/",)


def test_a_path_is_no_prefix():
    """A prefix ends in a slash."""
    with pytest.raises(ValueError, match="not a prefix"):
        _debouncer().add("a/w", 0.0)


def test_a_flood_is_quick():
    """100,000 events of 20,000 packages, each followed by the question when to wake up."""
    debouncer = _debouncer()
    for number in range(100_000):
        debouncer.add(f"{number % 100}/{number // 100 % 200}/", number / 1e5)
        debouncer.next_due()
    assert len(debouncer) == 20_000
