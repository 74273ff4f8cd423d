"""The composition root: opens everything, connects it, waits for signals, and takes it down."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from .. import catalog
from .. import sync as passes
from ..config import Config
from ..config.settings import DirectorySourceConfig, SourceConfig
from ..errors import ConfigError, UsageError
from ..ledger import connect, log, read
from ..ledger.read import SourceAge
from ..model import SourceState
from ..remote import Remotes
from . import control, runtime
from .delivery import Deliveries
from .metrics import Metrics
from .schedule import Schedule
from .systemd import Notifier, watchdog_seconds
from .worker import Due, Full, Worker
from .writer_thread import WriterThread

__all__ = ["Service", "serve"]

STUCK_SECONDS = 60.0
"""A thread that shows no sign of life for so long is taken for stuck."""
STOP_SECONDS = 8.0
STOP_SENDING_SECONDS = 4.0
TICK_SECONDS = 1.0
REMEMBERED_SECONDS = 3600
"""Between whole passes over a directory that no config mentions."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_log = logging.getLogger("cachesync")


def clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


class _Watched:
    """A worker, and the watcher of its directory if it has one."""

    def __init__(self, worker: Worker, watcher: Any | None, entry: SourceConfig) -> None:
        self.worker = worker
        self.watcher = watcher
        self.entry = entry

    def is_alive(self, now: float) -> bool:
        """Whether both do their work."""
        if self.watcher is None:
            return self.worker.is_alive()
        silent = now - self.watcher.alive_at
        return self.worker.is_alive() and self.watcher.is_alive() and silent < STUCK_SECONDS


