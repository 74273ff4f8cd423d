"""Changes of the log by the ids of their specs. Functions of a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from ..model import ChangeKind

__all__ = ["of_specs_after", "spec_of"]


def spec_of(db: sqlite3.Connection, seq: int) -> int:
    """The id of the spec that a change is about, 0 of none."""
    row = db.execute("SELECT spec_id FROM change WHERE seq = ?", (seq,)).fetchone()
    return 0 if row is None else row[0] or 0


def of_specs_after(
    db: sqlite3.Connection, seq: int, kinds: Iterable[ChangeKind]
) -> Iterator[tuple[int, int, int]]:
    """Seq, kind and spec id of the changes of some kinds after a seq, oldest first."""
    wanted = ",".join(str(int(kind)) for kind in kinds)
    yield from db.execute(
        f"SELECT seq, kind, spec_id FROM change WHERE seq > ? AND kind IN ({wanted}) ORDER BY seq",
        (seq,),
    )
