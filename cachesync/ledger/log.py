"""Reading the change log, and what the ledger says of its sources. Functions of a connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ..model import Build, Change, ChangeKind
from . import dag
from .filtering import BASELINE, DESCRIBED, FLAG, Filter, where
from .ids import BUILD_COLUMNS, make_build, unpack

__all__ = [
    "Filter",
    "SourceStatus",
    "Trouble",
    "changes",
    "counts_since",
    "histories",
    "history",
    "newest_at",
    "package_history",
    "totals",
]

_SELECT = """
SELECT c.seq, c.at, c.kind, coalesce(s.name, ''), t.name, g.package, x.hash, c.flags, k.names, c.before_id,
       b.package, b.version, b.compiler, b.os, b.platform, b.target, b.variants, b.compilers,
       c.detail, c.spec_id
FROM change c
LEFT JOIN source s ON s.id = c.source_id
LEFT JOIN page g ON g.id = c.page_id
LEFT JOIN tag t ON t.id = g.tag_id
LEFT JOIN spec x ON x.id = c.spec_id
LEFT JOIN build b ON b.id = c.build_id
LEFT JOIN stacks k ON k.id = c.stacks_id
"""
MOST_AT_ONCE = 500
"""Changes that are read at once."""


def changes(
    db: sqlite3.Connection, wanted: Filter, *, limit: int = 0, newest_first: int = 0
) -> Iterator[Change]:
    """The changes that are wanted, oldest first; `limit` 0 means all.

    With `newest_first`, so many of them, the newest first.
    """
    condition, parameters = where(wanted)
    query = f"{_SELECT} WHERE {condition} ORDER BY c.seq"
    if newest_first:
        query, limit = f"{query} DESC", newest_first
    if wanted.about is not None:
        found = filter(wanted.about, _changes(db, db.execute(query, parameters)))
        yield from islice(found, limit or None)
        return
    if limit:
        query += f" LIMIT {int(limit)}"
    yield from _changes(db, db.execute(query, parameters))


def placed(db: sqlite3.Connection) -> Iterator[Change]:
    """Every placement there is now, as the change that made it, with what is known of it now."""
    names = {i: unpack(names) for i, names in db.execute("SELECT id, names FROM stacks")}
    rows = db.execute(
        "SELECT c.seq, c.at, s.name, t.name, g.package, x.hash, c.flags, p.stacks_id, b.package,"
        " b.version, b.compiler, b.os, b.platform, b.target, b.variants, b.compilers"
        " FROM (SELECT max(seq) AS seq, at, spec_id, page_id, flags FROM change WHERE kind = 1"
        " GROUP BY spec_id, page_id) c"
        " JOIN placement p ON p.spec_id = c.spec_id AND p.page_id = c.page_id"
        " JOIN page g ON g.id = p.page_id JOIN tag t ON t.id = g.tag_id"
        " JOIN source s ON s.id = t.source_id JOIN spec x ON x.id = p.spec_id"
        " JOIN build b ON b.id = x.build_id ORDER BY c.seq"
    )
    for row in rows:
        yield Change(
            seq=row[0], at=row[1], kind=ChangeKind.SPEC_CACHED, source=row[2], tag=row[3],
            package=row[4], hash=row[5], flag=bool(row[6] & FLAG), stacks=names[row[7]],
            build=make_build(row[8:16]),
        )  # fmt: skip


def history(db: sqlite3.Connection, spec_hash: str) -> Iterator[Change]:
    """The changes about one spec, oldest first; not what cache indexes describe it by."""
    query = (
        f"{_SELECT} WHERE c.spec_id = (SELECT id FROM spec WHERE hash = ?)"
        f" AND c.kind != {DESCRIBED} ORDER BY c.seq"
    )
    yield from _changes(db, db.execute(query, (spec_hash,)))


def histories(db: sqlite3.Connection, spec_ids: Iterable[int]) -> Iterator[tuple[int, Change]]:
    """The changes that placed some specs, oldest first, each with the spec's id; the whole log is looked through."""
    placing = f"{int(ChangeKind.SPEC_CACHED)} AND {int(ChangeKind.SPEC_RESTACKED)}"
    rows = db.execute(
        f"{_SELECT} WHERE c.spec_id IN (SELECT value FROM json_each(?))"
        f" AND c.kind BETWEEN {placing} ORDER BY c.seq",
        (json.dumps(list(spec_ids)),),
    )
    for row in rows:
        yield row[19], _change(db, row, None)


