"""Standing samples: now and then the mirrors of a source are asked whether they have what they name.

One thread asks, for one source at a time, and keeps what it found in a file that everybody may read. What
was missing is asked for again first, and sooner, so that a mirror that was mended is soon well.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ..config.sourceconfigs import Probe
from ..errors import CachesyncError
from ..ledger import connect
from ..ledger.carrying import carrying
from ..net import FetchStoppedError
from ..reports import probing
from ..sources.mirror.probing import State
from ..system import published
from .schedule import Schedule

__all__ = ["Probes", "is_due", "job_name"]

AGAIN_SECONDS = 3600.0
"""After so long what was missing is asked for again."""
FIRST_SECONDS = 60.0
"""After the daemon's start, when the first pass has been, a sample that is due is taken."""
EARLY = 0.9
"""Part of an interval after which a sample is due: the schedule comes a little sooner or later."""
_log = logging.getLogger("cachesync")


def job_name(source: str) -> str:
    """What the schedule knows the samples of a source by; no source is called so."""
    return f"{source}\0probe"


def is_due(last: Mapping[str, Any] | None, interval_seconds: float, now: int) -> bool:
    """Whether a sample is to be taken after the `last`; `now` in microseconds since the epoch."""
    if last is None:
        return True
    seconds = min(interval_seconds, AGAIN_SECONDS) if last["missing"] else interval_seconds
    age: float = (now - last["at"]) / 1e6
    return age < 0 or age >= EARLY * seconds  # before it: the clock was set


class Probes:
    """Takes samples when the schedule asks for them."""

    def __init__(
        self, state_dir: Path, opener: probing.Opener, *, on_change: Callable[[], object]
    ) -> None:
        self._state_dir = state_dir
        self._opener = opener
        self._on_change = on_change
        self._wanted: Mapping[str, Probe] = {}
        self._lock = threading.Lock()
        self._inbox: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="probes", daemon=True)

    def start(self, wanted: Mapping[str, Probe]) -> None:
        """Begin; `wanted` are the sources with a standing sample."""
        self.keep(wanted)
        self._thread.start()

    def stop(self) -> None:
        """Take no more samples; one under way ends with what it fetches."""
        self._inbox.put(None)

    def is_alive(self) -> bool:
        """Whether samples are taken."""
        return self._thread.is_alive()

    def plan(self, schedule: Schedule, name: str, probe: Probe) -> None:
        """Have the schedule ask for the samples of a source; whether one is due is seen then."""
        seconds = min(float(probe.interval_seconds), AGAIN_SECONDS)
        schedule.every(
            job_name(name), seconds, partial(self._inbox.put, name),
            first_in=min(seconds, FIRST_SECONDS),
        )  # fmt: skip

    def keep(self, wanted: Mapping[str, Probe]) -> None:
        """Forget what was found of sources that have no standing sample any more."""
        with self._lock:
            self._wanted = wanted
            self._publish(published.probes(self._state_dir), only=wanted)

    # -- the thread

    def _run(self) -> None:
        while (name := self._inbox.get()) is not None:
            try:
                self._take(name)
            except FetchStoppedError:
                pass  # the daemon ends, or its sources changed: the schedule asks again
            except CachesyncError as error:
                _log.warning("%s: no sample was taken: %s", name, error.message)
            except Exception:  # a mistake of this program: the next one is taken all the same
                _log.exception("%s: a sample failed", name)

    def _take(self, name: str) -> None:
        wanted, now = self._wanted.get(name), time.time_ns() // 1000
        last = published.probes(self._state_dir).get(name)
        if wanted is None or not is_due(last, wanted.interval_seconds, now):
            return
        with (
            connect.ledger_errors(self._state_dir),
            closing(connect.open_reader(self._state_dir)) as db,
        ):
            every = probing.pairs(db, carrying(db, source=name))
        seed = os.urandom(4).hex()
        failed = [] if last is None else last["failed"]
        first = [(o["hash"], name, o["mirror"]) for o in failed if o["state"] == State.MISSING]
        asked = probing.ask(probing.sample(every, wanted.sample, seed, first), self._opener)
        with self._lock:
            if name in self._wanted:
                found = published.probes(self._state_dir)
                if asked:
                    found[name] = _document(now, seed, len(every), asked)
                else:  # nothing is cached, or not yet
                    found.pop(name, None)
                self._publish(found, only=self._wanted)
        self._on_change()

    def _publish(self, found: Mapping[str, Any], *, only: Collection[str]) -> None:
        kept = {name: one for name, one in found.items() if name in only}
        path = self._state_dir / published.PROBES
        with contextlib.suppress(OSError):  # a full disk must not end the daemon
            if kept or path.exists():
                published.publish(path, {"sources": kept})


def _document(at: int, seed: str, matching: int, asked: list[probing.Asked]) -> dict[str, Any]:
    counts = probing.counts(asked)
    return {
        "at": at,
        "seed": seed,
        "matching": matching,
        "asked": len(asked),
        **{state.value: count for state, count in counts.items()},
        "failed": [
            {
                "hash": one.pair.hash,
                "package": one.pair.build.package,
                "version": one.pair.build.version,
                "mirror": one.pair.url,
                "state": one.found.state.value,
                "reason": one.found.reason,
            }
            for one in asked
            if one.found.state is not State.THERE
        ],
    }
