"""Which changes cached a build for the first time, whatever the hash. Functions of a connection.

Specs are judged by what is known of them now.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable

from ..model import Change, ChangeKind

__all__ = ["first_of_builds", "is_first_of_build"]


def first_of_builds(db: sqlite3.Connection, hashes: Iterable[str] | None = None) -> set[int]:
    """The changes (their seqs) that cached the builds of some specs, or all, for the first time."""
    chosen = "" if hashes is None else (
        " AND s.build_id IN"
        " (SELECT o.build_id FROM json_each(?) j JOIN spec o ON o.hash = j.value)"
    )  # fmt: skip
    rows = db.execute(
        "SELECT min(c.seq) FROM change c JOIN spec s ON s.id = c.spec_id"
        f" WHERE c.kind = {int(ChangeKind.SPEC_CACHED)}{chosen} GROUP BY s.build_id",
        () if hashes is None else (json.dumps(sorted(set(hashes))),),
    )
    return {seq for (seq,) in rows}


def is_first_of_build(db: sqlite3.Connection) -> Callable[[Change], bool]:
    """Whether a change cached its build for the first time; found out once, and again for newer changes."""
    known: set[int] = set()
    upto = 0

    def is_first(change: Change) -> bool:
        nonlocal known, upto
        if change.seq > upto:
            (upto,) = db.execute("SELECT max(seq) FROM change").fetchone()
            known = first_of_builds(db)
        return change.seq in known

    return is_first
