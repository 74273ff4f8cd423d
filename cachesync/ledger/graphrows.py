"""What the graph is made of: nodes with their edges, and which changed since. Functions of a connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import NamedTuple

from ..model import Build, Details, EdgeKind
from .read import builds, builds_in_order, id_list

__all__ = [
    "Node",
    "Since",
    "build_ids",
    "builds_of",
    "details_of",
    "hashes",
    "is_any",
    "kinds",
    "nodes",
    "of_hashes",
    "placed",
    "since",
    "with_hash",
]

DESCRIBED, REFINED = 5, 4

Node = tuple[int, int, int, bytes]
"""The id of a spec, that of its build, that of its details, and its edges as `edges` unpacks them."""


class Since(NamedTuple):
    """The specs that changes are about, by id."""

    described: set[int]
    """Known anew, or otherwise than before."""
    refined: set[int]
    """Of another build than before."""
    placed: set[int]
    """Cached or evicted."""


def nodes(db: sqlite3.Connection, spec_ids: Iterable[int] | None = None) -> list[Node]:
    """Some specs that a cache index told of, or all, by id."""
    chosen = "" if spec_ids is None else " WHERE s.id IN (SELECT value FROM json_each(?))"
    return db.execute(
        "SELECT s.id, s.build_id, n.details_id, n.edges FROM spec s JOIN node n ON n.id = s.node_id"
        f"{chosen} ORDER BY s.id",
        () if spec_ids is None else (id_list(spec_ids),),
    ).fetchall()


def is_any(db: sqlite3.Connection) -> bool:
    """Whether a cache index told of any spec."""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM node)").fetchone()[0])


def build_ids(db: sqlite3.Connection, spec_ids: Iterable[int]) -> dict[int, int]:
    """The builds of some specs, by id."""
    rows = db.execute(
        "SELECT id, build_id FROM spec WHERE id IN (SELECT value FROM json_each(?))",
        (id_list(spec_ids),),
    )
    return dict(rows.fetchall())


def builds_of(db: sqlite3.Connection, wanted: Collection[int]) -> dict[int, Build]:
    """The builds with some ids; where these are many, all are read."""
    return builds(db, wanted) if len(wanted) < 1000 else dict(builds_in_order(db, None))


def details_of(db: sqlite3.Connection, wanted: Iterable[int]) -> dict[int, Details]:
    """The details with some ids; the target object is left out."""
    from .shapes import unpack_details  # whoever asks for hashes alone does without

    rows = db.execute(
        "SELECT id, document FROM details WHERE id IN (SELECT value FROM json_each(?))",
        (id_list(wanted),),
    )
    return {row_id: unpack_details(document, _NoTargets()) for row_id, document in rows}


class _NoTargets(dict[int, str]):
    """Stands for the table of target objects, which nothing here looks into."""

    def __missing__(self, _: int) -> str:
        return ""


def kinds(db: sqlite3.Connection) -> dict[int, EdgeKind]:
    """The kinds of edges, by id."""
    from .edges import unpack_kind

    rows = db.execute("SELECT id, names FROM edge_kind")
    return {kind_id: unpack_kind(names) for kind_id, names in rows}


def placed(db: sqlite3.Connection, spec_ids: Iterable[int] | None = None) -> set[int]:
    """The specs that are placed anywhere, or those among some."""
    chosen = "" if spec_ids is None else " WHERE spec_id IN (SELECT value FROM json_each(?))"
    rows = db.execute(
        f"SELECT DISTINCT spec_id FROM placement{chosen}",
        () if spec_ids is None else (id_list(spec_ids),),
    )
    return {spec_id for (spec_id,) in rows}


def since(db: sqlite3.Connection, seq: int) -> Since:
    """The specs that changes after `seq` are about."""
    found = Since(set(), set(), set())
    rows = db.execute(
        "SELECT kind, spec_id FROM change WHERE seq > ? AND spec_id IS NOT NULL", (seq,)
    )
    of_kind = {DESCRIBED: found.described, REFINED: found.refined}
    for kind, spec_id in rows:
        of_kind.get(kind, found.placed).add(spec_id)
    return found


def hashes(db: sqlite3.Connection, spec_ids: Iterable[int]) -> dict[int, str]:
    """The hashes of some specs, by id."""
    rows = db.execute(
        "SELECT id, hash FROM spec WHERE id IN (SELECT value FROM json_each(?))",
        (id_list(spec_ids),),
    )
    return dict(rows.fetchall())


def with_hash(db: sqlite3.Connection, beginning: str) -> list[int]:
    """The ids of the specs whose hashes begin so."""
    rows = db.execute(
        "SELECT id FROM spec WHERE hash >= ? AND hash < ?", (beginning, beginning + "\x7f")
    )
    return [spec_id for (spec_id,) in rows]


def of_hashes(db: sqlite3.Connection, wanted: Iterable[str]) -> dict[str, int]:
    """The ids of the specs with some hashes; those that are not known are left out."""
    rows = db.execute(
        "SELECT hash, id FROM spec WHERE hash IN (SELECT value FROM json_each(?))",
        (json.dumps(list(wanted)),),
    )
    return dict(rows.fetchall())