def package_history(db: sqlite3.Connection, package: str) -> Iterator[Change]:
    """The changes about the specs of one package, oldest first.

    Its pages are looked up first: to filter the joined rows instead takes four times as long.
    """
    query = (
        f"{_SELECT} WHERE c.page_id IN (SELECT id FROM page WHERE package = ?)"
        f" AND c.kind <= {int(ChangeKind.SPEC_REFINED)} ORDER BY c.seq"
    )
    yield from _changes(db, db.execute(query, (package,)))


def _changes(db: sqlite3.Connection, rows: Iterable[Sequence[Any]]) -> Iterator[Change]:
    """The changes in rows of `_SELECT`; what nodes are described by is looked up for many at once."""
    rows = iter(rows)
    while some := list(islice(rows, MOST_AT_ONCE)):
        pairs = [(row[19], row[9]) for row in some if row[2] == DESCRIBED]
        told = dag.told(db, pairs) if pairs else iter(())
        for row in some:
            yield _change(db, row, next(told) if row[2] == DESCRIBED else None)


def _change(db: sqlite3.Connection, row: Sequence[Any], told: dag.Told | None) -> Change:
    kind = ChangeKind(row[2])
    before = row[9]
    detail = json.loads(row[18]) if row[18] else {}
    return Change(
        seq=row[0], at=row[1], kind=kind, source=row[3], tag=row[4] or detail.get("tag"),
        package=row[5] if told is None else row[10], hash=row[6],
        flag=bool(row[7] & FLAG), baseline=bool(row[7] & BASELINE),
        stacks=unpack(detail.get("stack") or "") or None if row[8] is None else unpack(row[8]),
        stacks_before=_stacks(db, before) if kind is ChangeKind.SPEC_RESTACKED else None,
        build=None if row[10] is None else make_build(row[10:18]),
        build_before=_build(db, before) if kind is ChangeKind.SPEC_REFINED else None,
        path=detail.get("path"), reason=detail.get("reason"),
        subscription=detail.get("subscription"), target=detail.get("target"),
        details=told and told.details, edges=told and told.edges, checksum=detail.get("checksum"),
    )  # fmt: skip


def _stacks(db: sqlite3.Connection, stacks_id: int) -> tuple[str, ...]:
    (names,) = db.execute("SELECT names FROM stacks WHERE id = ?", (stacks_id,)).fetchone()
    return unpack(names)


def _build(db: sqlite3.Connection, build_id: int) -> Build:
    row = db.execute(f"SELECT {BUILD_COLUMNS} FROM build WHERE id = ?", (build_id,)).fetchone()
    return make_build(row)


def counts_since(db: sqlite3.Connection, seq: int) -> dict[str, int]:
    """How many changes of each kind there are after `seq`, by the kind's name."""
    rows = db.execute(
        "SELECT kind, count(*) FROM change WHERE seq > ? GROUP BY kind ORDER BY kind", (seq,)
    )
    return {ChangeKind(kind).label: count for kind, count in rows}


def newest_at(db: sqlite3.Connection) -> int | None:
    """When the newest change was made, in microseconds since the epoch; None where there is none."""
    row = db.execute("SELECT at FROM change ORDER BY seq DESC LIMIT 1").fetchone()
    return None if row is None else int(row[0])


def totals(db: sqlite3.Connection) -> dict[str, int]:
    """What there is now: numbers of pages, of what is placed, of nodes and edges; the last seq."""
    row = db.execute(
        "SELECT (SELECT count(*) FROM page WHERE present),"
        " (SELECT count(DISTINCT spec_id) FROM placement),"
        " (SELECT count(DISTINCT s.build_id) FROM spec s"
        "  WHERE EXISTS (SELECT 1 FROM placement p WHERE p.spec_id = s.id)),"
        " (SELECT count(*) FROM placement), (SELECT count(*) FROM spec WHERE node_id IS NOT NULL),"
        " (SELECT sum(n.degree) FROM spec s JOIN node n ON n.id = s.node_id),"
        " (SELECT max(seq) FROM change)"
    ).fetchone()
    names = ("pages", "specs", "builds", "placements", "nodes", "edges", "seq")
    return dict(zip(names, (value or 0 for value in row), strict=True))


