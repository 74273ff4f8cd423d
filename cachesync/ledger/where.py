"""Where specs are placed now, by their hashes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from ..model import Build, Placement
from .read import Names, builds

__all__ = ["Placed", "placed", "placements"]


class Placed(NamedTuple):
    """A spec that is placed somewhere now."""

    build: Build
    placements: tuple[Placement, ...]


def placed(db: sqlite3.Connection, hashes: Iterable[str]) -> dict[str, Placed]:
    """What the hashes stand for, and where; those that are placed nowhere are left out."""
    places = placements(db, hashes)
    rows = db.execute(
        "SELECT s.hash, s.build_id FROM json_each(?) j JOIN spec s ON s.hash = j.value",
        (json.dumps(list(places)),),
    ).fetchall()
    described = builds(db, {build_id for _, build_id in rows})
    return {
        spec_hash: Placed(described[build_id], places[spec_hash]) for spec_hash, build_id in rows
    }


def placements(db: sqlite3.Connection, hashes: Iterable[str]) -> dict[str, tuple[Placement, ...]]:
    """Where specs are placed, in order, by hash; those that are placed nowhere are left out."""
    names = Names(db)
    rows = db.execute(
        "SELECT s.hash, g.tag_id, p.stacks_id FROM json_each(?) j JOIN spec s ON s.hash = j.value"
        " JOIN placement p ON p.spec_id = s.id JOIN page g ON g.id = p.page_id",
        (json.dumps(list(hashes)),),
    ).fetchall()
    places = {
        (tag_id, stacks_id): (Placement(*names.tags[tag_id], names.stacks[stacks_id]),)
        for tag_id, stacks_id in {row[1:] for row in rows}
    }
    found: dict[str, tuple[Placement, ...]] = {}
    for spec_hash, tag_id, stacks_id in rows:
        found[spec_hash] = found.get(spec_hash, ()) + places[tag_id, stacks_id]
    return {
        spec_hash: some if len(some) == 1 else tuple(sorted(some))
        for spec_hash, some in found.items()
    }
