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
from pathlib import Path
from typing import Any

from ..config.secrets import credential_problems
from ..config.settings import Config
from ..errors import ConfigError, UsageError
from ..ledger import connect, log
from ..model import SourceState
from ..sync import catalog, passes
from . import control, runtime
from .delivery import Deliveries
from .metrics import Metrics, health_of
from .requests import Full, Now
from .sources import Sources
from .systemd import Notifier, watchdog_seconds
from .writer_thread import WriterThread

__all__ = ["Service", "serve"]

STUCK_SECONDS = 60.0
"""A thread that shows no sign of life for so long is taken for stuck."""
STOP_SENDING_SECONDS = 4.0
TICK_SECONDS = 1.0
CLOCK_STEP_SECONDS = 10.0
"""A difference that no drift explains: somebody set the clock, or the machine slept."""
METRICS_RETRY_SECONDS = 60.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_log = logging.getLogger("cachesync")


def clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


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
        self.sources = Sources(self.config, pages, self.thread, on_change=self._touch)
        self._offset = _offset()
        self._holds = connect.file_identity(state_dir)
        self._control: control.Server | None = None
        self._metrics: Metrics | None = None
        self._metrics_due: float | None = None
        self._metrics_error: str | None = None
        self._changed = threading.Event()
        self.deliveries = Deliveries(
            state_dir, self.config, self.thread, clock=clock, passing=self.sources.passing
        )
        self.since = time.time()

    # -- up and down

    def start(self) -> None:
        """Begin to watch, to fetch and to answer."""
        self.thread.catch_up()  # with what a killed daemon did not index
        self.deliveries.start()  # before anything new is committed
        self._control = control.Server(self.state_dir, self._handle)
        self._open_metrics()
        self.sources.start()
        self._publish()

    def _touch(self) -> None:
        self._changed.set()
        self.deliveries.wake()

    def _open_metrics(self) -> None:
        """Serve metrics where the config says. Without them the daemon does its work all the same."""
        wanted, self._metrics_due = self.config.metrics, None
        if wanted is None:
            return
        try:
            self._metrics = Metrics(wanted.host, wanted.port, self.numbers, self.health)
        except UsageError as error:
            if error.message != self._metrics_error:
                _log.error("%s%s", error.message, f" ({error.hint})" if error.hint else "")
            self._metrics_error = error.message
            self._metrics_due = time.monotonic() + METRICS_RETRY_SECONDS
        else:
            self._metrics_error = None

    def _close_metrics(self) -> None:
        metrics, self._metrics = self._metrics, None
        if metrics is not None:
            metrics.close()

    def stop(self) -> None:
        """End everything, soon; what is under way is abandoned at the next chunk."""
        self._notifier.tell("STOPPING=1", "STATUS=stopping")
        self.sources.stop()
        self.deliveries.stop(STOP_SENDING_SECONDS)
        if self._control is not None:
            self._control.close()
        self._close_metrics()
        runtime.forget(self.state_dir)
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
            if not self._look_around():
                return 1
            if self._stuck() is None:
                self._notifier.tell("WATCHDOG=1")
            if self._changed.is_set():
                self._changed.clear()
                self._publish()

    def _look_around(self) -> bool:
        """Whether all is as it has to be; mends what can be mended."""
        dead = self.dead()
        if dead is not None:
            _log.critical("%s does not run any more; ending so that it is started anew", dead)
            return False
        if connect.file_identity(self.state_dir) != self._holds:
            _log.critical("%s was removed or replaced; ending", self.state_dir)
            return False
        offset = _offset()
        if abs(offset - self._offset) > CLOCK_STEP_SECONDS:
            _log.warning("the clock was set by %+.0f s; what is due is worked out anew",
                         offset - self._offset)  # fmt: skip
            self.sources.plan_anew()
        self._offset = offset
        self.thread.mend(time.monotonic())
        if self._metrics_due is not None and time.monotonic() >= self._metrics_due:
            self._open_metrics()
        return True

    def dead(self) -> str | None:
        """The part that has ended although it should not."""
        if self._control is None or not self._control.is_alive():
            return "the control socket"
        return self.deliveries.dead() or self.sources.dead()

    def _stuck(self) -> str | None:
        """The part that shows no sign of life."""
        now = time.monotonic()
        if self.thread.silent_seconds(now) > STUCK_SECONDS:
            return "the writer"
        if self.deliveries.silent_seconds(now) > STUCK_SECONDS:
            return "notifications"
        return self.sources.stuck(now)

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
        for name in self.sources:
            self.sources[name].worker.ask(Now())
        self._notifier.tell("READY=1")

    def _take_over(self, config: Config) -> None:
        if self.config.sources and not config.sources:
            # An editor that empties the file before it writes it, sooner than a wish.
            _log.error("the new config has no source and is refused; the old one goes on")
            return
        before, self.config = self.config, config
        self.sources.take_over(config)
        self.deliveries.reload(config)
        if before.metrics != config.metrics:
            self._close_metrics()
            self._open_metrics()
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
            "sources": dict(self.sources.documents(now)),
        }

    def health(self) -> dict[str, Any]:
        """What `/healthz` says: whether anything is stuck, and what is in trouble."""
        now = time.monotonic()
        stuck = self._stuck() or self.sources.stuck_pass(now)
        sources = self.sources.documents(now)
        failing = [name for name, said in sources.items() if said["failures"]]
        degraded = {name: said["degraded"] for name, said in sources.items() if said["degraded"]}
        return {
            "healthy": stuck is None,
            "stuck": stuck,
            "detail": {
                "failing": failing,
                "degraded": degraded,
                "notifications": health_of(self.deliveries.document()),
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
        lag = totals["seq"] - self.thread.indexed
        return {**totals, **document, "index_lag": lag}

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
            "credentials": lambda _asked: {"problems": credential_problems(self.config)},
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
            allow = asked.get("allow_mass_removal") is True
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
        asked_for = str(asked.get("name"))
        name = self.sources.named(asked_for) or asked_for
        if any(source.name == name for source in self.config.sources):
            raise UsageError(f"{name} is in the config of the daemon", hint="remove it there first")
        if name in self.sources:
            self.sources.close(name)
        result = self.thread.call(lambda writer: catalog.forget(writer, name))
        self.thread.catch_up().result()
        self._changed.set()
        return result


def _offset() -> float:
    """How far the clock on the wall is from the one that nobody sets, in seconds."""
    return time.time() - time.monotonic()


def serve(state_dir: Path, load: Callable[[], Config], *, pages: Sequence[str] = ()) -> int:
    """Run the daemon until it is told to end; returns the exit status.

    Raises ConfigError, LedgerBusyError naming the holder, LedgerError.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    signal.signal(
        signal.SIGHUP, signal.SIG_DFL
    )  # the unit starts it ignored: that is for nobody else
    with connect.writer_lock(state_dir), connect.ledger_errors(state_dir):
        service = Service(state_dir, load, pages=pages)
        try:
            service.start()
            return service.loop()
        finally:
            service.stop()
