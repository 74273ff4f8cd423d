"""Notifying without a daemon: what a command that writes does when it is done.

`opened` is entered before the ledger is written, so that subscriptions start from there; `finish`
afterwards matches what came, closes all windows, and makes one attempt at everything that is due.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import net
from ..config.settings import Config
from ..ledger import connect as ledger_connect
from ..ledger.write import Writer
from ..model import ChangeKind
from ..system.published import DELIVERIES, publish
from .dispatch import Dispatcher
from .follower import Follower
from .outbox import queue, report
from .outbox.committer import Committer
from .outbox.connect import exists
from .ways import ways

__all__ = ["SEND_SECONDS", "Once", "clock", "opened"]

SEND_SECONDS = 60.0
"""For everything that is due; what is left is sent by the next pass, or by the daemon."""
STOP_SECONDS = 3.0
_log = logging.getLogger("cachesync")


def clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


class Once:
    """An outbox that is worked on by this process alone, and the ledger that it follows."""

    def __init__(
        self, state_dir: Path, config: Config, ledger: ledger_connect.Connection, writer: Writer
    ) -> None:
        """Raises OutboxError."""
        self._state_dir = state_dir
        self._config = config
        self._writer = writer
        self.committer = Committer(state_dir)
        self._follower = Follower(ledger, self.committer.run, state_dir)
        self._follower.begin(config, now=clock())

    def finish(self, seconds: float = SEND_SECONDS) -> None:
        """Match what came, and send what is due. Raises OutboxError."""
        self.match()
        self._send(seconds)
        if self._follower.announce(self._announce):
            self.match()
            self._send(seconds)
        self.committer.run(lambda outbox: queue.purge(outbox, now=clock()))
        with contextlib.suppress(OSError):  # only `status` reads it; the outbox has it
            publish(self._state_dir / DELIVERIES, self.committer.run(report.summary))

    def match(self) -> None:
        """Bring the outbox up to the ledger; nothing waits in a window any longer."""
        self._follower.catch_up(now=clock())
        self._follower.close_windows(now=clock(), all_=True)

    def _announce(self, kind: ChangeKind, row: queue.TargetRow) -> None:
        announce(self._writer, kind, row)

    def _send(self, seconds: float) -> None:
        with net.open_poster() as poster:
            dispatcher = Dispatcher(self.committer.run, clock=clock, on_change=lambda: None)
            dispatcher.use(ways(self._config, self.committer.run, poster))
            try:
                if not dispatcher.send_all(seconds):
                    _log.warning("not everything that is due was sent within %.0f s", seconds)
            finally:
                dispatcher.stop(STOP_SECONDS)


def announce(writer: Writer, kind: ChangeKind, row: queue.TargetRow) -> None:
    """Append to the change log that a target was given up, or came back."""
    reason = row.reason or "enabled"
    writer.target(kind, subscription=row.subscription, target=row.label, reason=reason)


@contextmanager
def opened(
    state_dir: Path, config: Config, ledger: ledger_connect.Connection, writer: Writer
) -> Iterator[Once | None]:
    """The outbox of a state directory; None where nothing is subscribed and nothing ever was.

    Raises OutboxError.
    """
    if not config.subscriptions and not exists(state_dir):
        yield None
        return
    once = Once(state_dir, config, ledger, writer)
    try:
        yield once
    finally:
        once.committer.close()
