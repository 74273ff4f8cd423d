"""Watches the root of one directory source, in a thread of its own.

It knows inotify and polling only as two ways of the same thing, and nothing of what is done about
a change. Whatever goes wrong it says so and goes on by other means; where it cannot, the thread
ends, and `is_alive` says that.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..config.settings import WatchMode
from ..selection import Selection
from ..system.filesystem import kind_of
from .choice import choose, instead
from .events import (
    Degraded,
    Dirty,
    Mode,
    Overflowed,
    Polling,
    RootBack,
    RootLost,
    WatchEvent,
    Watching,
)
from .manifests import ManifestPoll, SpecManifests
from .named import Named, NamedPoll
from .poll import Pages, Poll, pause_seconds
from .root import Root, look_at
from .timing import Timing

if TYPE_CHECKING:
    from .inotify import Inotify

__all__ = ["Timing", "Watcher"]

EVERYTHING = Selection()
_ROOT_GONE = {errno.ENOENT, errno.ENOTDIR, errno.EACCES}


class _Burst(NamedTuple):
    """A flood that was not followed: the tree is watched anew when it is over."""

    first: float
    last_event: float
    told: bool
    """As an overflow; directories that were moved too fast are nobody's business."""


class Watcher:
    """Calls `tell` from its thread for all that happens below `root`.

    `tell` must not raise: the thread ends then. Only what `selection` admits, or names, is watched.
    """

    def __init__(
        self,
        root: str,
        tell: Callable[[WatchEvent], object],
        *,
        selection: Selection | Named | SpecManifests = EVERYTHING,
        mode: WatchMode = WatchMode.AUTO,
        timing: Timing | None = None,
    ) -> None:
        self.root = root
        self.failure: BaseException | None = None
        """What ended the thread, if it ended by itself."""
        self.polled: Polling | Degraded | None = None
        """Why the root is polled; None while it is not."""
        self.pause_seconds: float | None = None
        """Between two looks while it is polled, as the last one had it."""
        self._wanted = mode
        self._mode = Mode.STARTING
        self._tell = tell
        self._selected = Pages(selection) if isinstance(selection, Selection) else selection
        self._timing = timing or Timing()
        self._stopping = threading.Event()
        self._alive_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"watch {root}", daemon=True)
        self._wake_r = self._wake_w = -1
        self._inotify: Inotify | None = None
        self._poll: Poll | NamedPoll | ManifestPoll | None = None
        self._known: Root | None = None
        self._lost = False
        self._found_empty = 0
        self._burst: _Burst | None = None
        self._calm_until = 0.0
        self._next_check = self._next_poll = self._next_retry = 0.0

    @property
    def mode(self) -> Mode:
        """How changes are noticed at the moment."""
        return Mode.STOPPED if self._thread.ident and not self.is_alive() else self._mode

    @property
    def directories(self) -> int:
        """How many directories are watched, or were there at the last poll."""
        if (inotify := self._inotify) is not None:
            return inotify.directories
        return poll.directories if (poll := self._poll) is not None else 0

    @property
    def alive_at(self) -> float:
        """When the thread was last seen at work, by `time.monotonic`."""
        return self._alive_at

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin watching, in the thread; `Watching` or `Degraded` tells when that is so."""
        self._wake_r, self._wake_w = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread.start()

    def stop(self, timeout_seconds: float = 1.0) -> bool:
        """End the thread; False if it has not ended in time. Nothing is told afterwards."""
        self._stopping.set()
        if self._wake_w >= 0:
            with contextlib.suppress(BlockingIOError):  # the pipe is full: it will wake
                os.write(self._wake_w, b"!")
            self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            return False
        for descriptor in {self._wake_r, self._wake_w} - {-1}:
            os.close(descriptor)
        self._wake_r = self._wake_w = -1
        return True

    def _run(self) -> None:
        try:
            while self._goes_on():
                now = time.monotonic()
                if now >= self._next_check:
                    self._check_root(now)
                if self._burst is not None:
                    self._mend(self._burst, now)
                if self._poll is not None:
                    self._look(self._poll, now)
                if self._wait():
                    self._read()
        except BaseException as error:
            self.failure = error  # `is_alive` says it; whoever watches over the thread says why
        finally:
            self._close()

    def _goes_on(self) -> bool:
        self._alive_at = time.monotonic()
        return not self._stopping.is_set()

    def _emit(self, event: WatchEvent) -> None:
        if not self._stopping.is_set():
            self._tell(event)

    def _wait(self) -> bool:
        """Sleep until something is due or happens; whether there is something to read."""
        due = [self._next_check]
        if self._poll is not None:
            due += [self._next_poll, self._next_retry]
        if self._burst is not None:
            due.append(self._mended_at(self._burst))
        poller = select.poll()
        poller.register(self._wake_r, select.POLLIN)
        if self._inotify is not None:
            poller.register(self._inotify, select.POLLIN)
        milliseconds = max(0.0, min(due) - time.monotonic()) * 1000
        ready = poller.poll(int(milliseconds) + 1)
        return any(descriptor != self._wake_r for descriptor, _ in ready)

    def _read(self) -> None:
        inotify = self._inotify
        if inotify is None:
            return
        try:
            batch = inotify.read()
        except OSError as error:
            self._degrade(error)
            return
        now = time.monotonic()
        self._follow_burst(now, overflowed=batch.overflowed, in_doubt=batch.in_doubt)
        for prefix in batch.dirty:
            self._emit(Dirty(prefix))
        if batch.root_touched:
            self._next_check = 0.0
        self._stopping.wait(self._timing.rest_seconds)

    def _follow_burst(self, now: float, *, overflowed: bool, in_doubt: bool) -> None:
        burst = self._burst
        told = burst is not None and burst.told
        if overflowed and not told:
            if now >= self._calm_until:
                self._emit(Overflowed())
            told = True
        if overflowed or in_doubt or burst is not None:
            self._burst = _Burst(burst.first if burst is not None else now, now, told)

    def _mended_at(self, burst: _Burst) -> float:
        return min(
            burst.last_event + self._timing.settle_seconds,
            burst.first + self._timing.settle_cap_seconds,
        )

    def _mend(self, burst: _Burst, now: float) -> None:
        """Watch the tree anew once the flood is over: directories appeared without an event."""
        if now < self._mended_at(burst):
            return
        self._begin()
        if burst.told:  # what overflowed while the tree was walked belongs to the same flood
            self._calm_until = time.monotonic() + self._timing.settle_seconds

    def _begin(self) -> None:
        """Watch the tree below the known root, whatever was watched before; poll if refused."""
        from .inotify import Inotify

        assert self._known is not None
        chosen = choose(self._wanted, kind_of(self._known.real_path))
        if chosen is not None:
            self._close()
            self._start_polling(chosen, self._new_poll(self._known))
            return
        polled = self._poll
        self._close()
        began = time.monotonic()
        try:
            self._inotify = Inotify(self._known.real_path, self._selected, self._goes_on)
            self._inotify.complete()
        except OSError as error:
            self._poll = polled
            self._degrade(error)
            return
        self._mode, self.polled = Mode.INOTIFY, None
        self._emit(Dirty(""))  # first: who hears that it is watched may wait until it was looked at
        self._emit(Watching(self._inotify.directories, time.monotonic() - began))
        in_doubt = self._inotify.in_doubt
        self._follow_burst(time.monotonic(), overflowed=False, in_doubt=in_doubt)

    def _new_poll(self, root: Root) -> Poll | NamedPoll | ManifestPoll:
        selected = self._selected
        if isinstance(selected, Pages):
            return Poll(root.real_path, selected.selection)
        if isinstance(selected, SpecManifests):
            return ManifestPoll(root.real_path, selected)
        return NamedPoll(root.real_path, selected)

    def _degrade(self, error: OSError) -> None:
        """Poll instead of watching; told once, not at every attempt that fails."""
        assert self._known is not None
        polled = self._poll
        self._close()
        if error.errno in _ROOT_GONE:
            return  # the next look at the root says what has become of it
        self._next_retry = time.monotonic() + self._timing.retry_seconds
        self._poll = polled
        if polled is not None:
            return
        poll = self._new_poll(self._known)
        self._measure(poll)
        why = instead(error, poll.directories, self.pause_seconds)
        self._start_polling(why, poll, is_measured=True)

    def _start_polling(
        self,
        why: Polling | Degraded,
        poll: Poll | NamedPoll | ManifestPoll,
        *,
        is_measured: bool = False,
    ) -> None:
        """Poll from now on; what was chosen stays so until the root is another one."""
        if not is_measured:
            self._next_retry = math.inf
            self._measure(poll)
        self._poll, self.polled, self._mode = poll, why, Mode.POLLING
        self._emit(why)
        self._emit(Dirty(""))

    def _look(self, poll: Poll | NamedPoll | ManifestPoll, now: float) -> None:
        if now >= self._next_poll:
            for prefix in self._measure(poll):
                self._emit(Dirty(prefix))
        if now >= self._next_retry:
            self._begin()

    def _measure(self, poll: Poll | NamedPoll | ManifestPoll) -> list[str]:
        began = time.monotonic()
        changed = poll.changed(self._goes_on)
        ended = time.monotonic()
        self.pause_seconds = pause_seconds(self._timing.poll_seconds, ended - began)
        self._next_poll = ended + self.pause_seconds
        return changed

    def _check_root(self, now: float) -> None:
        self._next_check = now + self._timing.check_seconds
        try:
            root = look_at(self.root)
        except OSError as error:
            self._lose(f"{self.root}: {(error.strerror or str(error)).lower()}")
            return
        known = self._known
        if known is not None and not self._lost:
            if known.is_same(root):
                self._check_content(root, known)
                if self._inotify is None and self._poll is None and not self._lost:
                    self._begin()
                return
            self._lose(known.replaced_by(root))
        if known is not None and root.empty and not known.empty:
            return  # what it held will come back, or somebody will say that it should not
        self._known = root
        if self._lost:
            self._lost = False
            self._emit(RootBack())
        self._begin()

    def _check_content(self, root: Root, known: Root) -> None:
        """Believe in an emptied root at the second look: `git checkout` may empty it for a moment."""
        if not root.empty:
            self._found_empty = 0
            self._known = root
        elif not known.empty:
            self._found_empty += 1
            if self._found_empty > 1:
                self._lose(f"{self.root}: was emptied")

    def _lose(self, reason: str) -> None:
        self._found_empty = 0
        self._close()
        self._mode, self.polled = Mode.LOST, None
        if not self._lost:
            self._lost = True
            self._emit(RootLost(reason))

    def _close(self) -> None:
        """Neither watch nor poll."""
        inotify, self._inotify, self._poll, self._burst = self._inotify, None, None, None
        if inotify is not None:
            inotify.close()
