"""What `show` asks of specs that cache indexes told of. Functions of a connection.

Everything is looked up for many at once, and bounded: an index may say anything of what needs what.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from . import dag
from .ids import unpack
from .mirrors import is_registry

__all__ = ["Carried", "Graph", "carried", "needing", "not_cached", "reach"]


class Graph(NamedTuple):
    """Specs around one, with what is known of each."""

    root: str
    nodes: Mapping[str, dag.Known | None]
    """The nearest to the root first; None of what nothing ever told of but an edge to it."""
    is_whole: bool
    """False where there is more than was asked for."""


class Carried(NamedTuple):
    """A cache index that carries a spec."""

    source: str
    url: str
    """Of the mirror, as it may be shown."""
    view: str | None
    tag: str
    stack: str
    leaving: bool
    """Whether it was absent from the index when that was read last, and is not evicted yet."""
    signed: bool | None = None
    """Whether its manifest was signed when it was read; None where that is not known."""


def reach(db: sqlite3.Connection, root: str, *, depth: int, most: int) -> Graph:
    """The specs that one leads to over at most `depth` edges, itself among them; at most `most`."""
    nodes: dict[str, dag.Known | None] = {}
    level, is_whole = [root], True
    for _ in range(depth + 1):
        room = most - len(nodes)
        is_whole = is_whole and len(level) <= room
        level = level[:room]
        if not level:
            break
        known = dag.known(db, level)
        nodes.update((spec_hash, known.get(spec_hash)) for spec_hash in level)
        level = list(
            dict.fromkeys(
                dependency
                for spec_hash in level
                for dependency, _ in _edges(nodes[spec_hash])
                if dependency not in nodes
            )
        )
    return Graph(root, nodes, is_whole and not level)


def _edges(known: dag.Known | None) -> Iterable[tuple[str, object]]:
    return () if known is None or known.told is None else known.told.edges


def needing(db: sqlite3.Connection, root: str) -> Graph:
    """The specs that depend directly on one, and that one."""
    found = [spec_hash for spec_hash, _ in dag.dependents(db, [root]).get(root, ())]
    known = dag.known(db, [root, *found])
    return Graph(root, {spec_hash: known.get(spec_hash) for spec_hash in (root, *found)}, True)


def carried(db: sqlite3.Connection, hashes: Iterable[str]) -> dict[str, list[Carried]]:
    """The cache indexes that some specs are placed by, by hash."""
    rows = db.execute(
        "SELECT s.hash, r.name, o.url, o.view, o.tag, o.stack, k.names,"
        " EXISTS (SELECT 1 FROM leaving l WHERE l.statement_id = o.id AND l.spec_id = s.id),"
        " (SELECT k.signed FROM signature k WHERE k.statement_id = o.id AND k.spec_id = s.id)"
        " FROM json_each(?) j JOIN spec s ON s.hash = j.value JOIN placement p ON p.spec_id = s.id"
        " JOIN stacks k ON k.id = p.stacks_id JOIN page g ON g.id = p.page_id"
        " JOIN tag t ON t.id = g.tag_id JOIN source r ON r.id = t.source_id"
        " JOIN statement o ON o.source_id = r.id AND o.tag = t.name ORDER BY r.id, o.id",
        (json.dumps(list(hashes)),),
    )
    found: dict[str, list[Carried]] = {}
    for spec_hash, source, url, view, tag, stack, names, leaving, signed in rows:
        if stack in unpack(names):
            is_signed = False if is_registry(url) else None if signed is None else bool(signed)
            one = Carried(source, url, view, tag, stack, bool(leaving), is_signed)
            found.setdefault(spec_hash, []).append(one)
    return found


def not_cached(db: sqlite3.Connection, package: str) -> list[str]:
    """The specs of a package that cache indexes told of and that are not placed now, by hash."""
    rows = db.execute(
        "SELECT s.hash FROM build b JOIN spec s ON s.build_id = b.id WHERE b.package = ?"
        " AND s.node_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.spec_id = s.id) ORDER BY s.hash",
        (package,),
    )
    return [spec_hash for (spec_hash,) in rows]
