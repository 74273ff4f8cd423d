"""Changes counted by SQL are the changes that are listed (ledger/tally.py, ledger/filtering.py)."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cachesync.ledger import log, tally
from cachesync.model import TOLD, ChangeKind
from cachesync.reports.tallied import of_change, summary
from tests.support.examples import examples
from tests.support.universe import PACKAGES, SOURCES, TAGS, Universe, histories

CACHED, EVICTED = ChangeKind.SPEC_CACHED, ChangeKind.SPEC_EVICTED
filters = st.builds(
    log.Filter,
    after=st.integers(0, 40),
    since=st.none() | st.integers(0, 30_000_000),
    kinds=st.sampled_from([(), TOLD, (CACHED,), (CACHED, EVICTED), (ChangeKind.PAGE_ADDED,)]),
    package=st.none() | st.sampled_from(PACKAGES),
    tag=st.none() | st.sampled_from(TAGS),
    source=st.none() | st.sampled_from(SOURCES),
    until=st.none() | st.integers(20, 200),
    before=st.none() | st.integers(5_000_000, 90_000_000),
    news_of=st.none(),
    about=st.none(),
    flagged=st.booleans(),
    baseline=st.booleans(),
)


@examples(10, 150)
@given(histories, st.lists(st.tuples(filters, st.integers(0, 9)), min_size=20, max_size=20))
def test_what_is_counted_is_what_is_listed(history, asked):
    """Whatever is asked for; with `first`, `last` and the beginning of a tag as plain loops over the log have them."""
    with tempfile.TemporaryDirectory() as root:
        universe = Universe(Path(root))
        with universe.writing() as writer:
            for batch in history:
                for step in batch:
                    universe.apply(step, writer)
                universe.sync(writer)
            every = list(log.changes(writer.db, log.Filter()))
            check_flags(writer.db, every)
            check_tags(writer.db, every)
            for wanted, limit in asked:
                listed = list(log.changes(writer.db, wanted, limit=limit))
                assert listed == [c for c in every if is_wanted(c, wanted)][: limit or None]
                found = summary(tally.tallies(writer.db, wanted, limit=limit))
                assert found == summary(map(of_change, listed))
                check_counts(found, listed)
                if not limit:
                    assert tally.count(writer.db, wanted) == len(listed)


def is_wanted(change, wanted):
    return (
        change.seq > wanted.after
        and (wanted.since is None or change.at >= wanted.since)
        and (not wanted.kinds or change.kind in wanted.kinds)
        and wanted.package in (None, change.package)
        and wanted.tag in (None, change.tag)
        and wanted.source in (None, change.source)
        and (wanted.until is None or change.seq <= wanted.until)
        and (wanted.before is None or change.at < wanted.before)
        and (change.flag or not wanted.flagged)
        and (wanted.baseline or not change.baseline)
    )


def check_counts(found, listed):
    """A summary beside counters over the list."""
    assert found.whole.changes == len(listed)
    assert {name: counts.changes for name, counts in found.tags.items()} == Counter(
        change.tag for change in listed if change.tag is not None
    )
    assert {name: counts.changes for name, counts in found.packages.items()} == Counter(
        change.package for change in listed if change.package is not None
    )
    assert found.whole.kinds == Counter(change.kind for change in listed)
    assert found.whole.first == sum(change.flag for change in listed if change.kind is CACHED)
    assert found.whole.last == sum(change.flag for change in listed if change.kind is EVICTED)
    sizes = [counts.changes for counts in found.packages.values()]
    assert sizes == sorted(sizes, reverse=True)


def check_flags(db, every):
    """First and not first are all that was cached; last is what left nothing behind."""

    def listed(**more):
        return list(log.changes(db, log.Filter(**more)))

    cached = listed(kinds=[CACHED])
    first = listed(kinds=[CACHED], flagged=True)
    assert sorted([*first, *(c for c in cached if not c.flag)]) == cached
    placed: set[tuple[str, ...]] = set()
    gone = []
    for change in every:
        place = (change.hash, change.source, change.tag, change.package)
        if change.kind is CACHED:
            placed.add(place)
        elif change.kind is EVICTED:
            placed.remove(place)
            if not any(one[0] == change.hash for one in placed):
                gone.append(change)
    assert listed(kinds=[EVICTED], flagged=True) == gone


def check_tags(db, every):
    """The first change of a tag is the first that a list of that tag has; so of several."""
    for source, tag in tally.known_tags(db):
        of_tag = [c for c in every if (c.source, c.tag) == (source, tag)]
        found = tally.first_of_tags(db, [(source, tag)])
        assert found == ((of_tag[0].seq, of_tag[0].at) if of_tag else None)
    known = tally.known_tags(db)
    everywhere = [change for change in every if (change.source, change.tag) in known]
    first = (everywhere[0].seq, everywhere[0].at) if everywhere else None
    assert tally.first_of_tags(db, known) == first
