"""A tree watched by inotify. The only module that imports watchdog; import it where it is used.

What is used of watchdog is the reader of the kernel's queue and its callbacks, `on_queue_overflow`
among them. Its observer is not, for what it does to a tree of 58,000 directories: it overflows
its queue by its own walk, tells no handler of an overflow, ignores running out of watches below
the root, registers descriptor -1 for what may not be read, and keeps an object of half a KiB for
each directory. Here one thread reads, adds watches and keeps the books, so nothing is locked.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from typing import NamedTuple

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    Watch,
    WatchCallback,
    WatchDescriptor,
    inotify_add_watch,
    inotify_rm_watch,
)

from .limits import LinkError, check_descriptors
from .manifests import SpecManifests
from .named import Named
from .poll import Pages
from .tree import Tree

__all__ = ["Batch", "Inotify", "Queue"]

# Neither opening, reading nor closing what was only read is asked for: our own scans wake nobody.
_CONTENT = (
    InotifyConstants.IN_MODIFY  # a page written slowly is dirty until it rests
    | InotifyConstants.IN_ATTRIB  # permissions, times and link count: what a scan looks at
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_CREATE  # a hard link has no other event
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_EXCL_UNLINK
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_DONT_FOLLOW
)
_OF_DIRECTORY = Mask(_CONTENT)
_OF_ROOT = Mask(_CONTENT | InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF)
_ENDS_ROOT = (
    InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_UNMOUNT
    | InotifyConstants.IN_ATTRIB
)
_VANISHED = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


class Queue(InotifyFD):
    """watchdog's reader, never started as a thread, with one `Watch` for all directories.

    Raises OSError where there is no inotify instance left, or no file descriptor.
    """

    def __init__(self, callback: WatchCallback) -> None:
        check_descriptors()
        super().__init__()
        for descriptor in (self._inotify_fd, self._kill_r, self._kill_w):
            os.set_inheritable(descriptor, False)
        self._shared = Watch(WatchDescriptor(-1), Mask(0), b"")
        self._shared.callbacks[CallbackId(0)] = callback

    def fileno(self) -> int:
        """What to poll: `read_events` waits without end while it is not readable."""
        return self._inotify_fd

    def watch(self, path: str, mask: Mask) -> int:
        """The descriptor that watches `path` from now on; the same as before if one did.

        Raises OSError, for a directory that may not be read too.
        """
        descriptor = inotify_add_watch(self._inotify_fd, os.fsencode(path), mask)
        if descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
        self._watch_for_wd[descriptor] = self._shared
        return descriptor

    def unwatch(self, descriptor: int) -> None:
        """Watch a directory no longer; nothing happens if the kernel dropped it already."""
        self._watch_for_wd.pop(WatchDescriptor(descriptor), None)
        inotify_rm_watch(self._inotify_fd, WatchDescriptor(descriptor))

    def close(self) -> None:
        """Drop every watch at once. To be called once, by the thread that reads."""
        self._closed = True
        self._watch_for_wd.clear()
        self._close_resources()


class Batch(NamedTuple):
    """What one read of the queue told."""

    dirty: list[str]
    """Prefixes, each once."""
    overflowed: bool
    in_doubt: bool
    """See `Inotify.in_doubt`."""
    root_touched: bool
    """The root itself was moved, removed, unmounted, or its permissions changed."""


class Inotify:
    """Every directory below `root`, watched. All of it is used by one thread.

    Raises OSError where the kernel refuses: `ENOSPC` out of watches, `EMFILE` out of instances or
    of file descriptors, `ENOENT` and `EACCES` for the root. So do `complete` and `read`.
    """

    def __init__(
        self, root: str, wanted: Pages | Named | SpecManifests, keep_going: Callable[[], bool]
    ) -> None:
        self._root = root
        self._wanted = wanted
        self._keep_going = keep_going
        self._queue = Queue(self)
        try:
            self._tree = Tree(self._queue.watch(root, _OF_ROOT))
        except OSError:
            self._queue.close()
            raise
        self._dirty: dict[str, None] = {}
        self._overflowed = self._root_touched = False
        self.in_doubt = False
        """Directories were moved faster than followed, or unmounted: watch everything anew."""

    @property
    def directories(self) -> int:
        """How many are watched."""
        return len(self._tree)

    def fileno(self) -> int:
        """What to poll before `read`."""
        return self._queue.fileno()

    def close(self) -> None:
        """Watch nothing any more."""
        self._queue.close()

    def complete(self) -> None:
        """Watch all there is below the root, or as much as `keep_going` allows."""
        self._descend(self._tree.root, "")

    def read(self) -> Batch:
        """What happened; waits for it. New directories are watched before they are reported."""
        self._dirty.clear()
        self._overflowed = self._root_touched = False
        for event in self._queue.read_events():
            self._queue.handle_event(event)
        return Batch(list(self._dirty), self._overflowed, self.in_doubt, self._root_touched)

    def on_queue_overflow(self) -> None:
        """Called by watchdog: the kernel dropped events. The books are wrong from here on."""
        self._overflowed = True

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Called by watchdog: the kernel dropped a watch, as its directory is gone or unmounted."""
        if wd == self._tree.root:
            self._root_touched = self.in_doubt = True
        else:
            self._forget(wd)

    def on_event(self, event: InotifyEvent) -> None:
        """Called by watchdog for each event."""
        path = self._tree.path(event.wd)
        if path is None:
            return
        if not event.name:
            self._itself(event, path)
            return
        name = os.fsdecode(event.name)
        self._require_no_link(path, name)
        if self._wanted.has_file(path, name):
            self._dirty[self._wanted.part_of(path)] = None
        elif event.mask & InotifyConstants.IN_ISDIR and self._wanted.has_directory(path, name):
            self._directory(event, path, name)

    def _require_no_link(self, path: str, name: str) -> None:
        """Raise LinkError for a link that leads to what is read through links, as mirrors are."""
        wanted = self._wanted
        if isinstance(wanted, Pages):
            return
        leads = wanted.has_directory(path, name) or (
            isinstance(wanted, Named) and wanted.has_file(path, name)
        )
        if leads and os.path.islink(f"{self._root}/{path}{name}"):
            raise LinkError(f"{path}{name}")

    def _itself(self, event: InotifyEvent, path: str) -> None:
        """Note what happened to the watched directory `path` and not to something in it."""
        if event.mask & InotifyConstants.IN_UNMOUNT:  # what it was mounted on is there again
            self.in_doubt = True
            self._dirty[self._wanted.part_of(path)] = None
        if event.wd == self._tree.root and event.mask & _ENDS_ROOT:
            self._root_touched = True

    def _directory(self, event: InotifyEvent, path: str, name: str) -> None:
        """Follow what happened to the directory `name` in `path`."""
        if event.is_attrib and not self._access_changed(event.wd, path, name):
            return
        if event.is_moved_from:
            self._drop(event.wd, name)
        elif event.is_create or event.is_moved_to:
            self._adopt(event.wd, path, name)
        # Only now: what is written from here on has its own event, all before will be seen.
        self._dirty[self._wanted.part_of(f"{path}{name}/")] = None

    def _access_changed(self, parent: int, path: str, name: str) -> bool:
        """Whether a directory can be read that could not be, or the reverse; watch accordingly."""
        full = f"{self._root}/{path}{name}"
        was_readable = self._tree.child(parent, name) is not None
        readable = os.access(full, os.R_OK | os.X_OK, effective_ids=True, follow_symlinks=False)
        if readable and not was_readable:
            self._adopt(parent, path, name)
        elif was_readable and not readable:
            self._drop(parent, name)
        return readable != was_readable

    def _drop(self, parent: int, name: str) -> None:
        child = self._tree.child(parent, name)
        if child is not None:
            self._forget(child)

    def _forget(self, descriptor: int) -> None:
        for dropped in self._tree.forget(descriptor):
            self._queue.unwatch(dropped)

    def _adopt(self, parent: int, path: str, name: str) -> None:
        """Watch the directory `name` in `path`, and all below it.

        Watched first and listed then: what appears in it meanwhile is in the list or has an event.
        """
        full = f"{self._root}/{path}{name}"
        try:
            descriptor = self._queue.watch(full, _OF_DIRECTORY)
        except OSError as error:
            if error.errno in _VANISHED | _FORBIDDEN:
                return  # gone again, which has its event; or a fault that a scan reports
            raise
        place = self._tree.place(descriptor)
        if place is None and descriptor != self._tree.root:
            self._drop(
                parent, name
            )  # another directory had the name; if it was moved, that is told
            self._tree.add(descriptor, parent, name)
            self._descend(descriptor, f"{path}{name}/")
        elif place != (parent, name) and not self._is_mounted_twice(descriptor, full):
            self.in_doubt = True

    def _is_mounted_twice(self, descriptor: int, full: str) -> bool:
        """Whether a known directory also lies at `full`, instead of having been moved there."""
        try:
            here = os.stat(full, follow_symlinks=False)
            known = os.stat(f"{self._root}/{self._tree.path(descriptor)}", follow_symlinks=False)
        except OSError:  # one of them is gone: it was moved
            return False
        return os.path.samestat(here, known)

    def _descend(self, descriptor: int, path: str) -> None:
        if not self._keep_going():
            return
        try:
            with os.scandir(f"{self._root}/{path}") as scanned:
                below = []
                for child in scanned:
                    if child.is_symlink():
                        self._require_no_link(path, child.name)
                    elif child.is_dir() and self._wanted.has_directory(path, child.name):
                        below.append(child.name)
        except LinkError:
            raise
        except OSError as error:
            if error.errno in _VANISHED | _FORBIDDEN:
                return
            raise
        for name in below:
            self._adopt(descriptor, path, name)
