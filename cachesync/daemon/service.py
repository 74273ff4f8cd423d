"""The composition root: opens everything, connects it, waits for signals, and takes it down."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from ..config import reload
from ..config.settings import Config
from ..errors import ConfigError, UsageError
from ..ledger import connect
from ..reports.facts import Health
from ..reports.health import line
from . import control, runtime
from .backoff import said_seconds
from .commands import Commands
from .delivery import Deliveries
from .metrics import Metrics
from .requests import Now
from .sources import Sources
from .systemd import Notifier, watchdog_seconds
from .view import View
from .waking import SIGNAL, Bell
from .writer_thread import WriterThread

__all__ = ["PACE", "Pace", "Service", "serve"]

STOP_SENDING_SECONDS = 4.0
TICK_SECONDS = 1.0
CLOCK_STEP_SECONDS = 10.0
"""A difference that no drift explains: somebody set the clock, or the machine slept."""
METRICS_RETRY_SECONDS = 60.0
STATUS_LENGTH = 300
"""Characters of the unit's status text that say how well the site is."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_log = logging.getLogger("cachesync")


class Pace(NamedTuple):
    """How patient the daemon is with its parts, and how often it says how it is."""

    stuck_seconds: float = 60.0
    """A thread that shows no sign of life for so long is taken for stuck."""
    look_seconds: float = 10.0
    """Between looks at everything, for what nobody tells of and `View.has_news` does not see."""
    rest_seconds: float = 1.0
    """At most between two times that it is published how all is; the first after a rest is at once."""


