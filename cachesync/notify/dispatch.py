"""Sending what is due: each target in a thread of its own for as long as it has something.

A target waits for nobody but itself. The number of threads is bounded, and targets that failed the
last time have no more than half of them: receivers that hang are given up after their time-out and
then tried ever more seldom, and until then those that answer have room.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..documents import timestamp
from ..errors import CachesyncError
from ..system.trouble import Trouble
from .outbox import queue
from .outbox.connect import Connection, Run
from .target import Delivery, Outcome, Result, Target

__all__ = ["MOST_THREADS", "Dispatcher", "Way"]

MOST_THREADS = 128
MOST_FAILING = MOST_THREADS // 2
LONGEST_WAIT_SECONDS = 60.0
"""A clock that is set must not keep the dispatcher waiting."""
_log = logging.getLogger("cachesync")


class Way(NamedTuple):
    """How to reach a target."""

    name: str
    """For the log: the subscription, and the target without secrets."""
    open: Callable[[], Target]
    """Raises CachesyncError where its secret is not to be had."""


class Dispatcher:
    """Sends what an outbox holds."""

    def __init__(
        self, run: Run, *, clock: Callable[[], int], on_change: Callable[[], object]
    ) -> None:
        self._run = run
        self._clock = clock
        self._on_change = on_change
        self._ways: Mapping[int, Way] = {}
        self._targets: dict[int, Target] = {}
        self._active: dict[int, bool] = {}
        self.results = dict.fromkeys((step.name.lower() for step in queue.Step), 0)
        """Attempts since the start, by what came of them."""
        self._looking = Trouble("nothing is sent for now", "sending goes on", on_change=on_change)
        self._recording = Trouble(
            "what was sent could not be recorded, and is sent again",
            "what is sent is recorded again",
            on_change=on_change,
        )
        """Guarded by the lock."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._alive_at = time.monotonic()
        self._threads: set[threading.Thread] = set()
        self._thread = threading.Thread(target=self._loop, name="deliveries", daemon=True)

    def use(self, ways: Mapping[int, Way]) -> None:
        """Send to these targets, opened anew, so that new secrets count."""
        with self._lock:
            self._ways = dict(ways)
            self._targets = {}
        self._wake.set()

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def is_alive(self) -> bool:
        """Whether it sends what becomes due."""
        return self._thread.is_alive()

    def silent_seconds(self, now: float) -> float:
        """How long it has not looked for work (`time.monotonic`)."""
        return now - self._alive_at

    @property
    def trouble(self) -> Trouble:
        """Why nothing is sent, or what was sent is not recorded, where its `error` says so."""
        return self._looking if self._looking.error is not None else self._recording

    @property
    def active(self) -> int:
        """Targets that are being sent to."""
        return len(self._active)

    def stop(self, seconds: float) -> bool:
        """Abandon what is on its way; whether all of it ended in time. It is sent again later."""
        self._stop.set()
        self._wake.set()
        until = time.monotonic() + seconds
        for thread in [self._thread, *list(self._threads)]:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def send_all(self, seconds: float) -> bool:
        """Send everything that is due now, without `start`; whether that was done in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._wake.clear()
            due, _ = self._begin()
            if not due and not self._active:
                return True
            self._wake.wait(min(0.1, max(0.0, until - time.monotonic())))
        return False

    # -- the thread that looks for work

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            self._alive_at = time.monotonic()
            try:
                _, wait = self._begin()
            except CachesyncError as error:
                wait = self._looking.failed(error.message, time.monotonic(), remedy=error.hint)
            else:
                self._looking.works()
            self._wake.wait(min(wait, LONGEST_WAIT_SECONDS / 6))

    def _begin(self) -> tuple[bool, float]:
        """Begin to send to the targets that are due.

        Returns whether there is any that could be sent to, and the seconds until the next is due.
        """
        now = self._clock()
        due, later = self._run(lambda outbox: queue.due_targets(outbox, now=now))
        wait = LONGEST_WAIT_SECONDS if later is None else max(0.0, (later - now) / 1e6)
        is_any = False
        with self._lock:
            paused = (self._recording.retry_at or 0.0) - time.monotonic()
            if due and paused > 0:  # whatever is sent now would be sent again
                return False, min(wait, paused)
            for target_id, is_failing in due:
                if target_id not in self._ways:
                    continue
                is_any = True
                if self._recording.error is not None and self._active:
                    continue  # one shows whether it can be recorded now
                if target_id in self._active or not self._has_room(is_failing=is_failing):
                    continue
                self._active[target_id] = is_failing
                thread = threading.Thread(
                    target=self._serve, args=(target_id,), name=f"target {target_id}", daemon=True
                )
                self._threads.add(thread)
                thread.start()
            if not is_any and not self._active:  # what could not be recorded is not there any more
                self._recording.works()
        return is_any, wait

    def _has_room(self, *, is_failing: bool) -> bool:
        if is_failing and sum(self._active.values()) >= MOST_FAILING:
            return False
        return len(self._active) < MOST_THREADS

    # -- one target

    def _serve(self, target_id: int) -> None:
        try:
            now = self._clock()
            due = self._run(lambda outbox: queue.next_due(outbox, target_id, now=now))
            while due is not None and not self._stop.is_set():
                way = self._ways.get(target_id)
                if way is None:
                    return
                result = self._send(way, due)
                if self._stop.is_set() and result.outcome is not Outcome.DELIVERED:
                    return  # abandoned, not failed
                due = self._record(way, due, result)
        except CachesyncError as error:
            if not self._stop.is_set():
                with self._lock:
                    self._recording.failed(error.message, time.monotonic(), remedy=error.hint)
        finally:
            with self._lock:
                self._active.pop(target_id, None)
                self._threads.discard(threading.current_thread())
            self._wake.set()

    def _send(self, way: Way, due: queue.Due) -> Result:
        started = time.monotonic()
        try:
            with self._lock:
                target = self._targets.get(due.target_id)
            if target is None:
                target = way.open()
                with self._lock:
                    self._targets[due.target_id] = target
        except CachesyncError as error:
            return Result(Outcome.FAILED, None, error.message, None, time.monotonic() - started)
        delivery = Delivery(due.message_id, due.type, due.body, int(self._clock() / 1e6))
        try:
            return target.send(delivery, stop=self._stop)
        except Exception as error:
            _log.exception("%s: an attempt ended in an error of cachesync", way.name)
            detail = f"an error of cachesync: {type(error).__name__}"
            return Result(Outcome.FAILED, None, detail, None, time.monotonic() - started)

    def _record(self, way: Way, sent: queue.Due, result: Result) -> queue.Due | None:
        """Record what came of an attempt; returns what is to be sent to the target next, if now."""
        now, chance = self._clock(), random.random()  # noqa: S311 - spreads attempts

        def work(outbox: Connection) -> tuple[queue.Recorded, queue.Due | None]:
            recorded = queue.record(outbox, sent, result, now=now, chance=chance)
            return recorded, queue.next_due(outbox, sent.target_id, now=now)

        recorded, following = self._run(work)
        with self._lock:
            self.results[recorded.step.name.lower()] += 1
            self._recording.works()
        _tell(way.name, sent, result, recorded)
        if recorded.step is not queue.Step.DELIVERED or recorded.was_failing:
            with self._lock:  # its secret may be another one by the next attempt
                self._targets.pop(sent.target_id, None)
        self._on_change()
        return following


def _tell(name: str, sent: queue.Due, result: Result, recorded: queue.Recorded) -> None:
    """Log what is news: not every message, and a failure when it begins and when it ends."""
    step = recorded.step
    if step is queue.Step.DELIVERED:
        _log.debug("%s: %s delivered", name, sent.message_id)
        if recorded.was_failing:
            _log.info("%s: it is well again", name)
    elif step is queue.Step.DISABLED:
        _log.error("%s: disabled: %s (`cachesync deliveries retry --target` enables it)", name,
                   result.detail)  # fmt: skip
    elif step is queue.Step.DEAD:
        _log.error("%s: %s is given up after %d attempts: %s", name, sent.message_id,
                   sent.attempts + 1, result.detail)  # fmt: skip
    elif recorded.due is not None:
        level = logging.DEBUG if recorded.was_failing else logging.WARNING
        again = timestamp(recorded.due)
        _log.log(level, "%s: %s; again at %s", name, result.detail, again)
