"""The whole of what the ledger holds, row by row, for those who compare it with something else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from .ids import unpack

__all__ = [
    "LedgerPlacement",
    "all_placements",
    "integrity_problems",
    "located_pages",
    "placements_by_page",
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


def integrity_problems(db: sqlite3.Connection) -> Iterator[str]:
    """What SQLite itself finds wrong with the database."""
    for (text,) in db.execute("PRAGMA integrity_check(20)"):
        if text != "ok":
            yield text
    for table, rowid, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield f"row {rowid} of {table} refers to a {parent} that does not exist"
