"""Which mirrors carry a spec by what their cache indexes say. Functions of a connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .ids import unpack

__all__ = ["Carrying", "carrying"]

_LAYOUTS = "32"
_REGISTRY = "o"
_OF_PLACEMENTS = (
    "SELECT s.hash, s.build_id, r.name, o.url, o.view, o.tag, o.stack, o.memory, k.names"
    " FROM spec s JOIN placement p ON p.spec_id = s.id JOIN stacks k ON k.id = p.stacks_id"
    " JOIN page g ON g.id = p.page_id JOIN tag t ON t.id = g.tag_id JOIN source r ON r.id = t.source_id"
    " JOIN statement o ON o.source_id = r.id AND o.tag = t.name"
    " WHERE NOT EXISTS (SELECT 1 FROM leaving l WHERE l.statement_id = o.id AND l.spec_id = s.id)"
)


class Carrying(NamedTuple):
    """A spec, and a cache index that carries it now: what is leaving is none of it."""

    hash: str
    build_id: int
    source: str
    url: str
    """Of the mirror, as it may be shown."""
    view: str | None
    tag: str
    stack: str
    layouts: str
    """In which it may lie, a digit each; `o` for a registry."""


def carrying(
    db: sqlite3.Connection, *, hashes: Iterable[str] | None = None, source: str | None = None
) -> Iterator[Carrying]:
    """What carries some specs, or everything that a source carries, by hash."""
    query, values = _OF_PLACEMENTS, []
    if hashes is not None:
        query += " AND s.hash IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(list(hashes)))
    if source is not None:
        query += " AND r.name = ?"
        values.append(source)
    known: dict[tuple[str, str | None, str], str] = {}
    rows = db.execute(f"{query} ORDER BY s.hash, o.id", values)
    for spec_hash, build_id, name, url, view, tag, stack, memory, names in rows:
        if stack in unpack(names):
            key = (url, view, memory)
            if key not in known:
                known[key] = _layouts(*key)
            yield Carrying(spec_hash, build_id, name, url, view, tag, stack, known[key])


def _layouts(url: str, view: str | None, memory: str) -> str:
    """A view lies in layout 3 only; a mirror in those that its cache index was found in."""
    if url.startswith("oci"):
        return _REGISTRY
    if view is not None:
        return "3"
    said = str(json.loads(memory).get("layouts", ""))
    return "".join(one for one in _LAYOUTS if one in said) or _LAYOUTS
