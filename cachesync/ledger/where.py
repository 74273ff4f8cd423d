"""Where specs are placed now, by their hashes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from ..model import Build, Placement
from .read import Names, builds

__all__ = ["Placed", "placed"]


class Placed(NamedTuple):
    """A spec that is placed somewhere now."""

    build: Build
    placements: tuple[Placement, ...]


def placed(db: sqlite3.Connection, hashes: Iterable[str]) -> dict[str, Placed]:
    """What the hashes stand for, and where; those that are placed nowhere are left out."""
    names = Names(db)
    rows = db.execute(
        "SELECT s.hash, s.build_id, g.tag_id, p.stacks_id FROM json_each(?) j"
        " JOIN spec s ON s.hash = j.value"
        " JOIN placement p ON p.spec_id = s.id JOIN page g ON g.id = p.page_id",
        (json.dumps(list(hashes)),),
    ).fetchall()
    described = builds(db, {build_id for _, build_id, _, _ in rows})
    found: dict[str, tuple[Build, list[Placement]]] = {}
    for spec_hash, build_id, tag_id, stacks_id in rows:
        place = Placement(*names.tags[tag_id], names.stacks[stacks_id])
        found.setdefault(spec_hash, (described[build_id], []))[1].append(place)
    return {
        spec_hash: Placed(build, tuple(sorted(places)))
        for spec_hash, (build, places) in found.items()
    }
