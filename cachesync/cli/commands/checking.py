"""Asking the ledger how much of a lock or of a list is cached, within some bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from ... import query
from ...errors import NotThereError
from ...ledger import connect, read
from ...ledger.where import Placed, placed
from ...model import Placement
from ...query import minus
from ...reports import coverage
from ...reports.coverage import Status
from ...reports.wanted import Wanted, with_variants_off
from ...search.searcher import Searcher
from ...spack import tags
from ...spack.lockfile import Lock
from ..display.report import Entry, Report

__all__ = ["Within", "check_list", "check_lock"]

HASH_LENGTH = 32
MANY_HASHES = 1_000
"""Hashes that the beginning of one may stand for."""
SHOWN_BUILDS = 50
"""Builds of those that match a line whose placements are listed."""


class Within(NamedTuple):
    """Where a spec has to be cached, and what has to run it."""

    tag: str | None = None
    source: str | None = None
    runs_on: str | None = None
    """A target, or `host`."""

    def places(self, db: connect.Connection) -> frozenset[tags.Place] | None:
        """The tags that count; None for all. Raises NotThereError for one that is not there."""
        if self.tag is None and self.source is None:
            return None
        known = list(read.Names(db).tags.values())
        names = sorted({age.name for age in read.source_ages(db)})
        if self.source is not None and self.source not in names:
            raise NotThereError(
                f"no source is called {self.source}", hint="sources: " + ", ".join(names)
            )
        inside = [place for place in known if self.source in (None, place[0])]
        return frozenset(inside if self.tag is None else tags.resolve(self.tag, inside))

    def targets(self) -> frozenset[str] | None:
        """The targets that the machine runs; None for any. Raises UsageError for an unknown one."""
        if self.runs_on is None:
            return None
        from ...spack.targets import runs_on

        return runs_on(self.runs_on)


def _conditions(
    within: Within, places: frozenset[tags.Place] | None, suitable: frozenset[str] | None
) -> tuple[query.Node, ...]:
    """The bounds as conditions of a query."""
    found: list[query.Node] = []
    if places is not None and within.tag in {tag for _, tag in places}:
        found.append(query.Term("tag", str(within.tag).lower()))
        if within.source is not None:
            found.append(query.Term("source", within.source.lower()))
    elif places is not None and within.tag is None:
        found.append(query.Term("source", str(within.source).lower()))
    elif places is not None:  # SOURCE/TAG
        ((source, tag),) = places
        found += [query.Term("source", source.lower()), query.Term("tag", tag.lower())]
    if suitable is not None:
        found.append(query.Term("target", ",".join(sorted(suitable)), spack=True))
    return tuple(found)


def _inside(spec: Placed | None, places: frozenset[tags.Place] | None) -> tuple[Placement, ...]:
    """The placements of a spec that count."""
    if spec is None:
        return ()
    return tuple(
        place for place in spec.placements if places is None or (place.source, place.tag) in places
    )


def check_lock(state_dir: Path, lock: Lock, within: Within, *, builds: bool) -> Report:
    """How much of a lock is cached; without `builds`, leaving out what only building needs."""
    suitable = within.targets()
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            with read.snapshot(db):
                places = within.places(db)
                found = placed(db, lock.specs)
                seq = read.last_seq(db)
        finally:
            db.close()
    where = {spec_hash: _inside(spec, places) for spec_hash, spec in found.items()}
    cached = {spec_hash for spec_hash, inside in where.items() if inside}
    statuses = {
        spec.hash: coverage.status_of(spec, cached, suitable=suitable)
        for spec in lock.specs.values()
    }
    roots = coverage.cover(lock, statuses, builds=builds)
    wanted = (
        lock.specs
        if builds
        else coverage.needed(lock, (root.hash for root in lock.roots), builds=False)
    )
    entries = [
        Entry(
            f"{spec.name}@{spec.version}" if spec.version else spec.name,
            spec.target,
            spec.hash,
            statuses[spec.hash],
            where.get(spec.hash, ()),
            systems=_system(spec.os, statuses[spec.hash], suitable),
        )
        for spec in lock.specs.values()
        if spec.hash in wanted
    ]
    return Report("lock", seq, entries, roots, _conditions(within, places, None))


def check_list(state_dir: Path, wanted: Sequence[Wanted], within: Within) -> Report:
    """How much of a list is cached: of each line whether anything matches it."""
    suitable = within.targets()
    searcher = Searcher(state_dir)
    try:
        with searcher.moment() as db:
            places = within.places(db)
            conditions = _conditions(within, places, suitable)
            found = placed(db, _hashes(db, wanted))
            ordered = sorted(found)
            entries = []
            read_switches = cache(partial(read.switches_of, db))
            for written in wanted:
                one, excluded = _with_variants_off(written, read_switches)
                beginning = _beginning(one)
                if beginning is None:
                    entry = _of_query(one, searcher, conditions, suitable)
                else:
                    some = _beginning_with(found, ordered, beginning)
                    entry = _of_hash(one, some, places, suitable)
                entries.append(entry._replace(read_as=one.read_as, off=one.off, excluded=excluded))
            seq = read.last_seq(db)
    finally:
        searcher.close()
    return Report("list", seq, entries, [], conditions)


def _with_variants_off(
    one: Wanted, switches_of: Callable[[str], set[str]]
) -> tuple[Wanted, tuple[str, ...]]:
    """A line as Spack reads its minuses, and the names behind those that go on to exclude."""
    found = minus.found(one.text)
    packages = minus.names_of(one.condition) if found else set()
    if not packages:
        return one, ()
    switches = set.intersection(*map(switches_of, packages))
    one = with_variants_off(one, switches)
    return one, tuple(dict.fromkeys(m.name for m in found if m.name not in one.off))


def _system(system: str, status: Status, suitable: frozenset[str] | None) -> tuple[str, ...]:
    """The system of something that is cached, where it matters: a machine was named."""
    is_told = suitable is not None and status is Status.CACHED and system
    return (system,) if is_told else ()


def _beginning(one: Wanted) -> str | None:
    """The beginning of a hash that a line demands, as `/abc` and `hdf5/abc` do."""
    demanded = query.required(one.condition, "hash")
    return demanded[0].value if demanded else None


def _hashes(db: connect.Connection, wanted: Sequence[Wanted]) -> list[str]:
    """The hashes that the lines of a list may stand for."""
    found: list[str] = []
    for beginning in set(filter(None, map(_beginning, wanted))):
        if len(beginning) == HASH_LENGTH:
            found.append(beginning)
        else:
            found += read.hashes(db, beginning, limit=MANY_HASHES)
    return found


def _of_hash(
    one: Wanted,
    candidates: Sequence[tuple[str, Placed]],
    places: frozenset[tags.Place] | None,
    suitable: frozenset[str] | None,
) -> Entry:
    """A line that demands a hash, judged by the specs whose hashes it may stand for."""
    status, target = Status.MISSING, ""
    inside: list[Placement] = []
    systems: set[str] = set()
    for spec_hash, spec in candidates:
        here = [
            place
            for place in _inside(spec, places)
            if query.matches(one.condition, spec.build, spec_hash, **place._asdict())
        ]
        inside += here
        target = spec.build.target if here else target
        if here and (suitable is None or spec.build.target in suitable):
            status = Status.CACHED
            systems.update(_system(spec.build.os, status, suitable))
        elif here and status is Status.MISSING:
            status = Status.UNSUITABLE
    condition = None if one.hash is not None else one.condition
    return Entry(
        one.text, target, one.hash, status, tuple(inside), line=one.line, condition=condition,
        systems=() if query.required(one.condition, "os") else tuple(systems),
    )  # fmt: skip


def _beginning_with(
    found: Mapping[str, Placed], ordered: Sequence[str], beginning: str
) -> list[tuple[str, Placed]]:
    """The specs whose hashes begin so; `ordered` is all hashes in order."""
    from bisect import bisect_left

    first = bisect_left(ordered, beginning)
    last = bisect_left(ordered, beginning + "\x7f")
    return [(spec_hash, found[spec_hash]) for spec_hash in ordered[first:last]]


def _of_query(
    one: Wanted,
    searcher: Searcher,
    conditions: tuple[query.Node, ...],
    suitable: frozenset[str] | None,
) -> Entry:
    """A line that is a query, judged by whether anything matches it."""
    tree = query.And((one.condition, *conditions))
    counts = searcher.matching(tree)
    best = sorted(counts, key=lambda build_id: (-counts[build_id], build_id))[:SHOWN_BUILDS]
    hits = searcher.hits(tree, best)
    is_told = suitable is not None and not query.required(one.condition, "os")
    inside = {place for hit in hits for spec in hit.specs for place in spec.placements}
    return Entry(
        one.text,
        "",
        None,
        Status.CACHED if counts else Status.MISSING,
        tuple(sorted(inside)),
        line=one.line,
        condition=one.condition,
        specs=sum(counts.values()),
        systems=searcher.systems(counts) if is_told else (),
    )
