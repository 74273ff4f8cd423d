"""The outbox in a thread of its own, for many that work on it.

What they hand over together is committed together, so that fifty deliveries wait for one flush of
the disk and not for fifty.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ...errors import OutboxError
from .connect import Connection, open_outbox, outbox_errors, transaction

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
                except Empty:
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
