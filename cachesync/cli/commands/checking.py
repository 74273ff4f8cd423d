"""Asking the ledger how much of a lock is cached, within some bounds.

Nothing of what a list needs is imported here: a lock asks no query, and a CI job asks often.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import NotThereError
from ...ledger import connect, read
from ...ledger.where import placements
from ...model import Placement
from ...reports import coverage
from ...reports.coverage import Status
from ...spack import tags
from ...spack.lockfile import Lock
from ..display.report import Entry, Report

if TYPE_CHECKING:
    from ... import query

__all__ = ["Within", "check_lock", "conditions", "inside", "system_told"]


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


def conditions(
    within: Within, places: frozenset[tags.Place] | None, suitable: frozenset[str] | None
) -> tuple[query.Node, ...]:
    """The bounds as conditions of a query."""
    if places is None and suitable is None:
        return ()
    from ... import query

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


def inside(
    every: tuple[Placement, ...], places: frozenset[tags.Place] | None
) -> tuple[Placement, ...]:
    """The placements of a spec that count."""
    if places is None:
        return every
    return tuple(place for place in every if (place.source, place.tag) in places)


def check_lock(state_dir: Path, lock: Lock, within: Within, *, builds: bool) -> Report:
    """How much of a lock is cached; without `builds`, leaving out what only building needs."""
    suitable = within.targets()
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            with read.snapshot(db):
                places = within.places(db)
                found = placements(db, lock.specs)
                seq = read.last_seq(db)
        finally:
            db.close()
    where = {spec_hash: inside(every, places) for spec_hash, every in found.items()}
    cached = {spec_hash for spec_hash, some in where.items() if some}
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
            systems=system_told(spec.os, statuses[spec.hash], suitable),
        )
        for spec in lock.specs.values()
        if spec.hash in wanted
    ]
    return Report("lock", seq, entries, roots, conditions(within, places, None))


def system_told(system: str, status: Status, suitable: frozenset[str] | None) -> tuple[str, ...]:
    """The system of something that is cached, where it matters: a machine was named."""
    is_told = suitable is not None and status is Status.CACHED and system
    return (system,) if is_told else ()
