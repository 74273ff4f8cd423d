"""Stays and periods read off the change log (history.py)."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync import query
from cachesync.ledger import log, read, where, whole
from cachesync.model import Build, Change, ChangeKind
from cachesync.reports import history, tagdiff
from cachesync.search.scan import matching_in
from tests.support.examples import examples
from tests.support.universe import Universe, brute_force, histories, trees
from tests.support.writing import played

BUILD = Build("hdf5", "1.14.5", "none", "ubuntu24.04", "linux", "aarch64", ())
GCC = BUILD._replace(compiler="gcc@=13.2.0")


def change(seq: int, kind: ChangeKind, letter: str = "a", tag: str = "develop", **more) -> Change:
    """A change of a spec, a second after the one before."""
    stated = {"stacks": ("root",), "build": BUILD, **more}
    return Change(seq, seq * 1_000_000, kind, "site", tag, "hdf5", letter * 32, **stated)


CACHED, EVICTED = ChangeKind.SPEC_CACHED, ChangeKind.SPEC_EVICTED


def test_a_stay_ends_and_another_begins():
    """What vanished and came back was there twice."""
    first, second = history.stays(
        [change(1, CACHED, baseline=True), change(2, EVICTED), change(5, CACHED, stacks=("e4s",))]
    )
    assert (first.appeared, first.vanished) == (
        history.Moment(1, 1_000_000, baseline=True), history.Moment(2, 2_000_000),
    )  # fmt: skip
    assert (second.appeared, second.vanished, second.stacks) == (
        history.Moment(5, 5_000_000), None, ("e4s",),
    )  # fmt: skip


def test_restacking_and_refining_belong_to_the_stay():
    """The stacks are the last ones, what they were is kept, and the build is as known last."""
    (stay,) = history.stays(
        [
            change(1, CACHED),
            change(2, ChangeKind.SPEC_RESTACKED, stacks=("e4s", "root"), stacks_before=("root",)),
            change(3, ChangeKind.SPEC_REFINED, build=GCC, build_before=BUILD, stacks=None),
            change(4, ChangeKind.PAGE_ADDED),
        ]
    )
    assert (stay.stacks, stay.build) == (("e4s", "root"), GCC)
    (restacked,) = stay.restacked
    assert (restacked.moment.seq, restacked.before, restacked.stacks) == (
        2, ("root",), ("e4s", "root"),
    )  # fmt: skip


def test_a_log_that_does_not_reach_back():
    """What vanishes without having appeared was there before the log."""
    (stay,) = history.stays([change(7, EVICTED)])
    assert stay.appeared is None
    assert stay.vanished == history.Moment(7, 7_000_000)


def test_periods():
    """Specs that replace each other are one period; a gap makes two; tags are apart."""
    same = {"at": 2_000_000}
    found = history.periods(
        history.stays(
            [
                change(1, CACHED, "a"),
                change(2, CACHED, "b")._replace(**same),
                change(3, EVICTED, "a")._replace(**same),
                change(4, EVICTED, "b"),
                change(9, CACHED, "c"),
                change(10, CACHED, "a", "v1"),
            ]
        )
    )
    assert [(p.tag, p.specs, p.appeared.seq, p.vanished and p.vanished.seq) for p in found] == [
        ("develop", 2, 1, 4), ("develop", 1, 9, None), ("v1", 1, 10, None),
    ]  # fmt: skip


@pytest.mark.slow
@examples(8, 125)
@given(histories)
def test_stays_that_have_not_ended_are_the_placements(steps):
    """After any history: replayed by package and by hash, the log gives what is placed now."""
    with tempfile.TemporaryDirectory() as root:
        universe = Universe(Path(root))
        with universe.writing() as writer:
            for _ in played(universe, steps, writer):
                pass
            db = writer.db
            placed = {
                (p.source, p.tag, p.package, p.hash): p.stacks for p in whole.all_placements(db)
            }
            described = dict(read.all_builds(db))
            builds = {p.hash: described[p.build_id] for p in read.placed_specs(db, described)}
            packages = {c.package for c in log.changes(db, log.Filter()) if c.package}
            hashes = {c.hash for c in log.changes(db, log.Filter()) if c.hash}
            for streams in (
                [log.package_history(db, package) for package in sorted(packages)],
                [log.history(db, spec_hash) for spec_hash in sorted(hashes)],
            ):
                stays = [stay for stream in streams for stay in history.stays(stream)]
                lasting = [stay for stay in stays if stay.vanished is None]
                assert {(s.source, s.tag, s.package, s.hash): s.stacks for s in lasting} == placed
                assert len(lasting) == len(placed)
                assert all(builds[stay.hash] == stay.build for stay in lasting)
                assert all(stay.appeared is not None for stay in stays)
            found = where.placed(db, hashes)
            assert {
                (p.source, p.tag, h, p.stacks) for h, spec in found.items() for p in spec.placements
            } == {(s, t, h, stacks) for (s, t, _, h), stacks in placed.items()}


@pytest.mark.slow
@examples(7, 100)
@given(histories, st.lists(trees, min_size=3, max_size=5))
def test_what_matches_in_tags_is_what_brute_force_finds(steps, nodes):
    """The sides that are compared are the placements that satisfy the query, tag by tag."""
    with tempfile.TemporaryDirectory() as root:
        universe = Universe(Path(root))
        with universe.writing() as writer:
            for _ in played(universe, steps, writer):
                pass
            db = writer.db
            described = dict(read.all_builds(db))
            known = read.Names(db).tags
            for node in [*nodes, query.Everything]:
                expected = brute_force(db, node)
                sides = []
                for tag_id, place in known.items():
                    found = matching_in(db, node, [tag_id])
                    assert {(described[i], h) for i, hashes in found.items() for h in hashes} == {
                        (build, h)
                        for build, specs in expected.items()
                        for h, places in specs.items()
                        if place in {(p.source, p.tag) for p in places}
                    }
                    sides.append(found)
                for a in sides[:2]:
                    for b in sides[:3]:
                        counts = tagdiff.compare(described, a, b).specs()
                        assert counts["only_a"] + counts["both"] == sum(map(len, a.values()))
                        assert counts["only_b"] + counts["both"] == sum(map(len, b.values()))
