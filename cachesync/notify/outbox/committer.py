"""The outbox in a thread of its own, for many that work on it.

What they hand over together is committed together, so that fifty deliveries wait for one flush of
the disk and not for fifty.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ...errors import OutboxError
from .connect import FILE, Connection, open_outbox, outbox_errors, transaction

__all__ = ["Committer"]

_Result = TypeVar("_Result")
MOST_TOGETHER = 256
_log = logging.getLogger("cachesync")

_Job = tuple[Callable[[Connection], Any], "Future[Any]"]


class Committer:
    """Owns the connection; any thread may `run` something."""

    def __init__(self, state_dir: Path) -> None:
        """Raises OutboxError."""
        self._state_dir = state_dir
        self._db = open_outbox(state_dir, any_thread=True)
        self._file = _identity(state_dir)
        self._is_lost = False
        self._inbox: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._is_closed = False
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._loop, name="outbox", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Connection], _Result], /) -> _Result:
        """What `work` returns; it is durable then. Raises what it raises, and OutboxError."""
        future: Future[_Result] = Future()
        with self._closing:
            if self._is_closed:
                raise OutboxError("the outbox is closed")
            self._inbox.put((work, future))
        return future.result()

    def is_alive(self) -> bool:
        """Whether work is done."""
        return self._thread.is_alive()

    def is_lost(self) -> bool:
        """Whether its file was removed or replaced: nothing is done any more, open another."""
        return self._is_lost

    def silent_seconds(self, now: float) -> float:
        """For how long it has been busy with one transaction (`time.monotonic`)."""
        since = self._busy_since
        return 0.0 if since is None else now - since

    def close(self) -> None:
        """Finish what was handed over, and close the outbox."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            self._inbox.put(None)
        self._thread.join()
        self._db.close()

    def _loop(self) -> None:
        is_last = False
        while not is_last:
            jobs: list[_Job] = []
            job = self._inbox.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == MOST_TOGETHER:
                    break
                try:
                    job = self._inbox.get_nowait()
                except Empty:  # whoever waits is served with these
                    break
            is_last = job is None
            self._busy_since = time.monotonic()
            if jobs:
                self._together(jobs)
            self._busy_since = None

    def _together(self, jobs: list[_Job]) -> None:
        """One transaction. Work that fails is undone alone; where that cannot be, all of it fails."""
        done: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            self._require_file()
            with outbox_errors(self._state_dir), transaction(self._db) as db:
                for work, future in jobs:
                    done.append((future, *self._one(db, work)))
        except Exception as error:
            for _, future in jobs:
                future.set_exception(error)
            return
        for future, result, failure in done:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _require_file(self) -> None:
        """What is written into a file that has no name any more is lost without a word."""
        self._is_lost = self._is_lost or _identity(self._state_dir) != self._file
        if self._is_lost:
            raise OutboxError(
                f"the outbox {self._state_dir / FILE} was removed or replaced while it was in use",
                hint="what it held is not sent; subscriptions start from now",
            )

    def _one(
        self, db: Connection, work: Callable[[Connection], Any]
    ) -> tuple[Any, BaseException | None]:
        db.execute("SAVEPOINT work")
        try:
            with outbox_errors(self._state_dir):
                result = work(db)
        except Exception as error:
            if not db.in_transaction:  # SQLite gave everything up: the disk is full
                raise
            db.execute("ROLLBACK TO work")
            db.execute("RELEASE work")
            return None, error
        db.execute("RELEASE work")
        return result, None


def _identity(state_dir: Path) -> tuple[int, int] | None:
    """What tells the file from another one; None where there is none."""
    try:
        status = os.stat(state_dir / FILE)
    except OSError:
        return None
    return status.st_dev, status.st_ino
