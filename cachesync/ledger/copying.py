"""A copy of the ledger, proved whole; and whether a ledger is."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from ..errors import CachesyncError
from . import room, sound

__all__ = ["check", "copy"]


def copy(db: sqlite3.Connection, file: Path) -> None:
    """Write one moment of the ledger to a new file, durably and whole; writers need not stop.

    Raises CachesyncError when the file cannot be made, sqlite3.Error when the ledger cannot be read,
    or is damaged: then there is no copy.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        _copy(db, partial)
        os.link(partial, file)
    except (OSError, sqlite3.Error) as error:
        if (short := room.shortage(error, file)) is not None:
            elsewhere = f"{short.remedy}, or name a file elsewhere"
            raise CachesyncError(short.message, hint=elsewhere) from error
        if isinstance(error, sqlite3.Error):
            raise
        raise CachesyncError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # what led here is told
            partial.unlink(missing_ok=True)


def _copy(db: sqlite3.Connection, path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    target = sqlite3.connect(path)
    try:
        db.backup(target)  # in one step: a step at a time would start again at every write
        target.execute("PRAGMA journal_mode = DELETE")
        check(target)
    finally:
        target.close()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check(db: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError where a ledger is damaged; some seconds for a GiB."""
    if (found := sound.fault(db)) is not None:
        raise sqlite3.DatabaseError(f"malformed: {found}")