class SourceStatus(NamedTuple):
    """A source as `status` shows it. Times in microseconds since the epoch, or None."""

    name: str
    type: str
    location: str
    state: str
    error: str | None
    last_success: int | None
    last_attempt: int | None
    pages: int
    rejected: int
    places: int = 0
    """Where pages lie, whatever their state: rejected ones are among them."""


def source_statuses(db: sqlite3.Connection) -> list[SourceStatus]:
    """Every source that is not forgotten."""
    rows = db.execute(
        "SELECT name, type, location, state, error, last_success, last_attempt,"
        " (SELECT count(*) FROM tag t JOIN page g ON g.tag_id = t.id"
        "  WHERE t.source_id = source.id AND g.present),"
        " (SELECT count(*) FROM location l WHERE l.source_id = source.id AND l.state = 1),"
        " (SELECT count(*) FROM location l WHERE l.source_id = source.id)"
        " FROM source WHERE NOT forgotten ORDER BY id"
    )
    return [SourceStatus(*row) for row in rows]


class Mirror(NamedTuple):
    """A cache index of a source as `status` shows it. Times in microseconds since the epoch, or None."""

    url: str
    view: str | None
    tag: str
    stack: str
    state: str
    """`never`, `ok` or `rejected`."""
    checksum: str | None
    last_success: int | None
    leaving: int
    """Specs that are placed and were absent from it, but not often enough yet."""
    read: str | None
    """What was read of it: `index`, or `manifests` one by one; None where nothing was yet."""


def mirrors(db: sqlite3.Connection) -> dict[str, list[Mirror]]:
    """The cache indexes of every source that has some, by the sources' names."""
    rows = db.execute(
        "SELECT s.name, o.url, o.view, o.tag, o.stack, CASE WHEN l.state = 1 THEN 'rejected'"
        " WHEN o.last_success IS NULL THEN 'never' ELSE 'ok' END, o.checksum, o.last_success,"
        " (SELECT count(*) FROM leaving a WHERE a.statement_id = o.id), CASE WHEN o.last_success IS"
        " NOT NULL THEN coalesce(json_extract(o.memory, '$.read'), 'index') END FROM statement o JOIN source s ON s.id = o.source_id"
        " LEFT JOIN location l ON l.source_id = o.source_id AND l.path = o.path"
        " WHERE NOT s.forgotten ORDER BY o.id"
    )
    found: dict[str, list[Mirror]] = {}
    for name, *row in rows:
        found.setdefault(name, []).append(Mirror(*row))
    return found


class Trouble(NamedTuple):
    """A page that is rejected, skipped or warned about."""

    source: str
    page: str
    reason: str
    since: int


def troubles(db: sqlite3.Connection, state: int) -> Iterator[Trouble]:
    """The places in a state (rejected or skipped), by source and path."""
    rows = db.execute(
        "SELECT s.name, l.path, l.reason, l.since FROM location l JOIN source s"
        " ON s.id = l.source_id WHERE l.state = ? AND l.state != 0 ORDER BY s.name, l.path",
        (state,),
    )
    return (Trouble(*row) for row in rows)


def memories(db: sqlite3.Connection, type_: str) -> dict[str, dict[str, str]]:
    """What the sources of a type want to be told in their next pass, by the sources' names."""
    rows = db.execute(
        "SELECT s.name, m.key, m.value FROM memory m JOIN source s ON s.id = m.source_id"
        " WHERE s.type = ? AND NOT s.forgotten ORDER BY s.name, m.key",
        (type_,),
    )
    found: dict[str, dict[str, str]] = {}
    for name, key, value in rows:
        found.setdefault(name, {})[key] = value
    return found


def warnings(db: sqlite3.Connection) -> Iterator[Trouble]:
    """Every warning about a page that is accepted."""
    rows = db.execute(
        "SELECT s.name, l.path, l.warnings, l.since FROM location l JOIN source s"
        " ON s.id = l.source_id WHERE l.warnings IS NOT NULL ORDER BY s.name, l.path"
    )
    for source, path, text, since in rows:
        for warning in text.split("\n"):
            yield Trouble(source, path, warning, since)


def newest_after(db: sqlite3.Connection, wanted: Filter, count: int) -> int:
    """The seq after which exactly the newest `count` of the wanted changes lie."""
    seqs = [change.seq for change in changes(db, wanted, newest_first=count + 1)]
    return seqs[-1] if len(seqs) > count else wanted.after
