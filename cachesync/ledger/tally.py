"""How many changes of the log there are: counted by SQL, without reading them. Functions of a connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from typing import NamedTuple

from ..model import ChangeKind
from .filtering import FLAG, OF_INDEXES, PACKAGE, TAG, Filter, where

__all__ = ["Tally", "count", "first_of_tags", "known_tags", "spellings", "tallies"]

_JOINED = """
FROM change c
LEFT JOIN source s ON s.id = c.source_id
LEFT JOIN page g ON g.id = c.page_id
LEFT JOIN tag t ON t.id = g.tag_id
LEFT JOIN build b ON b.id = c.build_id
"""


class Tally(NamedTuple):
    """How many changes there are of one kind in one tag and package."""

    tag: str | None
    package: str | None
    kind: ChangeKind
    flag: bool
    """Whether they are `first` or `last`."""
    changes: int


def count(db: sqlite3.Connection, wanted: Filter) -> int:
    """How many changes are wanted; what `about` says is not heeded."""
    condition, parameters = where(wanted)
    return int(db.execute(f"SELECT count(*) {_JOINED} WHERE {condition}", parameters).fetchone()[0])


def tallies(db: sqlite3.Connection, wanted: Filter, *, limit: int = 0) -> Iterator[Tally]:
    """Of the changes that are wanted, or of the oldest `limit` of them; what `about` says is not heeded."""
    condition, parameters = where(wanted)
    seen = (
        f"SELECT {TAG} AS tag, {PACKAGE} AS package, c.kind AS kind, c.flags & {FLAG} AS flag"
        f" {_JOINED} WHERE {condition} ORDER BY c.seq LIMIT {int(limit) or -1}"
    )
    rows = db.execute(f"SELECT *, count(*) FROM ({seen}) GROUP BY 1, 2, 3, 4", parameters)
    for tag, package, kind, flag, found in rows:
        yield Tally(tag, package, ChangeKind(kind), bool(flag), found)


def known_tags(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every tag that the log can speak of, with its source."""
    return db.execute(
        "SELECT s.name, t.name FROM tag t JOIN source s ON s.id = t.source_id"
        " UNION SELECT s.name, o.tag FROM statement o JOIN source s ON s.id = o.source_id"
    ).fetchall()


def spellings(db: sqlite3.Connection, package: str) -> list[str]:
    """The names of packages that are or were cached, and are this one but for the case of their letters."""
    rows = db.execute(
        "SELECT DISTINCT package FROM page WHERE package = ? COLLATE NOCASE", (package,)
    )
    return sorted(name for (name,) in rows)


def first_of_tags(
    db: sqlite3.Connection, places: Collection[tuple[str, str]]
) -> tuple[int, int] | None:
    """The first change in any of some tags, each with its source: its seq, and when it was made.

    None where there is none.
    """
    names = json.dumps([list(place) for place in places])
    row = db.execute(
        "WITH wanted (source_id, tag) AS (SELECT s.id, j.value ->> 1 FROM json_each(?) j"
        " JOIN source s ON s.name = j.value ->> 0)"
        " SELECT seq, at FROM (SELECT * FROM (SELECT c.seq, c.at FROM change c WHERE c.page_id IN"
        "  (SELECT g.id FROM wanted w JOIN tag t ON t.source_id = w.source_id AND t.name = w.tag"
        "   JOIN page g ON g.tag_id = t.id) ORDER BY c.seq LIMIT 1)"
        " UNION ALL SELECT * FROM (SELECT c.seq, c.at FROM change c WHERE"
        f"  c.kind IN ({OF_INDEXES}) AND (c.source_id, json_extract(c.detail, '$.tag')) IN"
        "  (SELECT source_id, tag FROM wanted) ORDER BY c.seq LIMIT 1)) ORDER BY seq LIMIT 1",
        (names,),
    ).fetchone()
    return None if row is None else (row[0], row[1])
