"""The whole of what the ledger holds, row by row, for those who compare it with something else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from . import doubts
from .ids import unpack

__all__ = [
    "LedgerPlacement",
    "all_placements",
    "integrity_problems",
    "leaving",
    "located_pages",
    "memory",
    "packages",
    "placed_by",
    "placements_by_page",
    "told_as",
    "unclaimed",
]


class LedgerPlacement(NamedTuple):
    """One placement as the ledger holds it."""

    source: str
    tag: str
    package: str
    """That of the page."""
    hash: str
    stacks: tuple[str, ...]


def all_placements(db: sqlite3.Connection, source: str | None = None) -> Iterator[LedgerPlacement]:
    """Every placement, or every one of a source, in no particular order."""
    stacks = {i: unpack(names) for i, names in db.execute("SELECT id, names FROM stacks")}
    condition = "" if source is None else " WHERE o.name = ?"
    rows = db.execute(
        "SELECT o.name, t.name, g.package, s.hash, p.stacks_id FROM placement p"
        " JOIN page g ON g.id = p.page_id JOIN tag t ON t.id = g.tag_id"
        f" JOIN source o ON o.id = t.source_id JOIN spec s ON s.id = p.spec_id{condition}",
        () if source is None else (source,),
    )
    for source_name, tag, package, spec_hash, stacks_id in rows:
        yield LedgerPlacement(source_name, tag, package, spec_hash, stacks[stacks_id])


def memory(db: sqlite3.Connection, source: str, tag: str, stack: str) -> dict[str, str]:
    """What is remembered of the cache index of one stack of one tag; nothing where there is none."""
    row = db.execute(
        "SELECT o.memory FROM statement o JOIN source s ON s.id = o.source_id"
        " WHERE s.name = ? AND o.tag = ? AND o.stack = ?",
        (source, tag, stack),
    ).fetchone()
    return {} if row is None else dict(json.loads(row[0]))


def placements_by_page(
    db: sqlite3.Connection, source: str
) -> dict[tuple[str, str], dict[str, tuple[str, ...]]]:
    """Of a source: tag and package -> hash -> stacks."""
    found: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for placement in all_placements(db, source):
        found.setdefault((placement.tag, placement.package), {})[placement.hash] = placement.stacks
    return found


def located_pages(db: sqlite3.Connection, source: str) -> dict[str, tuple[str, str]]:
    """Of a source: path -> tag and package of the page that lies there."""
    rows = db.execute(
        "SELECT l.path, t.name, g.package FROM location l JOIN source o ON o.id = l.source_id"
        " JOIN page g ON g.id = l.page_id JOIN tag t ON t.id = g.tag_id WHERE o.name = ?",
        (source,),
    )
    return {path: (tag, package) for path, tag, package in rows}


def placed_by(db: sqlite3.Connection, source: str, tag: str, stack: str) -> set[str]:
    """The hashes that are placed in a tag of a source with a stack."""
    every = all_placements(db, source)
    return {one.hash for one in every if one.tag == tag and stack in one.stacks}


def leaving(db: sqlite3.Connection, source: str, tag: str, stack: str) -> set[str]:
    """The hashes that a cache index has no longer, and that have not settled."""
    rows = db.execute(
        "SELECT s.hash FROM source r JOIN statement o ON o.source_id = r.id"
        " JOIN leaving l ON l.statement_id = o.id JOIN spec s ON s.id = l.spec_id"
        " WHERE r.name = ? AND o.tag = ? AND o.stack = ?",
        (source, tag, stack),
    )
    return {spec_hash for (spec_hash,) in rows}


def told_as(db: sqlite3.Connection) -> set[tuple[str, bytes]]:
    """Hash and checksum of every record of a cache index that was recorded; not of wrong ones."""
    rows = db.execute(
        f"SELECT hash, {doubts.AS_KNOWN} FROM spec WHERE checksum IS NOT NULL UNION ALL"
        " SELECT s.hash, f.checksum FROM form f JOIN spec s ON s.id = f.spec_id"
    )
    return set(rows)


def packages(db: sqlite3.Connection) -> dict[str, str]:
    """The package of every spec that is known, by its hash."""
    return dict(
        db.execute("SELECT s.hash, b.package FROM spec s JOIN build b ON b.id = s.build_id")
    )


def unclaimed(db: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    """Source, tag and number of the placements that neither a page nor a cache index is there for."""
    stacks: dict[tuple[int, str], set[str]] = {}
    for source_id, tag, stack in db.execute("SELECT source_id, tag, stack FROM statement"):
        stacks.setdefault((source_id, tag), set()).add(stack)
    rows = db.execute(
        "SELECT o.id, o.name, t.name, k.names, count(*) FROM placement p"
        " JOIN page g ON g.id = p.page_id JOIN tag t ON t.id = g.tag_id"
        " JOIN source o ON o.id = t.source_id JOIN stacks k ON k.id = p.stacks_id"
        " WHERE NOT EXISTS (SELECT 1 FROM location l WHERE l.page_id = g.id)"
        " GROUP BY 1, 3, 4 ORDER BY 2, 3"
    )
    for source_id, source, tag, names, count in rows:
        if not stacks.get((source_id, tag), set()).issuperset(unpack(names)):
            yield source, tag, count


def integrity_problems(db: sqlite3.Connection) -> Iterator[str]:
    """What SQLite itself finds wrong with the database."""
    for (text,) in db.execute("PRAGMA integrity_check(20)"):
        if text != "ok":
            yield text
    for table, rowid, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield f"row {rowid} of {table} refers to a {parent} that does not exist"
