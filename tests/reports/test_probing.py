"""A sample of what cache indexes name: fair, the same for the same seed; and mirrors that fail."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import CachesyncError
from cachesync.model import Build
from cachesync.net import FetchError
from cachesync.reports import probing
from cachesync.sources.mirror.place import Absent
from cachesync.sources.mirror.probing import Found, State

BUILD = Build("zlib", "1", "none", "os", "linux", "x86_64", ())


def pair(number, url="a"):
    return probing.Pair(f"{number:032}", BUILD, "s", url, "3")


EVERY = st.lists(
    st.builds(pair, st.integers(0, 200), st.sampled_from("abc")), unique=True, max_size=60
)


@given(EVERY, st.integers(1, 60), st.text(max_size=3), st.randoms())
def test_a_sample_is_of_what_there_is_and_of_its_seed(every, most, seed, random):
    """Whatever order it is in; and a larger sample holds the smaller."""
    found = probing.sample(every, most, seed)
    mixed = random.sample(every, len(every))
    assert found == probing.sample(mixed, most, seed)
    assert len(found) == min(most, len(every)) == len(set(found))
    assert set(found) <= set(every)
    assert probing.sample(every, most + 5, seed)[: len(found)] == found
    assert probing.sample(every, 0, seed)[: len(found)] == found


@given(EVERY, st.integers(1, 60), st.text(max_size=3))
def test_mirrors_take_turns(every, most, seed):
    """None has two more than another that has some left."""
    found = probing.sample(every, most, seed)
    shares = {url: sum(one.url == url for one in found) for url in "abc"}
    left = {url: sum(one.url == url for one in every) - shares[url] for url in "abc"}
    assert all(shares[one] <= shares[other] + 1 for one in "abc" for other in "abc" if left[other])


@given(EVERY, st.integers(1, 60), st.data())
def test_what_is_to_be_first_is_first(every, most, data):
    first = data.draw(st.lists(st.sampled_from(every))) if every else []
    keys = {(one.hash, one.source, one.url) for one in [*first, pair(999)]}
    found = probing.sample(every, most, "seed", keys)
    assert len(set(first) & set(found)) == min(most, len(set(first)))


class Broken:
    """A mirror that answers nothing, or has nothing."""

    def __init__(self, *, is_broken):
        self.asked = 0
        self._is_broken = is_broken
        self._lock = threading.Lock()

    def where(self, path):
        return path

    def small(self, _path, _before=None, *, most_bytes):
        with self._lock:
            self.asked += 1
        if self._is_broken:
            raise FetchError("nobody")
        return Absent(f"not within {most_bytes}")


def test_a_mirror_that_fails_is_not_asked_for_ever():
    """And hinders no other; what has nothing answers, and is asked for everything."""
    mirrors = {"a": Broken(is_broken=True), "b": Broken(is_broken=False)}
    chosen = [pair(number, url) for number in range(200) for url in "ab"]
    asked = probing.ask(chosen, lambda _source, url: mirrors[url])
    assert [one.pair for one in asked] == chosen
    states = {one.pair.url: one.found.state for one in asked}
    assert states == {"a": State.UNKNOWN, "b": State.MISSING}
    assert mirrors["a"].asked <= probing.MOST_FAILURES + probing.MOST_AT_ONCE
    assert mirrors["b"].asked == 200
    assert probing.worst(asked) is State.MISSING
    assert probing.counts(asked) == {State.THERE: 0, State.MISSING: 200, State.UNKNOWN: 200}


def test_a_mirror_that_cannot_be_opened_tells_nothing():
    def refused(_source, _url):
        raise CachesyncError("no such secret")

    (one,) = probing.ask([pair(1)], refused)
    assert one.found == Found(State.UNKNOWN, "no such secret", is_unreachable=True)


def test_of_nothing_all_is_there():
    assert probing.worst([]) is State.THERE
