"""The one thread that writes. Others hand it work and wait; what they hand over is done in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from ..errors import CachesyncError
from ..index import catchup
from ..ledger import connect
from ..ledger.write import Writer
from ..system.trouble import Trouble

__all__ = ["WriterThread"]

_Result = TypeVar("_Result")
_log = logging.getLogger("cachesync")


class WriterThread:
    """Owns the ledger's writing connection. The caller holds the writer's lock."""

    def __init__(
        self, state_dir: Path, *, clock: Callable[[], int],
        on_change: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        """Opens the ledger. Raises LedgerError. `on_change`: `index_error` is another one."""
        self.state_dir = state_dir
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="writer")
        if connect.file_identity(state_dir) is None:
            _log.info("a new ledger is made in %s", state_dir)
        self._beat: Future[None] | None = None
        self._beat_at = self._alive_at = time.monotonic()
        self._catching_up: Future[str | None] | None = None
        self._index = Trouble(
            "the search index is not up to date, and tried again",
            "the search index is up to date again",
            on_change=on_change,
        )
        self._files: catchup.Files = ()
        self._is_indexing = False
        self.index_remedy: str | None = None
        """What helps where `index_error` says something, as far as the error knew."""
        self.indexed = 0
        """The last change the index is known to have."""
        try:
            self._db = self._pool.submit(connect.open_writer, state_dir, now=clock()).result()
            self._writer = self._pool.submit(Writer, self._db, clock=clock).result()
        except BaseException:
            self._pool.shutdown()
            raise

    def call(self, work: Callable[[Writer], _Result]) -> _Result:
        """What `work` returns, done in the writer's thread; raises what it raises."""
        return self._pool.submit(work, self._writer).result()

    def ask(self, work: Callable[[connect.Connection], _Result]) -> _Result:
        """As `call`, with the connection."""
        return self._pool.submit(work, self._db).result()

    def writer(self, stopped: Callable[[], None] = lambda: None) -> Writer:
        """Something to use as a Writer in any thread: every call is one `call`.

        Before each, in the writer's thread, `stopped` may raise: then nothing more is written.
        """
        return cast("Writer", _Remote(self, stopped))

    def catch_up(self) -> Future[str | None]:
        """Have the index catch up; calls before it begins share one."""
        waiting = self._catching_up
        if waiting is None or waiting.running() or waiting.done():
            waiting = self._catching_up = self._pool.submit(self._catch_up)
        return waiting

    def caught_up(self) -> str | None:
        """Have the index catch up; why it could not, None where it did.

        Also where nothing is new: it may have been lost, or can be written again.
        """
        wait_for([self.catch_up()])
        return self.index_error

    @property
    def index_error(self) -> str | None:
        """Why the index is not up to date; None where nothing keeps it from that."""
        return self._index.error

    def mend(self, now: float) -> None:
        """Have the index catch up where that failed and is due again (`time.monotonic`).

        Nobody else would: what it missed is committed, and no page has to change again. So it is
        where somebody else touched its files: what they damaged or removed is built anew.
        """
        waiting = self._catching_up
        if waiting is not None and not waiting.done():
            return
        is_touched = (
            self._index.error is None
            and catchup.files(self.state_dir) != self._files
            and not self._is_indexing
        )
        if is_touched:
            _log.warning("the files of the search index were touched; it is looked at")
        if is_touched or self._index.is_due(now):
            self.catch_up()

    def _catch_up(self) -> str | None:
        return self._indexed(lambda: catchup.catch_up(self._db, self.state_dir))

    def _indexed(self, work: Callable[[], _Result]) -> _Result:
        seq, started = self._writer.seq, time.monotonic()
        self._is_indexing = True
        try:
            result = work()
            self._files = catchup.files(self.state_dir)
        except Exception as error:
            now = time.monotonic()
            if not isinstance(error, CachesyncError) and self._index.error is None:
                _log.exception("indexing failed")
            said, self.index_remedy = (
                type(error).__name__,
                "see the log of the daemon; cachesync rebuild index",
            )
            if isinstance(error, CachesyncError):
                said, self.index_remedy = error.message, error.hint
            self._index.failed(said, now, took=now - started)
            raise
        finally:
            self._is_indexing = False
        self.indexed = seq
        self._index.works()
        return result

    def rebuild(self) -> None:
        """Build the index anew. Raises LedgerError."""
        work = partial(catchup.rebuild, self._db, self.state_dir)
        self._pool.submit(self._indexed, work).result()

    def silent_seconds(self, now: float) -> float:
        """How long nothing shows that the thread works off what it is given (`time.monotonic`)."""
        if self._beat is None or self._beat.done():
            if self._beat is not None:
                self._alive_at = self._beat_at
            self._beat_at = now
            self._beat = self._pool.submit(lambda: None)
        return now - self._alive_at

    def close(self) -> None:
        """Finish what is under way, refuse what waits, and close the ledger."""
        self._pool.submit(self._db.close)
        self._pool.shutdown(wait=True)


class _Remote:
    """The Writer's methods and properties, each done in its thread."""

    def __init__(self, thread: WriterThread, stopped: Callable[[], None]) -> None:
        self._thread = thread
        self._stopped = stopped

    def __getattr__(self, name: str) -> object:
        if isinstance(getattr(Writer, name), property):
            return self._call(lambda writer: getattr(writer, name))

        def method(*arguments: object, **options: object) -> object:
            return self._call(lambda writer: getattr(writer, name)(*arguments, **options))

        return method

    def _call(self, work: Callable[[Writer], object]) -> object:
        def unless_stopped(writer: Writer) -> object:
            self._stopped()
            return work(writer)

        return self._thread.call(unless_stopped)
