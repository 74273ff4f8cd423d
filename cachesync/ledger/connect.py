"""Opening the ledger: as the one writer, or as one of many readers.

Knows files, locks and SQLite's modes; knows nothing of what the tables mean.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import LedgerBusyError, LedgerError, LedgerMissingError
from . import schema

Connection = sqlite3.Connection

__all__ = [
    "INDEX_DIRECTORY",
    "LEDGER_FILE",
    "MOST_INTEGER",
    "Connection",
    "copy",
    "ledger_errors",
    "open_reader",
    "open_writer",
    "writer_lock",
]

MOST_INTEGER = 2**63 - 1
"""SQLite holds no larger one."""
LEDGER_FILE = "ledger.sqlite"
INDEX_DIRECTORY = "index"
LOCK_FILE = "writer.lock"
BUSY_SECONDS = 10.0
WAL_PAGES = 16_384
"""Pages of 4 KiB the WAL holds before they are copied: a first import rewrites the same ones often."""
FULL_BYTES = 1 << 20
"""Free space below which an I/O error means that the disk is full."""
PASSING = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_LOCKED")
"""What a reader without write permission may meet while a writer opens or closes."""


@contextmanager
def writer_lock(state_dir: Path) -> Iterator[None]:
    """Hold the state directory for writing; it is made when it is missing.

    Raises LedgerBusyError, naming the holder's pid, when another process holds it. The lock goes
    with the process, however it ends.
    """
    import fcntl

    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(state_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LedgerError(
            f"cannot write to the state directory {state_dir}: {error.strerror}",
            hint="choose another with --state-dir, or run as the user who owns it",
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise LedgerBusyError(
                f"another cachesync (pid {holder}) is writing to {state_dir}",
                hint="wait for it to end, or use another --state-dir",
            ) from None
        with ledger_errors(state_dir):
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def file_identity(state_dir: Path) -> tuple[int, int] | None:
    """What tells the ledger's file from any other; None where there is none."""
    try:
        status = os.stat(state_dir / LEDGER_FILE)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def open_writer(state_dir: Path, *, now: int) -> sqlite3.Connection:
    """The ledger for writing, made or migrated where needed. The caller holds `writer_lock`."""
    with ledger_errors(state_dir):
        db = sqlite3.connect(state_dir / LEDGER_FILE, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA cache_size = -32768")
            db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            db.execute("PRAGMA temp_store = MEMORY")
            schema.migrate(db, now=now)
        except BaseException:
            db.close()
            raise
        return db


def open_reader(state_dir: Path) -> sqlite3.Connection:
    """The ledger for reading only. Raises LedgerMissingError when nothing was ever synced."""
    path = state_dir / LEDGER_FILE
    if not os.path.lexists(path):  # a link that leads nowhere is no empty state directory
        raise nothing_synced(state_dir)
    with ledger_errors(state_dir):
        db = _connect_reader(path)
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (application,) = db.execute("PRAGMA application_id").fetchone()
        schema.check_version(version, application)
        if version == 0:
            raise nothing_synced(state_dir)
        if version < schema.VERSION:
            raise LedgerError(
                f"the ledger has schema {version}, this cachesync reads {schema.VERSION}",
                hint="run `cachesync sync` once as its owner: it migrates the ledger",
            )
        return db


def _connect_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, also where this user may not create the WAL's shared memory."""
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    until = time.monotonic() + BUSY_SECONDS
    while True:
        db = sqlite3.connect(
            f"file:{quoted}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            db.close()
            if not _has_wal(path):
                # Cleanly closed, in a directory this user cannot write: there is nothing to miss.
                return sqlite3.connect(f"file:{quoted}?immutable=1", uri=True, isolation_level=None)
            if not error.sqlite_errorname.startswith(PASSING) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return db


def _has_wal(path: Path) -> bool:
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def copy(db: Connection, path: Path) -> None:
    """Write one moment of the ledger to a new file, durably; writers need not stop."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    target = sqlite3.connect(path)
    try:
        db.backup(target)  # in one step: a step at a time would start again at every write
        target.execute("PRAGMA journal_mode = DELETE")
    finally:
        target.close()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def ledger_errors(state_dir: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into one LedgerError that names the remedy."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        # With hardly anything left SQLite cannot even extend its shared memory.
        if "disk is full" in text or ("disk I/O error" in text and _is_full(state_dir)):
            raise _disk_full(state_dir) from error
        if "malformed" in text or "not a database" in text:
            raise LedgerError(
                f"the ledger in {state_dir} is damaged: {text}",
                hint="restore a `cachesync backup` of it, or move it away and sync again",
            ) from error
        raise LedgerError(f"the ledger in {state_dir} cannot be used: {text}") from error
    except BrokenPipeError:  # of standard output: none of the ledger's
        raise
    except OSError as error:
        import errno

        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(state_dir) from error
        raise LedgerError(
            f"the state directory {state_dir} cannot be used: {error.strerror or error}"
        ) from error


def nothing_synced(state_dir: Path) -> LedgerMissingError:
    """The error for a state directory that holds nothing yet."""
    return LedgerMissingError(
        f"nothing was ever synced into {state_dir}",
        hint="cachesync sync --pages DIR, or name the state directory with --state-dir",
    )


def _is_full(state_dir: Path) -> bool:
    try:
        room = os.statvfs(state_dir)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < FULL_BYTES


def _disk_full(state_dir: Path) -> LedgerError:
    return LedgerError(
        f"no space left on the device that holds {state_dir}",
        hint="free some space and sync again: what was recorded is intact, the rest follows",
    )
