"""Whether files in the state directory can be locked, as SQLite and the writer's lock need it.

NFS without its lock daemon, Lustre mounted without `-o flock`, and some FUSE file systems refuse.
SQLite calls ENOLCK a ledger that somebody else has locked, and all else an I/O error. A lock is
never tried on the ledger itself: closing it would drop all that this process holds on it (fcntl(2)).
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import LedgerError

__all__ = ["LOCK_FILE", "probe", "refused", "refused_bytes", "refused_to_sqlite"]

LOCK_FILE = "writer.lock"
PROBE_FILE = "locks.probe"
_OF_LOCKS = ("RDLOCK", "LOCK", "UNLOCK", "CHECKRESERVEDLOCK", "SHMLOCK")
_IS_REFUSED = tuple(f"SQLITE_IOERR_{what}" for what in _OF_LOCKS)


def refused(error: OSError, state_dir: Path) -> LedgerError:
    """The error for a state directory whose files cannot be locked."""
    return _refused(error.strerror or str(error), state_dir)


def refused_bytes(state_dir: Path) -> LedgerError | None:
    """The same, where the writer's file cannot be locked as SQLite locks; None where it can, or is not there."""
    found = _try_bytes(state_dir / LOCK_FILE)
    return None if found is None else refused(found, state_dir)


def refused_to_sqlite(error: sqlite3.Error, state_dir: Path) -> LedgerError | None:
    """The same, where that is why SQLite failed; None where it is not."""
    name = getattr(error, "sqlite_errorname", "") or ""
    is_refused = name in _IS_REFUSED
    if not is_refused and not name.startswith("SQLITE_BUSY"):
        return None
    found = refused_bytes(state_dir)
    if found is not None:
        return found
    return _refused(os.strerror(errno.EIO), state_dir) if is_refused else None


def probe(state_dir: Path) -> LedgerError | None:
    """Try a lock of either kind on a file of its own; None where both hold, or none can be made."""
    path = state_dir / PROBE_FILE
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except OSError:  # not ours to write: that is another finding
        found = _try_bytes(state_dir / LOCK_FILE)
    else:
        found = _try_whole(path) or _try_bytes(path)
        with suppress(OSError):  # an empty file is left, which is no finding
            path.unlink(missing_ok=True)
    return None if found is None else refused(found, state_dir)


def _refused(reason: str, state_dir: Path) -> LedgerError:
    from ..system.filesystem import kind_of  # ctypes, which only this needs

    kind = kind_of(os.fspath(state_dir))
    where = f" ({kind})" if kind else ""
    return LedgerError(
        f"the file system that holds {state_dir}{where} cannot lock files: {reason}",
        hint="choose a state directory on a local disk with --state-dir, or mount this one with locks"
        " (NFS: rpc.statd; Lustre: -o flock)",
    )


def _try_whole(path: Path) -> OSError | None:
    """Why `flock` refuses to lock a file; None where it locks, or somebody else has."""
    import fcntl

    return _try(path, lambda lock: fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB))


def _try_bytes(path: Path) -> OSError | None:
    """The same of the locks of `fcntl`, which SQLite takes. None too for what cannot be opened."""
    import fcntl

    return _try(path, lambda lock: fcntl.lockf(lock, fcntl.LOCK_SH | fcntl.LOCK_NB, 1))


def _try(path: Path, take: Callable[[int], object]) -> OSError | None:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        take(lock)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES: somebody else has it
        return None
    except OSError as error:
        return error
    finally:
        os.close(lock)
    return None
