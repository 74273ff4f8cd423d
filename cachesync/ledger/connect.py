"""Opening the ledger: as the one writer, or as one of many readers.

Knows files, locks and SQLite's modes; knows nothing of what the tables mean.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CachesyncError, LedgerBusyError, LedgerError, LedgerMissingError
from . import locks, schema

if TYPE_CHECKING:
    from . import room

Connection = sqlite3.Connection

__all__ = [
    "BUSY_SECONDS",
    "INDEX_DIRECTORY",
    "LEDGER_FILE",
    "MOST_INTEGER",
    "Connection",
    "damage",
    "ledger_errors",
    "open_reader",
    "open_writer",
    "writer_lock",
]

MOST_INTEGER = 2**63 - 1
"""SQLite holds no larger one."""
LEDGER_FILE = "ledger.sqlite"
INDEX_DIRECTORY = "index"
LOCK_FILE = locks.LOCK_FILE
BUSY_SECONDS = 10.0
WAL_PAGES = 16_384
"""Pages of 4 KiB the WAL holds before they are copied: a first import rewrites the same ones often."""
LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")
NO_TEXT = "it holds text that is none"
PASSING = ("SQLITE_READONLY", "SQLITE_CANTOPEN", *LOCKED)
"""What a reader without write permission may meet while a writer opens or closes."""


@contextmanager
def writer_lock(state_dir: Path) -> Iterator[None]:
    """Hold the state directory for writing; it is made when it is missing.

    Raises LedgerBusyError, naming the holder's pid, when another process holds it, LedgerError where
    it cannot be locked or written. The lock goes with the process, however it ends.
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
        except OSError as error:
            raise locks.refused(error, state_dir) from error
        if (unlike := locks.refused_bytes(state_dir)) is not None:
            raise unlike  # SQLite would take it for a lock of somebody's, and wait
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
        db = sqlite3.connect(
            state_dir / LEDGER_FILE,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            factory=_WriterConnection,
        )
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


