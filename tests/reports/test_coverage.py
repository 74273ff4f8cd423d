"""Coverage of locks (coverage.py): sums, dependencies, cycles, bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import UsageError
from cachesync.reports import coverage
from cachesync.reports.coverage import Status
from cachesync.spack import lockfile
from cachesync.spack.lockfile import Lock, LockSpec, Root
from tests.support.locks import entry, lock, text
from tests.support.world import hash_of

HASHES = [hash_of(number) for number in range(1, 13)]


# Strategies are made once: making one takes longer than a draw.
_SOME = st.lists(st.sampled_from(HASHES), max_size=3).map(tuple)
_SELDOM = st.sampled_from((False, False, False, True))
_SAID = st.fixed_dictionaries(
    {
        "target": st.sampled_from(("zen4", "x86_64")),
        "external": _SELDOM,
        "developed": _SELDOM,
        "lasting": _SOME,
        "for_build": _SOME,
    }
)
_ROOTS = st.lists(st.sampled_from(HASHES), unique=True, max_size=4)


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    """A lock with any graph over a few specs, cycles included."""
    specs = {
        spec_hash: LockSpec(spec_hash, f"p{number}", "1", "os", "linux", **draw(_SAID))
        for number, spec_hash in enumerate(HASHES)
    }
    roots = draw(_ROOTS)
    return Lock(tuple(Root(h, "r") for h in roots), specs)


@given(locks(), st.sets(st.sampled_from(HASHES)), st.booleans(), st.booleans())
def test_sums(found, cached, builds, on_x86):
    """Of each root and in total the parts add up, and a root counts what a plain walk reaches."""
    suitable = {"x86_64"} if on_x86 else None
    statuses = {
        h: coverage.status_of(spec, cached, suitable=suitable) for h, spec in found.specs.items()
    }
    for root, status, counts in coverage.cover(found, statuses, builds=builds):
        reached = {root.hash}
        while True:
            more = {
                dependency
                for h in reached
                if not found.specs[h].external
                for dependency in (
                    *found.specs[h].lasting,
                    *(found.specs[h].for_build if builds else ()),
                )
            }
            if more <= reached:
                break
            reached |= more
        assert counts.total == len(reached) == counts.cached + counts.missing + counts.unexpected
        assert counts.cached == sum(statuses[h] is Status.CACHED for h in reached)
        assert 0 <= counts.fraction <= 1
        assert (counts.fraction == 1) == (counts.missing == 0)
        assert status is statuses[root.hash]


@given(locks(), st.sets(st.sampled_from(HASHES)))
def test_more_cached_is_never_less_covered(found, cached):
    """Caching everything leaves nothing missing; caching less never covers more."""

    def fractions(hashes):
        statuses = {h: coverage.status_of(s, hashes, suitable=None) for h, s in found.specs.items()}
        return [c.fraction for _, _, c in coverage.cover(found, statuses, builds=True)]

    some, every = fractions(cached), fractions(set(HASHES))
    assert all(part <= 1.0 == whole for part, whole in zip(some, every, strict=True))


@pytest.mark.parametrize(
    ("changes", "cached", "suitable", "status"),
    [
        ({}, True, None, Status.CACHED),
        ({}, False, None, Status.MISSING),
        ({}, True, {"zen4"}, Status.UNSUITABLE),
        ({}, False, {"zen4"}, Status.MISSING),
        ({"external": True}, True, None, Status.EXTERNAL),
        ({"developed": True}, True, None, Status.DEVELOPED),
    ],
)
def test_what_is_known_of_a_spec(changes, cached, suitable, status):
    """What no build cache has is neither cached nor missing."""
    spec = LockSpec("a", "p", "1", "os", "linux", "x86_64_v3", external=False, developed=False,
                    lasting=(), for_build=())._replace(**changes)  # fmt: skip
    assert coverage.status_of(spec, {"a"} if cached else (), suitable=suitable) is status
    assert status.is_expected == (not changes)


@pytest.mark.parametrize("count", [5_000, pytest.param(50_000, marks=pytest.mark.soak)])
def test_a_long_chain_is_no_deep_recursion(count):
    """Thousands of specs in a row, closed to a ring, are walked."""
    hashes = [hash_of(number) for number in range(count)]
    specs = [entry(h, "x", link=[hashes[n - 1]]) for n, h in enumerate(hashes)]
    found = lockfile.parse(text(lock(hashes[-1:], *specs)), name="x")
    statuses = dict.fromkeys(hashes, Status.CACHED)
    ((_, _, counts),) = coverage.cover(found, statuses, builds=False)
    assert counts.total == counts.cached == count


def test_a_hostile_number_of_roots_is_refused():
    """As many roots as specs, each reaching all, end in an error and not in an endless walk."""
    hashes = [hash_of(number) for number in range(1_000)]
    specs = [entry(h, "x", link=[hashes[n - 1]]) for n, h in enumerate(hashes)]
    found = lockfile.parse(text(lock(hashes, *specs)), name="x")
    statuses = dict.fromkeys(hashes, Status.MISSING)
    with pytest.raises(UsageError, match="too many dependencies to follow for each of its 1,000"):
        coverage.cover(found, statuses, builds=True, most_steps=100_000)
