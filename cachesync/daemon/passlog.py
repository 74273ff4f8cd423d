"""What the log says of passes: at most one line a minute for each source. Time is passed in.

A pass that changed something is told at once when the minute before it was silent, so that who
publishes a page sees it arrive. What follows within the minute is added up and told when it is over.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from ..model import SourceState
from ..sync.passes import PassResult

__all__ = [
    "LINE_SECONDS",
    "SILENT",
    "PassLog",
    "Teller",
    "add",
    "due_at",
    "flush",
    "is_news",
    "line",
]

LINE_SECONDS = 60.0
_log = logging.getLogger("cachesync")


class PassLog(NamedTuple):
    """When something was said last, and what was not said since. Times by `time.monotonic`."""

    said_at: float | None = None
    passes: int = 0
    changed: int = 0
    removed: int = 0
    rejected: int = 0
    """After the last of these passes."""
    seconds: float = 0.0


SILENT = PassLog()


def line(result: PassResult, seconds: float) -> str:
    """All of one pass."""
    return (
        f"{result.listed} listed, {result.changed} changed, {result.removed} removed,"
        f" {result.rejected} rejected, {result.skipped} skipped in {seconds:.2f} s"
    )


def add(
    log: PassLog, result: PassResult, *, seconds: float, now: float
) -> tuple[PassLog, str | None]:
    """The log after a pass that changed something, and the line that is to be said now, if any."""
    due = due_at(log)
    if due is None and (log.said_at is None or now >= log.said_at + LINE_SECONDS):
        return PassLog(said_at=now), line(result, seconds)
    after = log._replace(
        passes=log.passes + 1,
        changed=log.changed + result.changed,
        removed=log.removed + result.removed,
        rejected=result.rejected,
        seconds=log.seconds + seconds,
    )
    return flush(after, now) if due is not None and now >= due else (after, None)


def due_at(log: PassLog) -> float | None:
    """When what was not said is to be said; None where there is nothing."""
    if not log.passes:
        return None
    return (log.said_at or 0.0) + LINE_SECONDS


def flush(log: PassLog, now: float) -> tuple[PassLog, str | None]:
    """Say what was not said, whether it is due or not: the source is closed, for example."""
    if not log.passes:
        return log, None
    passes = "1 pass" if log.passes == 1 else f"{log.passes} passes"
    said = (
        f"{passes} more: {log.changed} changed, {log.removed} removed,"
        f" {log.rejected} rejected now, in {log.seconds:.2f} s"
    )
    return PassLog(said_at=now), said


def is_news(before: PassResult | None, result: PassResult) -> bool:
    """Whether the state of a source is another one than `before`, None where it is not known.

    What is held is told again with each new share; a source that fails may do so for a reason with
    a number in it that is another one each time.
    """
    if before is None:
        return result.state is not SourceState.OK
    if result.state is not before.state:
        return True
    return result.state is SourceState.HELD and result.error != before.error


class Teller:
    """Logs what the passes over one source came to. For one thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pass_log = SILENT
        self._seen: PassResult | None = None

    @property
    def due_at(self) -> float | None:
        """When `say_due` has something to say, by the clock it is given."""
        return due_at(self._pass_log)

    def counts(self, result: PassResult, *, changed: bool, seconds: float, now: float) -> None:
        """A pass ended; without changes it is for those who look for faults."""
        if not changed:
            _log.debug("%s: %s", self._name, line(result, seconds))
            return
        self._pass_log, said = add(self._pass_log, result, seconds=seconds, now=now)
        self._say(said)

    def state(self, result: PassResult, *, is_whole: bool) -> None:
        """Say that the source's state is another one now, once for each time it flips.

        That a part of it could be read makes no source well, and the ledger does not say so.
        """
        if result.remark is not None:
            _log.warning("%s: %s", self._name, result.remark)
        if not is_whole and (
            result.state is not SourceState.HELD
            or (self._seen is not None and self._seen.state is SourceState.HELD)
        ):
            return
        if is_news(self._seen, result):
            if result.state is SourceState.OK:
                _log.info("%s: it is well again", self._name)
            else:
                _log.warning("%s: %s: %s", self._name, result.state.value, result.error)
        self._seen = result

    def say_due(self, now: float) -> None:
        """Say what is due."""
        if self.due_at is not None and now >= self.due_at:
            self.say_rest(now)

    def say_rest(self, now: float) -> None:
        """Say what was not said, due or not."""
        self._pass_log, said = flush(self._pass_log, now)
        self._say(said)

    def _say(self, said: str | None) -> None:
        if said is not None:
            _log.info("%s: %s", self._name, said)
