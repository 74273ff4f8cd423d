"""Notifications in the daemon: a thread that matches what is committed, and those that send.

They share nothing with what reads sources but the ledger: neither waits for the other. Where the
outbox cannot be used the rest of the daemon goes on, and log, `status` and health say so.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .. import net
from ..config.settings import Config
from ..errors import CachesyncError, UsageError
from ..ledger import connect
from ..model import ChangeKind
from ..notify import requests
from ..notify.dispatch import Dispatcher
from ..notify.follower import Follower
from ..notify.once import announce
from ..notify.outbox import queue, report
from ..notify.outbox.committer import Committer
from ..notify.outbox.connect import exists
from ..notify.trial import send_test
from ..notify.ways import ways
from ..system.published import DELIVERIES, publish
from ..system.trouble import Trouble
from .backoff import said_seconds
from .writer_thread import WriterThread

__all__ = ["Deliveries"]

POLL_SECONDS = 0.5
"""Between looks for changes when nobody says that there are some."""
PUBLISH_SECONDS = 1.0
"""At most between two times that it is published how they are."""
PURGE_SECONDS = 3_600.0
ABANDON_SECONDS = 3.0
ADOPT_SECONDS = 5.0
"""So long a reload waits for new subscriptions to begin, where there is much to match before."""
_log = logging.getLogger("cachesync")


class _Wanted(NamedTuple):
    """A config, and whether its subscriptions have begun (or cannot)."""

    config: Config
    adopted: threading.Event


class Deliveries:
    """The outbox while the daemon runs. Without subscriptions it does not exist."""

    def __init__(
        self,
        state_dir: Path,
        config: Config,
        thread: WriterThread,
        *,
        clock: Callable[[], int],
        passing: Callable[[], Collection[str]],
        on_change: Callable[[], object],
    ) -> None:
        """`passing` gives the sources over which a pass goes on; `on_change`: `document` is another."""
        self._state_dir = state_dir
        self._wanted = _Wanted(config, threading.Event())
        self._in_use: _Wanted | None = None
        self._writer = thread
        self._clock = clock
        self._passing = passing
        self._committer: Committer | None = None
        self._dispatcher: Dispatcher | None = None
        self._poster = contextlib.ExitStack()
        self._poster_in_use: net.Poster | None = None
        self._on_change = on_change
        self._trouble = Trouble(
            "nobody is notified for now", "notifications go on", on_change=on_change
        )
        self._summary: dict[str, Any] | None = None
        self._changed = threading.Event()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._alive_at = time.monotonic()
        self._seen_at, self._said_seconds = 0.0, PUBLISH_SECONDS
        self._thread = threading.Thread(target=self._loop, name="matcher", daemon=True)

    # -- up and down

    def start(self) -> None:
        """Begin: where subscriptions start from is decided before this returns."""
        self._thread.start()
        self._wanted.adopted.wait()

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    def reload(self, config: Config) -> None:
        """Take new subscriptions and new secrets over: what is committed after this is matched with them."""
        self._wanted = wanted = _Wanted(config, threading.Event())
        self._wake.set()
        if not wanted.adopted.wait(ADOPT_SECONDS):
            _log.warning("new subscriptions begin later: there is much to match with the old ones")

    def stop(self, seconds: float) -> None:
        """Abandon what is on its way, and close the outbox."""
        until = time.monotonic() + seconds
        self._stopping.set()
        self._wake.set()
        if self._dispatcher is not None and not self._dispatcher.stop(seconds / 2):
            _log.warning("abandoned in the middle of a delivery; it is sent again")
        if self._thread.ident is not None:
            self._thread.join(max(0.1, until - time.monotonic()))
        if self._committer is not None:
            self._committer.close()
        self._poster.close()

    def dead(self) -> str | None:
        """The part that has ended although it should not."""
        if not self._thread.is_alive():
            return "the matcher of subscriptions"
        if self._committer is not None and not self._committer.is_alive():
            return "the outbox"
        if self._dispatcher is not None and not self._dispatcher.is_alive():
            return "the sender of deliveries"
        return None

    def silent_seconds(self, now: float) -> float:
        """How long some part shows no sign of life (`time.monotonic`)."""
        silent = now - self._alive_at
        if self._committer is not None:
            silent = max(silent, self._committer.silent_seconds(now))
        if self._dispatcher is not None:
            silent = max(silent, self._dispatcher.silent_seconds(now))
        return silent

    # -- what others see and ask

    def document(self) -> dict[str, Any] | None:
        """States and counts, and what is wrong; None where nothing is subscribed."""
        dispatcher = self._dispatcher
        trouble = self._trouble
        if trouble.error is None and dispatcher is not None:
            trouble = dispatcher.trouble
        if trouble.error is None and self._summary is None:
            return None
        active = 0 if dispatcher is None else dispatcher.active
        results = {} if dispatcher is None else dict(dispatcher.results)
        return {
            **(self._summary or {}),
            "error": trouble.error,
            "remedy": trouble.remedy,
            "sending": active,
            "results": results,
        }

    def ask(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out a request about deliveries. Raises CachesyncError."""
        if asked.get("command") == "test":
            seq = self._writer.call(lambda writer: writer.seq)
            name = str(asked.get("name"))
            return {"sent": send_test(self._wanted.config, name, seq=seq, stop=self._stopping)}
        if self._committer is None:
            raise UsageError(self._trouble.error or "the daemon has no subscriptions")
        now = self._clock()
        answer = self._committer.run(lambda outbox: requests.carry_out(outbox, asked, now=now))
        self._changed.set()
        self._wake.set()
        if self._dispatcher is not None:
            self._dispatcher.wake()
        return answer

    # -- the matcher's thread

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
                wait = 0.0
            except CachesyncError as error:
                wait = self._trouble.failed(error.message, time.monotonic(), remedy=error.hint)
                self._say()
            self._wanted.adopted.set()
            self._alive_at = time.monotonic()
            self._stopping.wait(wait)

    def _follow(self) -> None:
        """Until the end, or until there is nothing to follow with."""
        with connect.ledger_errors(self._state_dir):
            ledger = connect.open_reader(self._state_dir)
            try:
                wanted = self._wanted
                while not wanted.config.subscriptions and not exists(self._state_dir):
                    wanted.adopted.set()
                    if self._pause():
                        return
                    wanted = self._wanted
                follower = self._begin(ledger, wanted)
                wanted.adopted.set()
                while not self._pause(self._until_said()):
                    self._step(follower)
                    if self._trouble.error is not None:
                        self._trouble.works()
                        self._changed.set()  # what was published still has the error
            finally:
                ledger.close()

    def _noted(self) -> None:
        """What is published is old now: a thread that sends says so, and the matcher may wait for one."""
        self._on_change()
        self._changed.set()
        if time.monotonic() - self._seen_at >= self._said_seconds:
            self._wake.set()

    def _until_said(self) -> float:
        """Seconds until there is something to do, if nobody wakes the matcher."""
        if not self._changed.is_set():
            return POLL_SECONDS
        due = self._seen_at + self._said_seconds
        return min(POLL_SECONDS, max(0.0, due - time.monotonic()))

    def _pause(self, seconds: float = POLL_SECONDS) -> bool:
        """Wait for something to do; whether it is the end."""
        self._alive_at = time.monotonic()
        self._wake.wait(seconds)
        self._wake.clear()
        return self._stopping.is_set()

    def _begin(self, ledger: connect.Connection, wanted: _Wanted) -> Follower:
        if self._committer is not None and self._committer.is_lost():
            self._abandon()
        if self._committer is None:
            self._committer = Committer(self._state_dir)
        follower = Follower(ledger, self._committer.run, self._state_dir)
        follower.begin(wanted.config, now=self._clock())
        if self._poster_in_use is None:
            self._poster_in_use = self._poster.enter_context(net.open_poster())
        use = ways(wanted.config, self._committer.run, self._poster_in_use)
        dispatcher = self._dispatcher
        if dispatcher is not None:
            dispatcher.use(use)
        else:
            dispatcher = Dispatcher(self._committer.run, clock=self._clock, on_change=self._noted)
            dispatcher.use(use)
            dispatcher.start()
            self._dispatcher = dispatcher  # not before it runs: `dead` looks at any moment
        self._in_use = wanted
        self._seen_at = 0.0
        self._purged_at = 0.0
        self._changed.set()
        return follower

    def _abandon(self) -> None:
        """Let go of an outbox that is not there any more. Nobody sees a part that has ended."""
        committer, dispatcher = self._committer, self._dispatcher
        self._committer = self._dispatcher = None
        if dispatcher is not None:
            dispatcher.stop(ABANDON_SECONDS)
        if committer is not None:
            committer.close()

    def _step(self, follower: Follower) -> None:
        assert self._committer is not None
        assert self._dispatcher is not None
        assert self._poster_in_use is not None
        now = self._clock()
        if (wanted := self._wanted) is not self._in_use:
            follower.adopt(wanted.config, now=now)
            self._in_use = wanted
            wanted.adopted.set()
            self._dispatcher.use(ways(wanted.config, self._committer.run, self._poster_in_use))
            self._changed.set()
        found = follower.catch_up(now=now)
        if follower.announce(self._announce):
            found += follower.catch_up(now=now)
        found += follower.close_windows(now=self._clock(), passing=self._passing())
        if found:
            self._changed.set()
            self._dispatcher.wake()
        moment = time.monotonic()
        if moment - self._purged_at > PURGE_SECONDS:
            self._purged_at = moment
            self._purge()
        if self._changed.is_set() and moment - self._seen_at >= self._said_seconds:
            self._seen_at = moment
            self._changed.clear()
            self._summary = self._committer.run(report.summary)
            self._say()
            took = time.monotonic() - moment
            self._said_seconds = said_seconds(took=took, most=PUBLISH_SECONDS)

    def _announce(self, kind: ChangeKind, row: queue.TargetRow) -> None:
        self._writer.call(lambda writer: announce(writer, kind, row))

    def _purge(self) -> None:
        assert self._committer is not None
        now = self._clock()
        gone = self._committer.run(lambda outbox: queue.purge(outbox, now=now))
        for what, count in gone.items():
            if count:
                _log.warning("%d %s deliveries are too old and were given up", count, what)

    def _say(self) -> None:
        with contextlib.suppress(OSError):  # a full disk must not end it
            publish(self._state_dir / DELIVERIES, self.document() or {})
        self._on_change()
