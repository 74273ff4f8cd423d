"""Whether an outbox can be used, for those who only look: nothing is made, written or recovered."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ...errors import OutboxError
from . import report, schema
from .connect import FILE, exists, outbox_errors

__all__ = ["fault"]

_MAGIC = b"SQLite format 3\0"
"""https://sqlite.org/fileformat.html, 1.3."""


def fault(state_dir: Path, *, every_page: bool = False) -> OutboxError | None:
    """What keeps the outbox from being used; None where nothing does, or this user may not look.

    `every_page` reads all of it, which takes a second for some hundred MiB. While another process
    works on it, nothing is found: a database that is opened so is not read as of one moment, and
    whoever works on it finds out.
    """
    path = state_dir / FILE
    try:
        if not exists(state_dir) or not os.access(path, os.R_OK):
            return None
        with outbox_errors(state_dir):
            if _begins_as_one(path) and not _is_in_use(path):
                with closing(_opened(path)) as db:
                    _read(db, every_page=every_page)
    except OutboxError as error:
        return None if _is_in_use(path) else error
    return None


def _begins_as_one(path: Path) -> bool:
    """Whether it is one, also while it is in use; an empty file will be. Raises DatabaseError, OSError."""
    with path.open("rb") as file:
        beginning = file.read(len(_MAGIC))
    if beginning not in (b"", _MAGIC):
        raise sqlite3.DatabaseError("file is not a database")
    return beginning == _MAGIC


def _read(db: sqlite3.Connection, *, every_page: bool) -> None:
    if schema.is_made(db):
        report.summary(db)
    if every_page:
        (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise sqlite3.DatabaseError(f"malformed: {said}")


def _opened(path: Path) -> sqlite3.Connection:
    # `immutable`: no lock, and no companion that would belong to whoever looks (sqlite.org/uri.html).
    return sqlite3.connect(f"file:{quote(os.fspath(path))}?mode=ro&immutable=1", uri=True)


def _is_in_use(path: Path) -> bool:
    """Whether a process has it open, or was killed while it had: then its log holds what is missing."""
    wal = path.with_name(f"{path.name}-wal")
    try:
        return wal.stat().st_size > 0
    except OSError:
        return False
