"""One source in the daemon: a thread that owns it, told by the watcher, the schedule and commands.

Whatever asks for a pass puts a request into its queue; what waits there is done together. A source
that hangs keeps nobody waiting but those who ask for this very source.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait as wait_for
from queue import Empty, SimpleQueue

from ..diff import Guard
from ..errors import CachesyncError, LedgerError
from ..ledger import connect
from ..model import SourceState
from ..sync import passes
from ..sync.catalog import Job
from ..system.garbage import give_back
from ..system.trouble import Trouble
from ..watch.debounce import Debouncer
from ..watch.events import Degraded, Dirty, Overflowed, Polling, RootBack, RootLost, Watching
from . import parts, rejections
from .backoff import rest_seconds, retry_delay
from .passlog import Teller
from .requests import Due, Full, Now, Request, Stop, Stopped, WorkerState, refuse
from .rhythm import Rhythm
from .writer_thread import WriterThread

__all__ = ["Worker"]

_log = logging.getLogger("cachesync")

UNWELL = (SourceState.HELD, SourceState.FAILED)
MANY_PAGES = 500
"""Changed pages, in one pass or several, after which the memory they took is given back."""


class Worker:
    """Passes over one source whenever somebody asks."""

    def __init__(
        self,
        name: str,
        open_job: Callable[[], Job],
        thread: WriterThread,
        *,
        guard: Guard,
        dirty: Debouncer,
        quiet_seconds: float,
        interval: float | None,
        rhythm: Rhythm,
        on_change: Callable[[], object],
        after: Worker | None = None,
    ) -> None:
        """`dirty` gathers events; `after` passed over this source before, and may not have ended yet."""
        self.name = name
        self._after = after
        self.state = WorkerState()
        self.progress_at = 0.0
        """When the pass under way last came forward, by `time.monotonic`."""
        self._open_job = open_job
        self._thread = thread
        self._guard = guard
        self._interval = interval
        self._rhythm = rhythm
        self._quiet_seconds = quiet_seconds
        self._on_change = on_change
        self._writer = thread.writer(self._check)
        self._inbox: SimpleQueue[Request] = SimpleQueue()
        self._dirty = dirty
        self._stopping = threading.Event()
        self._since: int | None = None
        """The change since which the guard counts what is gone."""
        self._rested_at: float | None = None
        """When a whole pass is due if nothing more happens: a part cannot make a source well."""
        self._full_seconds = 0.0
        self._changed_pages = 0
        self._teller = Teller(name)
        self.trouble = Trouble(
            name, f"{name}: what its passes find is recorded again", on_change=on_change
        )
        self._root: tuple[int, int] | None = None
        self._runner = threading.Thread(target=self._run, name=f"source {name}", daemon=True)

    @property
    def waiting(self) -> int:
        """Requests that were not taken yet, and one more for all that happened and has to come to rest."""
        return self._inbox.qsize() + self.state.is_dirty

    def start(self) -> None:
        """Begin to work off requests."""
        self._runner.start()

    def ask(self, request: Request) -> None:
        """Put a request into the queue; any thread may."""
        self._inbox.put(request)

    def is_alive(self) -> bool:
        """Whether requests are worked off."""
        return self._runner.is_alive()

    def stop(self) -> None:
        """Abandon what is under way, soon; `join` waits for it."""
        self._stopping.set()
        self._inbox.put(Stop())

    def join(self, timeout_seconds: float) -> bool:
        """Whether the worker ended in time."""
        self._runner.join(timeout_seconds)
        return not self._runner.is_alive()

    # -- the thread

    def _run(self) -> None:
        after, self._after = self._after, None
        while after is not None and not after.join(1.0):  # one pass at a time over a source
            if self._stopping.is_set():
                break
        del after
        while not self._stopping.is_set():
            requests = self._wait()
            asked = [request for request in requests if isinstance(request, Full)]
            try:
                due = [self._take(request) for request in requests]
                is_scheduled = any(isinstance(request, Due) for request in requests)
                self._work(asked, is_due=any(due), is_scheduled=is_scheduled)
            except Stopped:
                refuse(asked, CachesyncError("the daemon ends, or the source left its config"))
            except CachesyncError as error:
                refuse(asked, error)
                # Sooner than a source that does not deliver: what is wrong is wrong here.
                wait = self.trouble.failed(error.message, time.monotonic(), remedy=error.hint)
                self._set(failures=self.state.failures + 1, retry_at=time.monotonic() + wait)
            except Exception as error:
                # A mistake of this program, over this source: it is tried again like a failure.
                if not self._stopping.is_set():
                    _log.exception("%s: a pass failed", self.name)
                    self._failed(None)
                refuse(asked, CachesyncError(f"the pass failed: {type(error).__name__}"))
            self._note_dirt()
            self._teller.say_due(time.monotonic())
            if self._changed_pages >= MANY_PAGES:
                self._changed_pages = 0
                self._thread.call(lambda writer: writer.rest())
                give_back()
        self._teller.say_rest(time.monotonic())
        left = [request for request in self._drain() if isinstance(request, Full)]
        refuse(left, CachesyncError("the daemon ends, or the source left its config"))

    def _wait(self) -> list[Request]:
        due = self._dirty.next_due()
        wanted = (due, self.state.retry_at, self._rested_at, self._teller.due_at)
        times = [moment for moment in wanted if moment is not None]
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        try:
            first = self._inbox.get(timeout=timeout)
        except Empty:
            return []
        return [first, *self._drain()]

    def _drain(self) -> list[Request]:
        found: list[Request] = []
        while True:
            try:
                found.append(self._inbox.get_nowait())
            except Empty:
                return found

    def _note_dirt(self) -> None:
        is_dirty = self._dirty.next_due() is not None
        if is_dirty != self.state.is_dirty:
            self._set(is_dirty=is_dirty)

    def _take(self, request: Request) -> bool:
        """Take note of a request; returns whether a whole pass is due for it."""
        now = time.monotonic()
        if isinstance(request, Dirty):
            self._dirty.add(request.prefix, now)
            self._note_dirt()
            self._rest(now)
        elif isinstance(request, Overflowed):
            self._set(overflows=self.state.overflows + 1, is_overflowed=True)
            _log.warning("%s: the kernel dropped events; everything is looked at again", self.name)
            self._writer.overflow(self._open_job().row)
        elif isinstance(request, Degraded):
            self._set(watch=request.reason)
            _log.warning("%s: %s", self.name, request.reason)
        elif isinstance(request, RootLost):
            self._set(watch=request.reason)
            _log.warning("%s: %s", self.name, request.reason)
            return True
        elif isinstance(request, Watching):
            self._set(watch=None)
            noun = "directory" if request.directories == 1 else "directories"
            _log.info("%s: watching %d %s", self.name, request.directories, noun)
        elif isinstance(request, Polling):
            self._set(watch=None)
            _log.info("%s: polled: %s", self.name, request.reason)
        elif isinstance(request, RootBack):
            self._set(watch=None)
            _log.info("%s: the directory is back", self.name)
        elif isinstance(request, Due):
            return self.state.retry_at is None
        return isinstance(request, Now)

    def _work(self, asked: list[Full], *, is_due: bool, is_scheduled: bool) -> None:
        now = time.monotonic()
        dirty = self._dirty.due(now)
        retry_at = self.state.retry_at
        if retry_at is not None and now >= retry_at:
            is_due = is_scheduled = True
        is_at_rest = self._rested_at is not None and now >= self._rested_at
        if asked or is_due or "" in dirty or is_at_rest:
            self._full(asked, is_routine=is_due or bool(asked), is_scheduled=is_scheduled)
        elif dirty:
            tags = {prefix.split("/", 1)[0] for prefix in dirty}
            if all(map(_is_text, tags)):
                self._part(tags)
            else:  # only a whole pass has a place for what cannot be named
                self._full(asked, is_routine=False)

    def _full(self, asked: list[Full], *, is_routine: bool, is_scheduled: bool = False) -> None:
        """A whole pass. Routine ones begin the count of what the guard lets go anew.

        Not where it holds something: what it saw going bit by bit must not go an hour later.
        """
        started, seq = time.monotonic(), self._thread.call(lambda writer: writer.seq)
        counts = self._rhythm.begin(is_asked=bool(asked), is_scheduled=is_scheduled)
        job = self._open_job()
        if self._since is None or (is_routine and job.row.state is not SourceState.HELD):
            self._since = seq
        allow = any(full.allow_mass_removal for full in asked)
        result = self._pass(
            "reading everything",
            lambda: passes.run_pass(
                self._writer, job.source, job.row, selection=job.selection,
                guard=self._guard, allow_mass_removal=allow, since=self._since,
                progress=self._progress, counts=counts,
            ),
        )  # fmt: skip
        self._rhythm.end(is_news=result.changed > 0)
        self._rested_at = None
        self._full_seconds = time.monotonic() - started
        self._root = parts.identity(job.source)
        if result.state is SourceState.FAILED:
            self._failed(result.retry_after)
        else:
            self._set(failures=0, retry_at=None, is_overflowed=False)
        if allow and result.state is SourceState.OK:
            self._since = self._thread.call(lambda writer: writer.seq)
        self._teller.state(result, is_whole=True)
        self._answer(asked, result)

    def _answer(self, asked: list[Full], result: passes.PassResult) -> None:
        """Tell who asked; what is recorded and cannot be searched for is no success to them."""
        behind = self._thread.caught_up() if asked else None
        if behind is not None:
            hint = f"what {self.name} has is recorded; the search index follows by itself"
            refuse(asked, LedgerError(behind, hint=hint))
        for full in asked:
            if not full.reply.done():
                full.reply.set_result(result)

    def _part(self, tags: set[str]) -> None:
        job = self._open_job()
        source = parts.part(job.source, tags, self._root)
        if source is None or self._root is None:
            self._full([], is_routine=False)
            return
        result = self._pass(
            f"reading {', '.join(sorted(tags)[:3])}",
            lambda: passes.run_part(
                self._writer, source, job.row, selection=job.selection,
                guard=self._guard, since=self._since,
            ),
        )  # fmt: skip
        if result.state is SourceState.FAILED:
            self._full([], is_routine=False)
            return
        self._teller.state(result, is_whole=False)
        if result.state is SourceState.HELD or job.row.state in UNWELL:
            # What of this is still so, only a whole pass can say.
            self._rest(time.monotonic(), begins=True)

    def _rest(self, now: float, *, begins: bool = False) -> None:
        """Something happened: a whole pass that waits for rest waits anew, or `begins` to wait."""
        if begins or self._rested_at is not None:
            self._rested_at = now + rest_seconds(
                quiet=self._quiet_seconds, pass_seconds=self._full_seconds
            )

    def _pass(self, doing: str, work: Callable[[], passes.PassResult]) -> passes.PassResult:
        started = self.progress_at = time.monotonic()
        self._set(doing=doing, since=started)
        before = self._thread.call(lambda writer: writer.seq)
        try:
            with connect.ledger_errors(self._thread.state_dir):
                result = work()
                is_news = self._thread.call(lambda writer: writer.seq) != before
            if is_news:
                self._set(doing="indexing", since=time.monotonic())
                wait_for([self._thread.catch_up()])  # if that fails, it is no fault of the source
        finally:
            seconds = time.monotonic() - started
            self._set(doing="idle", since=time.monotonic(), seconds=seconds,
                      passes=self.state.passes + 1)  # fmt: skip
        self.trouble.works()
        self._changed_pages += result.changed
        self._teller.counts(
            result, changed=is_news and bool(result.changed or result.removed),
            seconds=seconds, now=time.monotonic(),
        )  # fmt: skip
        rejections.tell(self._thread, self.name, since=before)
        return result

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    def _progress(self, _name: str, _done: int, _total: int) -> None:
        self._check()
        self.progress_at = time.monotonic()

    def _failed(self, asked_for: float | None) -> None:
        failures = self.state.failures + 1
        delay = retry_delay(
            failures,
            interval=self._interval,
            asked_for=asked_for,
            chance=random.random(),  # noqa: S311 - spreads attempts
        )
        self._set(failures=failures, retry_at=time.monotonic() + delay)

    def _set(self, **fields: object) -> None:
        self.state = self.state._replace(**fields)  # type: ignore[arg-type]
        self._on_change()


def _is_text(name: str) -> bool:
    """Whether a name of a file is UTF-8; one that is not has surrogates for its bytes."""
    return name.isascii() or os.fsencode(name).decode("utf-8", "replace") == name
