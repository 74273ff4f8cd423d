"""Ledgers written before the compilers of all languages made a build: builds that are several are told apart.

A spec whose languages have several compilers gets a build that says so, in the log too, which named the
compilers of the spec beside its build. Nothing is a change, and nobody is told. The other row stays
as it was: other specs are of it, and what the log said of this one before it was refined.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from .. import diff
from .ids import BUILD_COLUMNS, build_parts, make_build
from .shapes import build_digest

__all__ = ["tell_builds_apart"]

_SEVERAL = "json_extract(document, '$[7]')"  # where schema 4 has the compilers of details


def tell_builds_apart(db: sqlite3.Connection) -> None:
    """Make the compilers of all languages part of what makes a build; within the caller's transaction."""
    db.execute("ALTER TABLE build ADD COLUMN compilers TEXT NOT NULL DEFAULT ''")
    db.execute(
        "CREATE TEMP TABLE moved"
        " (spec_id INTEGER PRIMARY KEY, before_id INTEGER NOT NULL, build_id INTEGER NOT NULL)"
    )
    db.executemany("INSERT INTO moved VALUES (?, ?, ?)", list(_moves(db)))
    db.execute("UPDATE spec SET build_id = m.build_id FROM moved m WHERE m.spec_id = spec.id")
    db.execute(
        "UPDATE change SET build_id = m.build_id FROM moved m"
        " WHERE m.spec_id = change.spec_id AND m.before_id = change.build_id"
    )
    db.execute("DROP TABLE moved")


def _moves(db: sqlite3.Connection) -> Iterator[tuple[int, int, int]]:
    """Specs whose languages differ, their builds, and those with all compilers, which are made."""
    rows = db.execute(
        f"SELECT s.id, s.build_id, {_SEVERAL} FROM details d JOIN node n ON n.details_id = d.id"
        f" JOIN spec s ON s.node_id = n.id WHERE {_SEVERAL} != '[]' ORDER BY s.id"
    ).fetchall()
    told: dict[tuple[int, str], tuple[str, ...] | None] = {}
    made: dict[tuple[str, ...], int | None] = {}
    for spec_id, before_id, said in rows:
        if (before_id, said) not in told:
            told[before_id, said] = _told(db, before_id, said)
        parts = told[before_id, said]
        if parts is None:
            continue
        build_id = made[parts] = made.get(parts) or _make(db, before_id, parts)
        assert build_id is not None, "what was inserted has an id"
        yield spec_id, before_id, build_id


def _told(db: sqlite3.Connection, before_id: int, said: str) -> tuple[str, ...] | None:
    """A build with the compilers of all languages, as its columns; None where they do not differ."""
    row = db.execute(f"SELECT {BUILD_COLUMNS} FROM build WHERE id = ?", (before_id,)).fetchone()
    build = make_build(row)
    compilers = tuple((language, name) for language, name in json.loads(said))
    compilers = diff.compilers_led_by(build.compiler, compilers)
    return build_parts(build._replace(compilers=compilers)) if compilers else None


def _make(db: sqlite3.Connection, before_id: int, parts: tuple[str, ...]) -> int | None:
    """The id of a new build with these columns; its version is that of another."""
    return db.execute(
        f"INSERT INTO build (version_key, digest, {BUILD_COLUMNS})"
        " SELECT version_key, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM build WHERE id = ?",
        (build_digest(parts), *parts, before_id),
    ).lastrowid