class Service:
    """Everything that runs in the daemon. The caller holds the writer's lock."""

    def __init__(
        self,
        state_dir: Path,
        load: Callable[[], Config],
        *,
        pages: Sequence[str] = (),
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Opens the ledger. Raises LedgerError, and ConfigError when the config is wrong."""
        self.state_dir = state_dir
        self._load = load
        self._notifier = Notifier(environment)
        self._watchdog = watchdog_seconds(environment)
        self.config = load()
        self.thread = WriterThread(state_dir, clock=clock)
        self._pages = list(pages)
        self.sources: dict[str, _Watched] = {}
        self._schedule = Schedule()
        self._stop_fetching = threading.Event()
        self._remotes = Remotes(self.config.limits, stop=self._stop_fetching)
        self._control: control.Server | None = None
        self._metrics: Metrics | None = None
        self._changed = threading.Event()
        self.deliveries = Deliveries(
            state_dir, self.config, self.thread, clock=clock, passing=self._passing
        )
        self.since = time.time()

    # -- up and down

    def start(self) -> None:
        """Begin to watch, to fetch and to answer."""
        for name in catalog.orphan_missing(self.thread.writer, self.config):
            _log.warning(
                "%s is not in the config any more; it is kept until `cachesync forget %s`",
                name, name,
            )  # fmt: skip
        self.thread.catch_up()  # with what a killed daemon did not index
        self.deliveries.start()  # before anything new is committed
        self._schedule.start()
        self._control = control.Server(self.state_dir, self._handle)
        if (metrics := self.config.metrics) is not None:
            self._metrics = Metrics(metrics.host, metrics.port, self.numbers)
        for entry in self._entries(self.config):
            self._open(entry)
        self._publish()

    def _entries(self, config: Config) -> list[SourceConfig]:
        """The sources of the config, and the directories that were once named."""
        named = [*catalog.remembered(self.thread.writer), *self._pages]
        directories = [
            DirectorySourceConfig(name, name, interval_seconds=REMEMBERED_SECONDS)
            for name in dict.fromkeys(named)
            if name not in {source.name for source in config.sources}
        ]
        return [*config.sources, *directories]

    def _open(self, entry: SourceConfig) -> None:
        name = entry.name
        self._job(name)  # its row is there from now on
        worker = Worker(
            name, partial(self._job, name), self.thread, guard=self.config.guard,
            watch=self.config.watch, interval=entry.interval_seconds,
            on_change=self._touch,
        )  # fmt: skip
        watcher = None
        if isinstance(entry, DirectorySourceConfig):
            from ..watch.watcher import Watcher

            watcher = Watcher(entry.path, worker.ask, selection=entry.selection)
        self.sources[name] = _Watched(worker, watcher, entry)
        worker.start()
        due = partial(worker.ask, Due())
        age = next(a for a in self.thread.ask(read.source_ages) if a.name == name)
        if watcher is not None:
            # Watching begins first: what happens during the first pass is seen twice, not never.
            watcher.start()
        self._plan(entry, due, age)

    def _touch(self) -> None:
        self._changed.set()
        self.deliveries.wake()

    def _passing(self) -> list[str]:
        """The sources over which a pass goes on."""
        return [n for n, w in list(self.sources.items()) if w.worker.state.doing != "idle"]

    def _plan(self, entry: SourceConfig, due: Callable[[], object], age: SourceAge) -> None:
        """What is due is worked out from the ledger: a restart neither skips nor repeats a fetch."""
        cron = None if isinstance(entry, DirectorySourceConfig) else entry.cron
        if cron is not None:
            self._schedule.at(entry.name, cron, due, now=age.last_attempt is None)
            return
        seconds = float(entry.interval_seconds or REMEMBERED_SECONDS)
        waited = time.time() - (age.last_attempt or 0) / 1e6
        is_local = isinstance(entry, DirectorySourceConfig)
        first = 0.0 if is_local or age.state == "failed" else max(0.0, seconds - waited)
        self._schedule.every(entry.name, seconds, due, first_in=first)

    def _close(self, name: str) -> None:
        watched = self.sources.pop(name)
        self._schedule.remove(name)
        if watched.watcher is not None:
            watched.watcher.stop()
        watched.worker.stop()
        watched.worker.join(STOP_SECONDS)

    def _job(self, name: str) -> catalog.Job:
        config = self.config
        return self.thread.call(
            lambda writer: catalog.job(writer, config, name, self._remotes.open)
        )

    def stop(self) -> None:
        """End everything, soon; what is under way is abandoned at the next chunk."""
        self._notifier.tell("STOPPING=1", "STATUS=stopping")
        self._stop_fetching.set()  # ends every fetch within a second
        self._schedule.stop()
        for watched in self.sources.values():
            watched.worker.stop()
        for watched in self.sources.values():
            if watched.watcher is not None:
                watched.watcher.stop()
        self.deliveries.stop(STOP_SENDING_SECONDS)
        until = time.monotonic() + STOP_SECONDS
        for watched in self.sources.values():
            if not watched.worker.join(max(0.1, until - time.monotonic())):
                _log.warning("%s: abandoned in the middle of a fetch", watched.worker.name)
        if self._control is not None:
            self._control.close()
        if self._metrics is not None:
            self._metrics.close()
        runtime.forget(self.state_dir)
        self._remotes.close()
        self.thread.close()

    # -- while it runs

    def loop(self) -> int:
        """Wait for signals; returns the exit status. Signals are blocked in every thread."""
        interval = min(TICK_SECONDS, (self._watchdog or TICK_SECONDS * 3) / 3)
        self._notifier.tell("READY=1")
        _log.info("ready, sources: %s", ", ".join(self.sources) or "none")
        while True:
            received = signal.sigtimedwait(SIGNALS, interval)
            # CPython returns what was never written when a stop outlasted the time (SIGSTOP, EINTR).
            if received is not None and received.si_signo in SIGNALS:
                if received.si_signo != signal.SIGHUP:
                    _log.info("%s: ending", signal.Signals(received.si_signo).name)
                    return 0
                self._reload()
            dead = self.dead()
            if dead is not None:
                _log.critical("%s does not run any more; ending so that it is started anew", dead)
                return 1
            if self._stuck() is None:
                self._notifier.tell("WATCHDOG=1")
            if self._changed.is_set():
                self._changed.clear()
                self._publish()

    def dead(self) -> str | None:
        """The part that has ended although it should not."""
        if not self._schedule.is_alive():
            return "the schedule"
        if self._control is None or not self._control.is_alive():
            return "the control socket"
        if (part := self.deliveries.dead()) is not None:
            return part
        for name, watched in self.sources.items():
            if not watched.worker.is_alive():
                return f"the worker of {name}"
            if watched.watcher is not None and not watched.watcher.is_alive():
                return f"the watcher of {name} ({watched.watcher.failure!r})"
        return None

    def _stuck(self) -> str | None:
        """The part that shows no sign of life."""
        now = time.monotonic()
        if self.thread.silent_seconds(now) > STUCK_SECONDS:
            return "the writer"
        if self.deliveries.silent_seconds(now) > STUCK_SECONDS:
            return "notifications"
        for name, watched in self.sources.items():
            if not watched.is_alive(now):
                return name
        return None

    def _reload(self) -> None:
        """Take a new config over, if it is good, and pass over everything."""
        self._notifier.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            config = self._load()
        except ConfigError as error:
            _log.error("the new config is refused, the old one goes on: %s", error.message)
            for problem in error.problems:
                _log.error("%s", problem)
        else:
            self._take_over(config)
            self.deliveries.reload(config)
        for watched in self.sources.values():
            watched.worker.ask(Full(Future()))
        self._notifier.tell("READY=1")

    def _take_over(self, config: Config) -> None:
        before, after = self.config, {entry.name: entry for entry in self._entries(config)}
        shared = (before.guard, before.watch, before.limits)
        is_alike = shared == (config.guard, config.watch, config.limits)
        self.config = config
        for name, watched in list(self.sources.items()):
            if not is_alike or after.get(name) != watched.entry:
                self._close(name)
        if before.limits != config.limits:
            self._remotes.close()
            self._stop_fetching = threading.Event()
            self._remotes = Remotes(config.limits, stop=self._stop_fetching)
        catalog.orphan_missing(self.thread.writer, config)
        for name, entry in after.items():
            if name not in self.sources:
                self._open(entry)
        _log.info("the config was read again, sources: %s", ", ".join(self.sources) or "none")
        self._changed.set()

    # -- what others see and ask

    def document(self) -> dict[str, Any]:
        """What `status` shows of the daemon."""
        now = time.monotonic()
        return {
            "pid": os.getpid(),
            "started": runtime.started(os.getpid()),
            "since": int(self.since * 1e6),
            "stuck": self._stuck(),
            "deliveries": self.deliveries.document(),
            "sources": {
                name: {
                    "doing": watched.worker.state.doing,
                    "for_seconds": round(now - watched.worker.state.since, 1),
                    "failures": watched.worker.state.failures,
                    "next_run": self._next_run(name, watched),
                    "overflows": watched.worker.state.overflows,
                    "watch": None if watched.watcher is None else watched.watcher.mode.value,
                    "directories": 0 if watched.watcher is None else watched.watcher.directories,
                    "degraded": watched.worker.state.watch,
                    "seconds": round(watched.worker.state.seconds, 3),
                    "passes": watched.worker.state.passes,
                }
                for name, watched in self.sources.items()
            },
        }

    def numbers(self) -> dict[str, Any]:
        """What `metrics` shows: the document, and what the ledger counts."""
        db = connect.open_reader(self.state_dir)
        try:
            totals, statuses = log.totals(db), log.source_statuses(db)
        finally:
            db.close()
        document, now = self.document(), time.time()
        known = {status.name: status for status in statuses}
        for name, values in document["sources"].items():
            status = known.get(name)
            success = None if status is None else status.last_success
            values["pages"] = None if status is None else status.pages
            values["age_seconds"] = None if success is None else now - success / 1e6
            values["waiting"] = self.sources[name].worker.waiting
        lag = totals["seq"] - self.thread.indexed
        return {**totals, **document, "index_lag": lag}

    def _next_run(self, name: str, watched: _Watched) -> int | None:
        retry_at = watched.worker.state.retry_at
        return self._schedule.next_run(name) if retry_at is None else int(retry_at * 1e6)

    def _publish(self) -> None:
        document = self.document()
        with contextlib.suppress(OSError):  # a full disk must not end the daemon
            runtime.publish(self.state_dir, document)
        busy = [n for n, s in document["sources"].items() if s["doing"] != "idle"]
        degraded = [n for n, s in document["sources"].items() if s["degraded"] or s["failures"]]
        status = f"{len(self.sources)} sources"
        if busy:
            status += f"; busy with {', '.join(busy)}"
        if degraded:
            status += f"; trouble with {', '.join(degraded)}"
        self._notifier.tell(f"STATUS={status}")

    def _handle(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out a request of the control socket (`control`). Raises CachesyncError."""
        commands: dict[object, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "sync": self._sync,
            "rebuild": self._rebuild,
            "forget": self._forget,
            "retry": self.deliveries.ask,
            "replay": self.deliveries.ask,
            "test": self.deliveries.ask,
        }
        command = commands.get(asked.get("command"))
        if command is None:
            raise UsageError(f"the daemon does not know {asked.get('command')!r}")
        with connect.ledger_errors(self.state_dir):
            return command(asked)

    def _sync(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        names = [str(name) for name in asked.get("sources", [])]
        for name in names:
            if name not in self.sources:
                raise UsageError(
                    f"the daemon (pid {os.getpid()}) has no source {name}",
                    hint="sources: " + ", ".join(self.sources),
                )
        first = self.thread.call(lambda writer: writer.seq)
        replies: list[Future[passes.PassResult]] = []
        for name in names or self.sources:
            reply: Future[passes.PassResult] = Future()
            replies.append(reply)
            allow = bool(asked.get("allow_mass_removal"))
            self.sources[name].worker.ask(Full(reply, allow))
        results = [reply.result() for reply in replies]
        return {
            "sources": [passes.document(result) for result in results],
            "changes": self.thread.ask(lambda db: log.counts_since(db, first)),
            "seq": self.thread.call(lambda writer: writer.seq),
            "failed": any(result.state is not SourceState.OK for result in results),
        }

    def _rebuild(self, _asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self.thread.rebuild()
        return {}

    def _forget(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name = str(asked.get("name"))
        if any(source.name == name for source in self.config.sources):
            raise UsageError(f"{name} is in the config of the daemon", hint="remove it there first")
        if name in self.sources:
            self._close(name)
        result = catalog.forget(self.thread.writer, name)
        self.thread.catch_up().result()
        self._changed.set()
        return result


def serve(state_dir: Path, load: Callable[[], Config], *, pages: Sequence[str] = ()) -> int:
    """Run the daemon until it is told to end; returns the exit status.

    Raises ConfigError, LedgerBusyError naming the holder, LedgerError.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    with connect.writer_lock(state_dir), connect.ledger_errors(state_dir):
        service = Service(state_dir, load, pages=pages)
        try:
            service.start()
            return service.loop()
        finally:
            service.stop()
