"""One transaction of a database: all of it, or nothing. Knows nothing of what is inside."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["transaction"]


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction: all of it is committed afterwards, or nothing happened."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # else SQLite rolled back by itself
            db.execute("ROLLBACK")
        raise
