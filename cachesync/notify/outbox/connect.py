"""Opening the outbox, and its transactions. Knows files and SQLite's modes, not what is inside."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from ...errors import OutboxError
from ...ledger import room
from ...ledger.atomic import transaction
from . import schema

__all__ = ["FILE", "Connection", "Run", "exists", "open_outbox", "outbox_errors", "transaction"]

_Result = TypeVar("_Result")
Connection = sqlite3.Connection
FILE = "outbox.sqlite"
BUSY_SECONDS = 10.0


class Run(Protocol):
    """Works on an outbox."""

    def __call__(self, work: Callable[[Connection], _Result], /) -> _Result:
        """What `work` returns, done in a transaction; it is durable then. Raises OutboxError."""


def exists(state_dir: Path) -> bool:
    """Whether there is an outbox. Raises OutboxError where this user may not look."""
    try:
        os.lstat(state_dir / FILE)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: NUL in the path
        return False
    except OSError as error:
        raise OutboxError(
            f"cannot read the state directory {state_dir}: {error.strerror}",
            hint="choose another with --state-dir, or run as the user who owns it",
        ) from error
    return True


def open_outbox(state_dir: Path, *, any_thread: bool = False) -> Connection:
    """The outbox, made where it is missing. Raises OutboxError.

    Nobody else can read it at any time: the file is there, with its mode, before SQLite opens it,
    and SQLite gives its companions (`-wal`, `-shm`) the mode of the database.
    """
    path = state_dir / FILE
    with outbox_errors(state_dir):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
        db = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=not any_thread
        )
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            schema.make(db)
        except BaseException:
            db.close()
            raise
        return db


@contextmanager
def outbox_errors(state_dir: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into one OutboxError that names the remedy."""
    path = state_dir / FILE
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "malformed" in text or "not a database" in text:
            raise OutboxError(
                f"the outbox {path} is damaged: {text}",
                hint=f"move {FILE}* away: subscriptions then start from now, and `cachesync"
                " subscriptions test NAME --dry-run` shows what they may have missed",
            ) from error
        if (short := room.shortage(error, state_dir)) is not None:
            raise _too_short(short) from error
        raise OutboxError(f"the outbox {path} cannot be used: {text}") from error
    except PermissionError as error:
        raise OutboxError(
            f"the outbox {path} is for its owner only",
            hint="run this as the user of the daemon; `cachesync status` shows the counts",
        ) from error
    except BrokenPipeError:  # of standard output: none of the outbox's
        raise
    except OSError as error:
        if (short := room.shortage(error, state_dir)) is not None:
            raise _too_short(short) from error
        raise OutboxError(f"the outbox {path} cannot be used: {error.strerror or error}") from error


def _too_short(short: room.Shortage) -> OutboxError:
    return OutboxError(
        short.message, hint=f"{short.remedy}: what was recorded is intact, the rest follows"
    )