PACE = Pace()


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
        pace: Pace = PACE,
    ) -> None:
        """Opens the ledger. Raises LedgerError, and ConfigError when the config is wrong."""
        self.state_dir = state_dir
        self._load = load
        self._notifier = Notifier(environment)
        self._watchdog = watchdog_seconds(environment)
        self._pace = pace
        self._changed = Bell()
        self._asked: SimpleQueue[Future[str | None]] = SimpleQueue()
        self.config = load()
        self.thread = WriterThread(state_dir, clock=clock, on_change=self._changed.ring)
        self.sources = Sources(self.config, pages, self.thread, on_change=self._touch)
        self._offset = _offset()
        self._holds = connect.file_identity(state_dir)
        self._control: control.Server | None = None
        self._metrics: Metrics | None = None
        self._metrics_due: float | None = None
        self.deliveries = Deliveries(
            state_dir, self.config, self.thread, clock=clock, passing=self.sources.passing,
            on_change=self._changed.ring,
        )  # fmt: skip
        self.view = View(
            state_dir, self.thread, self.sources, self.deliveries, stuck=self._stuck,
            configured=lambda: len(self.config.sources),
        )  # fmt: skip
        self._published_at, self._said_seconds = 0.0, pace.rest_seconds
        self._commands = Commands(
            state_dir, self.thread, self.sources, self.deliveries,
            config=lambda: self.config, reload=self._reload_asked, on_change=self._changed.ring,
        )  # fmt: skip

    # -- up and down

    def start(self) -> None:
        """Begin to watch, to fetch and to answer."""
        self.thread.catch_up()  # with what a killed daemon did not index
        self.deliveries.start()  # before anything new is committed
        self._control = control.Server(self.state_dir, self._commands.handle)
        self._open_metrics()
        self.sources.start()
        self._publish()

    def _touch(self) -> None:
        self._changed.ring()
        self.deliveries.wake()

    def _open_metrics(self) -> None:
        """Serve metrics where the config says. Without them the daemon does its work all the same."""
        wanted, self._metrics_due = self.config.metrics, None
        if wanted is None:
            self.view.metrics_error = None
            return
        try:
            self._metrics = Metrics(wanted.host, wanted.port, self.view.numbers, self.health)
        except UsageError as error:
            if error.message != self.view.metrics_error:
                _log.error("%s%s", error.message, f" ({error.hint})" if error.hint else "")
            self.view.metrics_error = error.message
            self._metrics_due = time.monotonic() + METRICS_RETRY_SECONDS
        else:
            self.view.metrics_error = None
        self._changed.ring()

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
        self._changed.listen()
        self._notifier.tell("READY=1")
        _log.info("ready, sources: %s", ", ".join(self.sources) or "none")
        while True:
            received = signal.sigtimedwait((*SIGNALS, SIGNAL), self._pause(interval))
            # CPython returns what was never written when a stop outlasted the time (SIGSTOP, EINTR).
            if received is not None and received.si_signo in SIGNALS:
                if received.si_signo != signal.SIGHUP:
                    _log.info("%s: ending", signal.Signals(received.si_signo).name)
                    return 0
                self._reload()
            while not self._asked.empty():
                self._asked.get().set_result(self._read_again())
            if not self._look_around():
                return 1
            if self._stuck() is None:
                self._notifier.tell("WATCHDOG=1")
            if self.view.has_news():
                self._changed.ring()
            rested = time.monotonic() - self._published_at
            if rested >= self._pace.look_seconds or (
                self._changed.has_rung and rested >= self._said_seconds
            ):
                self._changed.clear()
                began = time.monotonic()
                self._publish()
                self._published_at = time.monotonic()
                self._said_seconds = said_seconds(
                    took=self._published_at - began, most=self._pace.rest_seconds
                )

    def _pause(self, interval: float) -> float:
        """Seconds until there is something to do, if nobody rings."""
        if not self._changed.has_rung:
            return interval
        return min(interval, max(0.0, self._published_at + self._said_seconds - time.monotonic()))

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
            self._changed.ring()
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
        now, patience = time.monotonic(), self._pace.stuck_seconds
        if self.thread.silent_seconds(now) > patience:
            return "the writer"
        if self.deliveries.silent_seconds(now) > patience:
            return "notifications"
        return self.sources.stuck(now)

    def _reload(self) -> None:
        """Take a new config over, if it is good, and pass over everything."""
        self._read_again()
        for name in self.sources:
            self.sources[name].worker.ask(Now())

    def _reload_asked(self) -> Mapping[str, Any]:
        """The same without the passes, for a command: in the main thread, while this one waits for it.

        Returns what is wrong with the config, which then goes on as it was, and who is subscribed now.
        """
        reply: Future[str | None] = Future()
        self._asked.put(reply)
        self._changed.ring()
        problem = reply.result()
        names = [subscription.name for subscription in self.config.subscriptions]
        return {"problem": problem, "subscriptions": names}

    def _read_again(self) -> str | None:
        """Take a new config over; returns why it is refused."""
        self._notifier.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            config = self._load()
        except ConfigError as error:
            _log.error("the new config is refused, the old one goes on: %s", error.message)
            for problem in error.problems:
                _log.error("%s", problem)
            self.view.config_error = "; ".join(error.problems) or error.message
        else:
            self._take_over(config)
        self._changed.ring()
        self._notifier.tell("READY=1")
        return self.view.config_error

    def _take_over(self, config: Config) -> None:
        refused = reload.refusal(config, before=len(self.config.sources))
        if refused is not None:
            _log.error("the new config is refused, the old one goes on: %s", refused)
            self.view.config_error = refused
            return
        self.view.config_error = None
        before, self.config = self.config, config
        self.deliveries.reload(config)  # first: it hears of what a new source brings
        self.sources.take_over(config)
        if before.metrics != config.metrics or self.view.metrics_error is not None:
            self._close_metrics()
            self._open_metrics()
        _log.info("the config was read again, sources: %s", ", ".join(self.sources) or "none")

    # -- what others see and ask

    def health(self) -> dict[str, Any]:
        """What `/healthz` says."""
        return self.view.healthz()

    def _publish(self) -> None:
        document = self.view.document()
        with contextlib.suppress(OSError):  # a full disk must not end the daemon
            runtime.publish(self.state_dir, document)
        found = self.view.judged(document)
        self.view.tell(found)
        busy = [n for n, s in document["sources"].items() if s["doing"] != "idle"]
        status = f"{line(found, longest=STATUS_LENGTH)}; {len(self.sources)} sources"
        if busy:
            status += f"; busy with {', '.join(busy)}"
        self._notifier.tell(f"STATUS={status}")


def _offset() -> float:
    """How far the clock on the wall is from the one that nobody sets, in seconds."""
    return time.time() - time.monotonic()


def serve(
    state_dir: Path, load: Callable[[], Config], *, pages: Sequence[str] = (), pace: Pace = PACE,
    retold: Callable[[Health], Health] = lambda found: found,
) -> int:  # fmt: skip
    """Run the daemon until it is told to end; returns the exit status.

    `retold` makes of remedies what whoever reads them at `/healthz` can follow.

    Raises ConfigError, LedgerBusyError naming the holder, LedgerError.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, SIGNAL))
    signal.signal(
        signal.SIGHUP, signal.SIG_DFL
    )  # the unit starts it ignored: that is for nobody else
    with connect.writer_lock(state_dir), connect.ledger_errors(state_dir):
        service = Service(state_dir, load, pages=pages, pace=pace)
        service.view.retold = retold
        try:
            service.start()
            return service.loop()
        finally:
            service.stop()
