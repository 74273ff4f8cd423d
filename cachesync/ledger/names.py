"""The names there are in a ledger, by their beginnings: what a shell completes."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from ..spack import variants
from . import mirrors
from .edges import unpack_kind
from .ids import unpack_compilers

__all__ = ["beginning_with", "compiler_versions", "known_packages", "tags_of", "versions_of"]


class _Column(NamedTuple):
    table: str
    column: str
    also: str = ""
    """A further condition."""


_COLUMNS = {
    "package": _Column("build", "package"),
    "version": _Column("build", "version"),
    "os": _Column("build", "os"),
    "platform": _Column("build", "platform"),
    "target": _Column("build", "target"),
    "tag": _Column(
        "tag",
        "name",
        "EXISTS (SELECT 1 FROM page WHERE tag_id = tag.id AND present) OR EXISTS"
        " (SELECT 1 FROM statement o WHERE o.source_id = tag.source_id AND o.tag = tag.name)",
    ),
    "source": _Column("source", "name", "NOT forgotten"),
    "hash": _Column("spec", "hash"),
}
SEVERAL = {"variant": ("build", "variants"), "stack": ("stacks", "names")}
"""What is kept as lists of names, one a line."""


def beginning_with(
    db: sqlite3.Connection, field: str, start: str, *, most: int, packages: Collection[str] = ()
) -> list[str]:
    """Values of a field of the query language that begin with `start`, in order, at most `most`.

    With `packages` only what builds of these say, where it is builds that say it.
    """
    if field in SEVERAL:
        table, column = SEVERAL[field]
        chosen, parameters = _chosen(packages if table == "build" else ())
        rows = db.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {chosen}", parameters)
        names = {name for (lines,) in rows for name in lines.split("\n")}
        if field == "variant":
            names = set(map(variants.normal, names))
        return sorted(name for name in names if name and name.startswith(start))[:most]
    if field == "compiler":
        return _compilers(db, start, packages)[:most]
    if field in _FOUND:
        return _FOUND[field](db, start)[:most]
    table, column, also = _COLUMNS[field]
    chosen, parameters = _chosen(packages if table == "build" and column != "package" else ())
    rows = db.execute(
        f"SELECT DISTINCT {column} FROM {table} WHERE {chosen} AND {column} >= ? AND {column} < ?"
        f" {f'AND ({also})' if also else ''} ORDER BY 1 LIMIT ?",
        (*parameters, start, start + "\U0010ffff", most),
    )
    return [name for (name,) in rows if name]


def _chosen(packages: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The condition on rows of `build`, and its parameters."""
    if not packages:
        return "1", ()
    return f"package IN ({','.join('?' * len(packages))})", tuple(packages)


def tags_of(db: sqlite3.Connection, package: str, start: str, *, most: int) -> list[str]:
    """Tags in which a package is, or was, that begin with `start`, in order, at most `most`."""
    rows = db.execute(
        "SELECT DISTINCT t.name FROM page g JOIN tag t ON t.id = g.tag_id WHERE g.package = ?"
        " AND t.name >= ? AND t.name < ? ORDER BY 1 LIMIT ?",
        (package, start, start + "\U0010ffff", most),
    )
    return [tag for (tag,) in rows]


def known_packages(db: sqlite3.Connection, packages: Collection[str]) -> tuple[str, ...]:
    """Those of some names that are packages with builds, in their order."""
    return tuple(
        package for package in packages
        if db.execute("SELECT 1 FROM build WHERE package = ? LIMIT 1", (package,)).fetchone()
    )  # fmt: skip


def versions_of(db: sqlite3.Connection, package: str, start: str, *, most: int) -> list[str]:
    """Versions of a package, cached or depended on, that begin with `start`, in order, at most `most`."""
    rows = db.execute(
        "SELECT DISTINCT version FROM build WHERE length(package) = length(?1) AND package = ?1"
        " AND version >= ?2 AND version < ?3 ORDER BY 1 LIMIT ?4",
        (package, start, start + "\U0010ffff", most),
    )
    return [version for (version,) in rows if version]


def compiler_versions(db: sqlite3.Connection, compiler: str, start: str, *, most: int) -> list[str]:
    """Versions of a compiler, as pages name them, that begin with `start`, in order, at most `most`."""
    found = (one.partition("@=") for one in _compilers(db, f"{compiler}@=")) if compiler else ()
    return [version for _, _, version in found if version.startswith(start)][:most]


def _virtuals(db: sqlite3.Connection, start: str) -> list[str]:
    """The virtual packages that a dependency provides to somebody."""
    rows = db.execute("SELECT names FROM edge_kind")
    names = {name for (lines,) in rows for name in unpack_kind(lines).virtuals}
    return sorted(name for name in names if name.startswith(start))


def _namespaces(db: sqlite3.Connection, start: str) -> list[str]:
    """Those of which a cache index tells."""
    rows = db.execute("SELECT DISTINCT json_extract(document, '$[0]') FROM details")
    return sorted(name for (name,) in rows if name and name.startswith(start))


def _mirrors(db: sqlite3.Connection, start: str) -> list[str]:
    """What they are called, and their addresses."""
    return sorted(name for name in mirrors.names(db) if name.startswith(start))


def _signed(_db: sqlite3.Connection, start: str) -> list[str]:
    return [value for value in ("no", "yes") if value.startswith(start)]


def _compilers(db: sqlite3.Connection, start: str, packages: Collection[str] = ()) -> list[str]:
    """Those of C, and of languages that have others."""
    chosen, parameters = _chosen(packages)
    rows = db.execute(f"SELECT DISTINCT compiler, compilers FROM build WHERE {chosen}", parameters)
    names = {name for one, lines in rows for name in (one, *dict(unpack_compilers(lines)).values())}
    return sorted(name for name in names if name and name.startswith(start))


_FOUND = {
    "virtual": _virtuals,
    "namespace": _namespaces,
    "mirror": _mirrors,
    "signed": _signed,
}
"""What is no column."""
