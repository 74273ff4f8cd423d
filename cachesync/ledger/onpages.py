"""On which pages specs stand, and where those lie. Functions of a connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["OnPage", "on_pages"]


class OnPage(NamedTuple):
    """A spec on a page of a source."""

    hash: str
    source: str
    type: str
    location: str
    """Of the source: the path of a directory."""
    tag: str
    path: str
    """Of the page, relative to the source."""


def on_pages(db: sqlite3.Connection, hashes: Iterable[str]) -> list[OnPage]:
    """The pages on which some specs stand now, by hash, source and tag."""
    rows = db.execute(
        "SELECT s.hash, o.name, o.type, o.location, t.name, l.path FROM spec s"
        " JOIN placement p ON p.spec_id = s.id JOIN page g ON g.id = p.page_id"
        " JOIN tag t ON t.id = g.tag_id JOIN source o ON o.id = t.source_id"
        " JOIN location l ON l.page_id = g.id AND l.source_id = o.id"
        " WHERE s.hash IN (SELECT value FROM json_each(?)) ORDER BY s.hash, o.name, t.name, l.path",
        (json.dumps(list(hashes)),),
    )
    return [OnPage(*row) for row in rows]
