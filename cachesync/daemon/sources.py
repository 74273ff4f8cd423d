"""The sources of the daemon: a worker for each, a watcher for each directory, and when they are due."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..config.settings import Config
from ..config.sourceconfigs import (
    BuildcacheSourceConfig,
    DirectorySourceConfig,
    Probe,
    ReadMode,
    SourceConfig,
)
from ..errors import CachesyncError
from ..ledger import connect, read
from ..ledger.read import SourceAge
from ..selection import Selection
from ..sources.mirror.place import Place
from ..sync import catalog
from ..sync.opening import Remotes, is_fetched, is_watched, watched_place
from .parts import debouncer
from .probes import Probes, job_name
from .requests import Due, Now
from .rhythm import Rhythm
from .schedule import Schedule
from .worker import Worker
from .writer_thread import WriterThread

__all__ = ["Sources", "Watched"]

STUCK_SECONDS = 60.0
"""A watcher that shows no sign of life for so long is taken for stuck."""
STUCK_PASS_SECONDS = 3600.0
"""So is a pass that does not come forward."""
STOP_SECONDS = 8.0
REMEMBERED_SECONDS = 3600
"""Between whole passes over a source that no config mentions."""
_log = logging.getLogger("cachesync")


class Watched(NamedTuple):
    """A worker, and the watcher of its directory if it has one."""

    entry: SourceConfig
    worker: Worker
    watcher: Any | None


class Sources:
    """What runs for each source. One thread opens and closes; any may look."""

    def __init__(
        self, config: Config, pages: Sequence[str], thread: WriterThread,
        *, on_change: Callable[[], object],
    ) -> None:  # fmt: skip
        """`pages` are directories that are watched besides those of the config."""
        self._config = config
        self._pages = list(pages)
        self._thread = thread
        self._on_change = on_change
        self._schedule = Schedule()
        self._running: dict[str, Watched] = {}
        self._ending: dict[str, Worker] = {}
        self._stop_fetching = threading.Event()
        self._remotes = Remotes(config.limits, stop=self._stop_fetching)
        self._probes = Probes(thread.state_dir, self._mirror, on_change=on_change)

    # -- up and down

    def start(self) -> None:
        """Open every source."""
        self._orphan()
        self._probes.start(self._probed())
        self._schedule.start()
        for entry in self._entries():
            self._open(entry)

    def take_over(self, config: Config) -> None:
        """Have the sources of another config; those that stay the same go on."""
        before, self._config = self._config, config
        shared = (before.guard, before.watch, before.limits)
        is_alike = shared == (config.guard, config.watch, config.limits)
        after = {entry.name: entry for entry in self._entries()}
        for name, watched in list(self._running.items()):
            if not is_alike or after.get(name) != watched.entry:
                self.close(name)
            elif is_watched(watched.entry) and is_fetched(watched.entry):
                watched.worker.ask(Now())  # what names its mirrors is read anew as well
        if before.limits != config.limits:
            self._remotes.close()  # ends the fetches of the workers just closed
            self._stop_fetching = threading.Event()
            self._remotes = Remotes(config.limits, stop=self._stop_fetching)
        self._orphan()
        self._probes.keep(self._probed())
        for name, entry in after.items():
            if name not in self._running:
                self._open(entry)

    def close(self, name: str) -> None:
        """Let go of a source. Nothing of it is written from now on, whatever is still under way."""
        watched = self._running.pop(name)
        self._schedule.remove(name)
        self._schedule.remove(job_name(name))
        watched.worker.stop()
        if watched.watcher is not None:
            watched.watcher.stop()
        self._ending[name] = watched.worker

    def stop(self) -> None:
        """End everything, soon; what is under way is abandoned at the next chunk."""
        self._stop_fetching.set()  # ends every fetch within a second
        self._schedule.stop()
        self._probes.stop()
        for watched in self._running.values():
            watched.worker.stop()
        for watched in self._running.values():
            if watched.watcher is not None:
                watched.watcher.stop()
        until = time.monotonic() + STOP_SECONDS
        for watched in self._running.values():
            if not watched.worker.join(max(0.1, until - time.monotonic())):
                _log.warning("%s: abandoned in the middle of a fetch", watched.worker.name)
        self._remotes.close()

    def _orphan(self) -> None:
        try:
            with connect.ledger_errors(self._thread.state_dir):
                missing = catalog.orphan_missing(self._thread.writer(), self._config)
        except CachesyncError as error:  # a full disk; the next start does it
            _log.error("sources that left the config are not marked: %s", error.message)
            return
        for name in missing:
            _log.warning(
                "%s is not in the config any more; it is kept until `cachesync forget %s`",
                name, name,
            )  # fmt: skip

    def _entries(self) -> list[SourceConfig]:
        """The sources of the config, and those that were once named."""
        named = [*catalog.remembered(self._thread.writer()), *self._pages]
        configured = {source.name for source in self._config.sources}
        others = [
            catalog.named_entry(self._thread.writer(), name)._replace(
                interval_seconds=REMEMBERED_SECONDS
            )
            for name in dict.fromkeys(named)
            if name not in configured
        ]
        return [*self._config.sources, *others]

    def _probed(self) -> dict[str, Probe]:
        """The sources that have a standing sample."""
        return {
            entry.name: entry.probe
            for entry in self._config.sources
            if isinstance(entry, BuildcacheSourceConfig) and entry.probe is not None
        }

    def _mirror(self, source: str, url: str) -> Place:
        """A mirror of a source of the config in force."""
        return self._remotes.opener(self._config.sources)(source, url)

    def _open(self, entry: SourceConfig) -> None:
        name, config = entry.name, self._config
        try:
            self._job(name)  # its row is there from now on
        except CachesyncError as error:
            _log.error("%s: %s", name, error.message)  # its passes will say so too, and try again
        worker = Worker(
            name, partial(self._job, name), self._thread, guard=config.guard,
            dirty=debouncer(entry, config.watch), quiet_seconds=config.watch.quiet_seconds,
            interval=entry.interval_seconds, rhythm=Rhythm(is_watched=is_watched(entry)),
            on_change=self._on_change,
            after=self._ending.pop(name, None),
        )  # fmt: skip
        watcher = self._watcher(entry, worker) if is_watched(entry) else None
        running = self._running[name] = Watched(entry, worker, watcher)
        worker.start()
        if watcher is not None:
            # Watching begins first: what happens during the first pass is seen twice, not never.
            watcher.start()
        self._plan(running)

    def _watcher(self, entry: SourceConfig, worker: Worker) -> Any:
        """What tells `worker` of changes of a source, or of the file that names its mirrors."""
        from ..watch.manifests import SpecManifests
        from ..watch.named import Named
        from ..watch.timing import Timing
        from ..watch.watcher import Watcher

        watch = self._config.watch
        selection: Selection | Named | SpecManifests
        if isinstance(entry, BuildcacheSourceConfig):
            root, files = watched_place(entry)
            selection = Named(files)
            if entry.read is ReadMode.MANIFESTS and not is_fetched(entry):
                selection = SpecManifests(entry.selection)
        else:
            assert isinstance(entry, DirectorySourceConfig), "what is fetched is not watched"
            root, selection = entry.path, entry.selection
        timing = Timing(poll_seconds=watch.every_seconds)
        return Watcher(root, worker.ask, selection=selection, mode=watch.mode, timing=timing)

    def _job(self, name: str) -> catalog.Job:
        config, remotes = self._config, self._remotes
        with connect.ledger_errors(self._thread.state_dir):
            return self._thread.call(lambda writer: catalog.job(writer, config, name, remotes.open))

    def _plan(self, watched: Watched) -> None:
        """What is due is worked out from the ledger: a restart neither skips nor repeats a fetch."""
        entry, due = watched.entry, partial(watched.worker.ask, Due())
        if isinstance(entry, BuildcacheSourceConfig) and entry.probe is not None:
            self._probes.plan(self._schedule, entry.name, entry.probe)
        ages = self._thread.ask(read.source_ages)
        age = next((age for age in ages if age.name == entry.name), None)
        tried = None if age is None or age.last_attempt is None else age.last_attempt / 1e6
        if tried is not None and tried > time.time():
            tried = None  # the clock was wrong then, or is now
        if is_watched(entry) or _failed(age):
            tried = None
        if not isinstance(entry, DirectorySourceConfig) and entry.cron is not None:
            self._schedule.at(entry.name, entry.cron, due, since=tried)
            return
        seconds = float(entry.interval_seconds or REMEMBERED_SECONDS)
        first = 0.0 if tried is None else max(0.0, seconds - (time.time() - tried))
        self._schedule.every(entry.name, seconds, due, first_in=first)

    # -- while they run

    def plan_anew(self) -> None:
        """Work out anew what is due: the clock was set."""
        self._schedule.beat_anew()
        for watched in list(self._running.values()):
            self._plan(watched)

    def __getitem__(self, name: str) -> Watched:
        return self._running[name]

    def __contains__(self, name: object) -> bool:
        return name in self._running

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._running))

    def __len__(self) -> int:
        return len(self._running)

    def passing(self) -> list[str]:
        """The sources over which a pass goes on."""
        running = list(self._running.items())
        return [name for name, watched in running if watched.worker.state.doing != "idle"]

    def dead(self) -> str | None:
        """The part that has ended although it should not."""
        if not self._schedule.is_alive():
            return "the schedule"
        if not self._probes.is_alive():
            return "the probes"
        for name, (_, worker, watcher) in list(self._running.items()):
            if not worker.is_alive():
                return f"the worker of {name}"
            if watcher is not None and not watcher.is_alive():
                return f"the watcher of {name} ({watcher.failure!r})"
        return None

    def stuck(self, now: float) -> str | None:
        """The part that shows no sign of life at `now` (`time.monotonic`)."""
        if self._schedule.silent_seconds(now) > STUCK_SECONDS:
            return "the schedule"
        for name, (_, _, watcher) in list(self._running.items()):
            if watcher is not None and now - watcher.alive_at > STUCK_SECONDS:
                return f"the watcher of {name}"
        return None

    def stuck_pass(self, now: float) -> str | None:
        """A source whose pass does not come forward. It hinders nobody else."""
        for name, (_, worker, _) in list(self._running.items()):
            if worker.state.doing != "idle" and now - worker.progress_at > STUCK_PASS_SECONDS:
                return f"the pass over {name}"
        return None

    def documents(self, now: float) -> Mapping[str, dict[str, Any]]:
        """What `status` shows of each."""
        return {name: self._document(watched, now) for name, watched in list(self._running.items())}

    def _document(self, watched: Watched, now: float) -> dict[str, Any]:
        state, watcher = watched.worker.state, watched.watcher
        polled = pause = None
        if watcher is not None:
            polled, pause = watcher.polled, watcher.pause_seconds
        next_run = self._schedule.next_run(watched.entry.name)
        if state.retry_at is not None:
            next_run = int((time.time() + state.retry_at - now) * 1e6)
        return {
            "doing": state.doing,
            "for_seconds": round(now - state.since, 1),
            "failures": state.failures,
            "next_run": next_run,
            "overflows": state.overflows,
            "overflowed": state.is_overflowed,
            "error": watched.worker.trouble.error,
            "remedy": watched.worker.trouble.remedy,
            "watch": None if watcher is None else watcher.mode.value,
            "watch_reason": None if polled is None else polled.why.value,
            "watch_detail": None if polled is None else polled.reason,
            "watch_every": None if polled is None else pause,
            "directories": 0 if watcher is None else watcher.directories,
            "degraded": state.watch,
            "seconds": round(state.seconds, 3),
            "passes": state.passes,
            "waiting": watched.worker.waiting,
        }

    def named(self, name: str) -> str | None:
        """The source that a name, or the path of a directory however written, stands for."""
        for known in (name, os.path.realpath(name)):
            if known in self._running:
                return known
        return None


def _failed(age: SourceAge | None) -> bool:
    return age is not None and age.state == "failed"
