"""Asking the ledger how much of a list is cached: of each line whether anything matches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from ... import query
from ...ledger import connect, read
from ...ledger.where import Placed, placed
from ...model import Placement
from ...query import minus
from ...reports.coverage import Status
from ...reports.wanted import Wanted, with_variants_off
from ...search import leftout
from ...search.searcher import Searcher
from ...spack import tags
from ..display.report import Entry, Report
from .checking import Within, conditions, inside, system_told
from .hinting import hints_of

__all__ = ["check_list"]

HASH_LENGTH = 32
MANY_HASHES = 1_000
"""Hashes that the beginning of one may stand for."""
SHOWN_BUILDS = 50
"""Builds of those that match a line whose placements are listed."""


def check_list(state_dir: Path, wanted: Sequence[Wanted], within: Within) -> Report:
    """How much of a list is cached: of each line whether anything matches it."""
    suitable = within.targets()
    searcher = Searcher(state_dir, is_lasting=False)
    try:
        with searcher.moment() as db:
            places = within.places(db)
            bounds = conditions(within, places, suitable)
            found = placed(db, _hashes(db, wanted))
            ordered = sorted(found)
            entries = []
            hints = hints_of(searcher, db)
            read_switches = cache(partial(read.switches_of, db))
            for written in wanted:
                one, excluded = _with_variants_off(written, read_switches)
                beginning = _beginning(one)
                if beginning is None:
                    entry = _of_query(one, searcher, bounds, suitable)
                else:
                    some = _matching(one, _beginning_with(found, ordered, beginning), searcher)
                    entry = _of_hash(one, some, places, suitable)
                    if not some:
                        left_open = leftout.unjudged(searcher, one.condition, ())
                        entry = entry._replace(
                            unjudged=left_open[0], undecided=left_open[1],
                            unsigned=leftout.unsigned(searcher, one.condition, ()),
                        )  # fmt: skip
                entry = _with_notes(entry, searcher, db, bounds)
                if entry.status is Status.MISSING:
                    entry = entry._replace(hints=hints(one))
                entries.append(entry._replace(read_as=one.read_as, off=one.off, excluded=excluded))
            seq = read.last_seq(db)
    finally:
        searcher.close()
    return Report("list", seq, entries, [], bounds)


def _with_notes(
    entry: Entry, searcher: Searcher, db: connect.Connection, bounds: tuple[query.Node, ...]
) -> Entry:
    """The same, with what its notes depend on."""
    if entry.condition is None:
        return entry
    tree = query.And((entry.condition, *bounds))
    return entry._replace(
        asks_pages=leftout.asks_pages(searcher, db, tree),
        knows_dags=searcher.knows_dags(entry.condition),
    )


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


def _matching(
    one: Wanted, candidates: Sequence[tuple[str, Placed]], searcher: Searcher
) -> list[tuple[str, Placed]]:
    """Those of some specs that match a line, with those of their placements that do."""
    if next(query.each_dag(one.condition), None) is None and not query.asks_mirrors(one.condition):
        met = {
            spec_hash: tuple(
                place
                for place in spec.placements
                if query.matches(one.condition, spec.build, spec_hash, **place._asdict())
            )
            for spec_hash, spec in candidates
        }
    else:
        hits = searcher.hits(one.condition, searcher.matching(one.condition))
        met = {spec.hash: spec.placements for hit in hits for spec in hit.specs}
    return [
        (spec_hash, spec._replace(placements=met[spec_hash]))
        for spec_hash, spec in candidates
        if met.get(spec_hash)
    ]


def _of_hash(
    one: Wanted,
    candidates: Sequence[tuple[str, Placed]],
    places: frozenset[tags.Place] | None,
    suitable: frozenset[str] | None,
) -> Entry:
    """A line that demands a hash, judged by the specs that match it."""
    status, target = Status.MISSING, ""
    found: list[Placement] = []
    systems: set[str] = set()
    for _, spec in candidates:
        here = inside(spec.placements, places)
        found += here
        target = spec.build.target if here else target
        if here and (suitable is None or spec.build.target in suitable):
            status = Status.CACHED
            systems.update(system_told(spec.build.os, status, suitable))
        elif here and status is Status.MISSING:
            status = Status.UNSUITABLE
    condition = None if one.hash is not None else one.condition
    return Entry(
        one.text, target, one.hash, status, tuple(found), line=one.line, condition=condition,
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
    bounds: tuple[query.Node, ...],
    suitable: frozenset[str] | None,
) -> Entry:
    """A line that is a query, judged by whether anything matches it."""
    tree = query.And((one.condition, *bounds))
    counts = searcher.matching(tree)
    best = sorted(counts, key=lambda build_id: (-counts[build_id], build_id))[:SHOWN_BUILDS]
    hits = searcher.hits(tree, best)
    is_told = suitable is not None and not query.required(one.condition, "os")
    found = {place for hit in hits for spec in hit.specs for place in spec.placements}
    unjudged, undecided = (0, 0) if counts else leftout.unjudged(searcher, tree, counts)
    return Entry(
        one.text,
        "",
        None,
        Status.CACHED if counts else Status.MISSING,
        tuple(sorted(found)),
        line=one.line,
        condition=one.condition,
        specs=sum(counts.values()),
        unjudged=unjudged,
        undecided=undecided,
        unsigned=0 if counts else leftout.unsigned(searcher, tree, counts),
        systems=searcher.systems(counts) if is_told else (),
    )
