"""Which passes count for what leaves a cache index, whatever comes in which order."""

from hypothesis import given
from hypothesis import strategies as st

from cachesync.daemon.rhythm import Rhythm

PASSES = st.lists(st.tuples(st.sampled_from(["event", "schedule", "command"]), st.booleans()))
"""What brought each, and whether it found another index."""


def counted(rhythm, kind):
    return rhythm.begin(is_asked=kind == "command", is_scheduled=kind == "schedule")


@given(PASSES, st.booleans())
def test_what_an_event_showed_has_a_whole_interval_to_come_back(passes, is_watched):
    """No pass by the schedule counts after an event with news, or a start, but the second one.

    A command's always counts, an event's never, and every other one by the schedule does.
    """
    rhythm = Rhythm(is_watched=is_watched)
    scheduled = 0 if is_watched else 1
    for kind, is_news in passes:
        counts = counted(rhythm, kind)
        if kind == "schedule":
            assert counts is (scheduled > 0)
            scheduled += 1
        else:
            assert counts is (kind == "command")
        rhythm.end(is_news=is_news)
        if kind == "event" and is_news:
            scheduled = 0