class _WriterConnection(sqlite3.Connection):
    """Leaves the WAL and its shared memory where they are when it is closed.

    SQLite removes both with the last connection, and whoever may not write then finds nothing to read
    through just when the next writer comes. A connection that cannot write removes nothing.
    """

    def close(self) -> None:
        with contextlib.ExitStack() as last, contextlib.suppress(sqlite3.Error):
            (path,) = (
                file for _, name, file in self.execute("PRAGMA database_list") if name == "main"
            )
            keeper = sqlite3.connect(f"file:{_quoted(Path(path))}?mode=ro", uri=True)
            last.callback(keeper.close)
            keeper.execute("SELECT 1 FROM sqlite_master").fetchone()
            self.execute("PRAGMA busy_timeout = 0")  # nobody is waited for who still reads
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            super().close()
        super().close()


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def open_reader(state_dir: Path, *, patience_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """The ledger for reading only. Raises LedgerMissingError when nothing was ever synced.

    One that another process has locked is tried for so long; then LedgerBusyError is raised.
    """
    path = state_dir / LEDGER_FILE
    try:
        os.lstat(path)  # a link that leads nowhere is no empty state directory
    except (FileNotFoundError, NotADirectoryError):
        raise nothing_synced(state_dir) from None
    except OSError as error:
        raise LedgerError(
            f"cannot read the state directory {state_dir}: {error.strerror}",
            hint="choose another with --state-dir, or run as the user who owns it",
        ) from error
    except ValueError:  # NUL in the path
        raise nothing_synced(state_dir) from None
    with ledger_errors(state_dir):
        db = _connect_reader(path, patience_seconds)
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (application,) = db.execute("PRAGMA application_id").fetchone()
        schema.check_version(version, application)
        if version == 0:
            raise nothing_synced(state_dir)
        if version < schema.VERSION:
            raise LedgerError(
                f"the ledger has schema {version}, this cachesync reads {schema.VERSION}",
                hint="the newer one migrates it when it writes: restart the daemon where one runs, else"
                " run `cachesync sync` once as its owner",
            )
        return db


def _connect_reader(path: Path, patience_seconds: float) -> sqlite3.Connection:
    """A read-only connection, also where this user may not create the WAL's shared memory."""
    quoted = _quoted(path)
    until = time.monotonic() + patience_seconds
    while True:
        db = sqlite3.connect(f"file:{quoted}?mode=ro", uri=True, timeout=0, isolation_level=None)
        try:
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
            db.execute(f"PRAGMA busy_timeout = {patience_seconds * 1000:.0f}")
        except sqlite3.OperationalError as error:
            db.close()
            if not error.sqlite_errorname.startswith(LOCKED) and not _has_wal(path):
                # Cleanly closed, in a directory this user cannot write: there is nothing to miss.
                return sqlite3.connect(f"file:{quoted}?immutable=1", uri=True, isolation_level=None)
            if not error.sqlite_errorname.startswith(PASSING) or time.monotonic() > until:
                raise
            if locks.refused_to_sqlite(error, path.parent):  # nobody has it: waiting ends nothing
                raise
            time.sleep(0.02)
        else:
            return db


def _has_wal(path: Path) -> bool:
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except FileNotFoundError:  # nobody has it open
        return False


@contextmanager
def ledger_errors(state_dir: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into one LedgerError that names the remedy.

    So is whatever a damaged ledger leads to: SQLite hands out what lies on a page that is not as it
    was written, as long as it has the form of a row, and any value in any column. Of a sound one it
    is a mistake of ours.
    """
    try:
        yield
    except (CachesyncError, BrokenPipeError, MemoryError, ImportError):
        raise  # a pipe is standard output; a lack of memory, or of a library, is not the ledger's
    except sqlite3.Error as error:
        raise _of_sqlite(error, state_dir) from error
    except OSError as error:
        from . import room

        if (short := room.shortage(error, state_dir)) is not None:
            raise _too_short(short) from error
        raise LedgerError(
            f"the state directory {state_dir} cannot be used: {room.named(error, state_dir)}"
        ) from error
    except Exception as error:
        if isinstance(error, UnicodeDecodeError):  # SQLite's messages are decoded, too
            raise _damaged(state_dir, NO_TEXT) from error
        if (damaged := damage(state_dir)) is None:
            raise
        raise damaged from error


def _of_sqlite(error: sqlite3.Error, state_dir: Path) -> LedgerError:
    text = str(error)
    if "Could not decode" in text:  # its message has the bytes
        return _damaged(state_dir, NO_TEXT)
    if (refused := locks.refused_to_sqlite(error, state_dir)) is not None:
        return refused
    from . import room

    if (short := room.shortage(error, state_dir)) is not None:
        return _too_short(short)
    if _is_damage(error):
        return _damaged(state_dir, text)
    if getattr(error, "sqlite_errorname", "").startswith(LOCKED):
        return LedgerBusyError(
            f"the ledger in {state_dir} is locked by another process",
            hint="wait for it to end, and keep other programs off the ledger",
        )
    return LedgerError(f"the ledger in {state_dir} cannot be used: {text}")


def _is_damage(error: sqlite3.Error) -> bool:
    return "malformed" in str(error) or "not a database" in str(error)


def _damaged(state_dir: Path, what: str) -> LedgerError:
    return LedgerError(
        f"the ledger in {state_dir} is damaged: {what}",
        hint="restore a `cachesync backup` of it, or move it away and sync again",
    )


def damage(state_dir: Path) -> LedgerError | None:
    """The error for a ledger that is damaged; None where it is sound, or not there."""
    from .sound import fault

    path = state_dir / LEDGER_FILE
    if not path.exists():
        return None
    try:
        with closing(_connect_reader(path, BUSY_SECONDS)) as db:
            found = fault(db)
    except sqlite3.Error as error:
        found = str(error) if _is_damage(error) else None
    return None if found is None else _damaged(state_dir, found)


def nothing_synced(state_dir: Path, *, tried: bool = False) -> LedgerMissingError:
    """The error for a state directory that holds nothing yet; `tried` when a source was asked."""
    return LedgerMissingError(
        f"nothing was ever synced into {state_dir}",
        hint="cachesync status" if tried
        else "cachesync sync --pages DIR, or name the state directory with --state-dir",
    )  # fmt: skip


def _too_short(short: room.Shortage) -> LedgerError:
    return LedgerError(
        short.message,
        hint=f"{short.remedy} and sync again: what was recorded is intact, the rest follows",
    )
