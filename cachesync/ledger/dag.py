"""What is known of specs as nodes: details, edges, and what depends on what. Functions of a connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..model import Build, Details, Edge, EdgeKind
from .edges import unpack_edges, unpack_kind
from .read import builds, id_list
from .shapes import unpack_details

__all__ = ["Known", "Told", "dependents", "known", "nodes", "row", "told"]


class Told(NamedTuple):
    """What cache indexes say of a spec beyond its build."""

    details: Details
    edges: tuple[Edge, ...]


class Known(NamedTuple):
    """What is known of a spec."""

    build: Build
    is_cached: bool
    """Whether it is placed anywhere now."""
    told: Told | None
    """None where no cache index told of it."""


def row(db: sqlite3.Connection, spec_id: int, node_id: int) -> Told:
    """What a row of `node` says of the spec with an id."""
    return next(told(db, [(spec_id, node_id)]))


def told(db: sqlite3.Connection, pairs: Sequence[tuple[int, int]]) -> Iterator[Told]:
    """What some rows of `node` say, in order; each pair is the id of the spec and that of the row.

    A row that is not there raises KeyError, a damaged one more: see `connect.ledger_errors`.
    """
    rows = {
        node_id: (details_id, edges)
        for node_id, details_id, edges in db.execute(
            "SELECT id, details_id, edges FROM node WHERE id IN (SELECT value FROM json_each(?))",
            (id_list(node_id for _, node_id in pairs),),
        )
    }
    unpacked = [list(unpack_edges(spec_id, rows[node_id][1])) for spec_id, node_id in pairs]
    hashes = _hashes(
        db, {found for edges in unpacked for found, _ in edges if isinstance(found, int)}
    )
    kinds = _kinds(db)
    details = _details(db, {details_id for details_id, _ in rows.values()})
    for (_, node_id), edges in zip(pairs, unpacked, strict=True):
        yield Told(
            details[rows[node_id][0]],
            tuple(
                (found if isinstance(found, str) else hashes[found], kinds[kind])
                for found, kind in edges
            ),
        )


def _hashes(db: sqlite3.Connection, spec_ids: Iterable[int]) -> dict[int, str]:
    return dict(
        db.execute(
            "SELECT id, hash FROM spec WHERE id IN (SELECT value FROM json_each(?))",
            (id_list(spec_ids),),
        )
    )


def _kinds(db: sqlite3.Connection) -> dict[int, EdgeKind]:
    return {
        kind_id: unpack_kind(names)
        for kind_id, names in db.execute("SELECT id, names FROM edge_kind")
    }


def _details(db: sqlite3.Connection, details_ids: Iterable[int]) -> dict[int, Details]:
    targets = dict(db.execute("SELECT id, document FROM target"))
    return {
        details_id: unpack_details(document, targets)
        for details_id, document in db.execute(
            "SELECT id, document FROM details WHERE id IN (SELECT value FROM json_each(?))",
            (id_list(details_ids),),
        )
    }


def known(db: sqlite3.Connection, hashes: Iterable[str]) -> dict[str, Known]:
    """What is known of some hashes, by hash; those that nothing ever spoke of are left out."""
    rows = db.execute(
        "SELECT s.hash, s.id, s.build_id, s.node_id,"
        " EXISTS (SELECT 1 FROM placement p WHERE p.spec_id = s.id)"
        " FROM json_each(?) j JOIN spec s ON s.hash = j.value",
        (json.dumps(list(hashes)),),
    ).fetchall()
    described = builds(db, {build_id for _, _, build_id, _, _ in rows})
    pairs = [(spec_id, node_id) for _, spec_id, _, node_id, _ in rows if node_id is not None]
    found = dict(zip(pairs, told(db, pairs), strict=True))
    return {
        spec_hash: Known(described[build_id], bool(placed), found.get((spec_id, node_id)))
        for spec_hash, spec_id, build_id, node_id, placed in rows
    }


def dependents(db: sqlite3.Connection, hashes: Iterable[str]) -> dict[str, list[Edge]]:
    """What depends directly on each of some hashes, by hash: dependents and what for.

    Every edge there is is looked at, once: a quarter of a second for half a million.
    """
    wanted: dict[int | str, str] = {spec_hash: spec_hash for spec_hash in hashes}
    wanted.update(
        (spec_id, spec_hash)
        for spec_id, spec_hash in db.execute(
            "SELECT id, hash FROM spec WHERE hash IN (SELECT value FROM json_each(?))",
            (json.dumps(list(wanted)),),
        )
    )
    kinds = _kinds(db)
    found: dict[str, list[Edge]] = {}
    for spec_id, spec_hash, edges in db.execute(
        "SELECT s.id, s.hash, n.edges FROM spec s JOIN node n ON n.id = s.node_id WHERE n.degree"
    ):
        for dependency, kind in unpack_edges(spec_id, edges):
            if dependency in wanted:
                found.setdefault(wanted[dependency], []).append((spec_hash, kinds[kind]))
    return found


def nodes(db: sqlite3.Connection) -> Iterator[tuple[str, Build, Told | None]]:
    """Every spec with what is known of it, in no particular order."""
    rows = db.execute("SELECT hash, id, build_id, node_id FROM spec").fetchall()
    described: Mapping[int, Build] = builds(db, {build_id for _, _, build_id, _ in rows})
    pairs = [(spec_id, node_id) for _, spec_id, _, node_id in rows if node_id is not None]
    found = dict(zip(pairs, told(db, pairs), strict=True))
    for spec_hash, spec_id, build_id, node_id in rows:
        yield spec_hash, described[build_id], found.get((spec_id, node_id))
