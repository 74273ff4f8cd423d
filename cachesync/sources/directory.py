"""A directory that holds `<tag>/<package>/specs.md`, as a source. All the file system there is.

The directory is somebody else's: it may hold FIFOs, links out of it, directories without
permission, files that grow while they are read. Nothing outside the root is ever read.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from pathlib import Path

from ..errors import SourceError
from ..selection import Selection
from .base import (
    GONE,
    NOTHING,
    Changed,
    Entry,
    Failed,
    Fault,
    Found,
    Gone,
    Listing,
    Note,
    Past,
    ignore,
)

__all__ = ["PAGE_NAME", "DirectorySource", "is_settled", "signature"]

PAGE_NAME = "specs.md"
EVERYTHING = Selection()
LOOP = "a loop of symbolic links"
MAX_DEPTH = 8
"""Directories below the root; the site's layout has two."""
SETTLED_NS = 100_000_000
COARSE_SETTLED_NS = 2_100_000_000
"""A file younger than this may change once more without its times changing: a fine file system
counts in jiffies (1-10 ms), a coarse one in whole seconds (two for FAT)."""


_NAME = attrgetter("name")


class DirectorySource:
    """See `base.Source`. Holds no descriptor between calls."""

    type = "directory"
    concurrency = 0
    retry_after_seconds = None

    def __init__(
        self,
        name: str,
        root: Path,
        *,
        page_limit: int,
        selection: Selection = EVERYTHING,
        scope: Collection[str] | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = name
        self.root = root
        self.page_limit = page_limit
        self.selection = selection
        self.scope = scope
        """The top directories that are listed; None: all."""
        self._clock_ns = clock_ns
        self._real_root: str | None = None
        self._identity = ""

    def part(self, scope: Collection[str]) -> DirectorySource:
        """The same source, of which only some top directories are listed."""
        return DirectorySource(
            self.name, self.root, page_limit=self.page_limit, selection=self.selection,
            scope=scope, clock_ns=self._clock_ns,
        )  # fmt: skip

    def is_there(self, path: str) -> bool:
        """Whether there is anything at `path` now; also when that cannot be seen."""
        try:
            os.lstat(self.root / path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def memory(self) -> Mapping[str, str]:
        """Which directory was listed; the signatures say everything else."""
        return {"root": self._identity}

    def listing(self, found: Found = ignore, past: Past = NOTHING) -> Listing:
        """Every `specs.md` below the root, in the order of tag and path."""
        walk = _Walk(self.selection, self.page_limit, found, self.scope)
        try:
            self._real_root = os.path.realpath(self.root, strict=True)
            self._identity = _identity(self._real_root)
            walk.directory(self._real_root, "", 0)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise SourceError(f"{self.root} is {LOOP} (check `path:`)") from error
            raise SourceError(f"{_reason(error)} (check `path:` and its permissions)") from error
        return Listing(
            walk.entries, walk.faults, walk.notes, walk.unlisted, is_void=walk.is_void,
            is_replaced=past.memory.get("root", self._identity) != self._identity,
        )  # fmt: skip

    def read(self, path: str, listed_as: str, before: str | None = None) -> Changed | Gone | Failed:
        """The bytes of one page, with the signature of the very file that was read."""
        root = self._real_root or os.path.realpath(self.root)
        # O_NONBLOCK: a FIFO put in the page's place must not stop the pass.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(f"{root}/{path}", flags)
        except (FileNotFoundError, NotADirectoryError):
            return GONE
        except OSError as error:
            return Failed(_reason(error))
        try:
            return self._read_open(descriptor, root)
        except OSError as error:
            return Failed(_reason(error))
        finally:
            os.close(descriptor)

    def _read_open(self, descriptor: int, root: str) -> Changed | Failed:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return Failed("is not a regular file")
        found = signature(before)
        # Also the file that was listed: its directory may have been a link for just that moment.
        if not _lies_below(descriptor, root):
            return Failed("lies outside the source (a directory was replaced by a link)")
        data = os.read(descriptor, min(before.st_size, self.page_limit) + 1)
        while len(data) <= self.page_limit and (more := os.read(descriptor, 1 << 20)):
            data += more
        if len(data) > self.page_limit:
            return Failed(_too_large(len(data), self.page_limit))
        # A file that changed meanwhile is taken as it was read and read again in the next pass.
        after = os.fstat(descriptor)
        if (after.st_size, *_times(after)) != (before.st_size, *_times(before)):
            return Changed(data, signature(after), settled=False, torn=True)
        return Changed(data, found, is_settled(after, self._clock_ns()))


class _Walk:
    """One walk over the tree, collecting what it meets."""

    def __init__(
        self,
        selection: Selection,
        page_limit: int,
        found: Found,
        scope: Collection[str] | None,
    ) -> None:
        self.is_void = False
        self.entries: list[Entry] = []
        self.faults: list[Fault] = []
        self.notes: list[Note] = []
        self.unlisted: list[str] = []
        self._selection = selection
        self._page_limit = page_limit
        self._found = found
        self._scope = scope

    def directory(self, full: str, prefix: str, depth: int) -> None:
        """Collect what `full` holds; `prefix` is its path in the source, ending in `/` or empty."""
        with os.scandir(full) as scanned:
            children = list(scanned)
        if len(children) > 1:
            children.sort(key=_NAME)
        if depth == 0:
            self.is_void = all(child.name.startswith(".") for child in children)
            if self._scope is not None:
                children = [child for child in children if child.name in self._scope]
        for child in children:
            name = child.name
            before = len(self.entries)
            if name == PAGE_NAME:
                self._page(child, prefix)
            elif name[0] != "." and (child.is_dir(follow_symlinks=False) or child.is_symlink()):
                self._descend(child, prefix, depth)
            if depth == 0 and len(self.entries) > before:
                self._found(self.entries[before:])

    def _descend(self, child: os.DirEntry[str], prefix: str, depth: int) -> None:
        if depth == 0 and not self._selection.admits_tag(child.name):
            return
        if depth == 1 and not self._selection.admits_package(child.name):
            return
        path = f"{prefix}{child.name}/"
        if not _is_text(child.name):
            self._unseen(path, "its name is not UTF-8")
        elif child.is_symlink():
            if _is_loop(child.path) or os.path.isdir(
                child.path
            ):  # child.is_dir() raises for a loop
                self._link(child, path)
        elif depth >= MAX_DEPTH:
            self._unseen(path, f"nested deeper than {MAX_DEPTH} directories")
        else:
            try:
                self.directory(child.path, path, depth + 1)
            except FileNotFoundError:
                return  # removed since its parent was listed: it is gone
            except OSError as error:
                self._unseen(path, _reason(error))

    def _unseen(self, path: str, reason: str) -> None:
        self.faults.append(Fault(visible_path(path), reason))
        self.unlisted.append(path)

    def _link(self, child: os.DirEntry[str], path: str) -> None:
        if _is_loop(child.path):
            self._unseen(path, LOOP)
            return
        root = child.path[: len(child.path) - len(path.rstrip("/"))]
        target = os.path.realpath(child.path)
        if f"{target}/".startswith(root):
            self.notes.append(
                Note(path, "a symbolic link; what it points to is read where it lies")
            )
        else:
            self._unseen(path, "a symbolic link that leaves the source")

    def _page(self, child: os.DirEntry[str], prefix: str) -> None:
        path = prefix + PAGE_NAME
        try:
            status = child.stat(follow_symlinks=False)
        except FileNotFoundError:  # it went since the directory was listed
            return
        mode = status.st_mode
        if stat.S_ISREG(mode):
            if status.st_size > self._page_limit:
                self.faults.append(Fault(path, _too_large(status.st_size, self._page_limit)))
            else:
                self.entries.append(Entry(path, signature(status)))
        elif stat.S_ISLNK(mode):
            self._link(child, path)
        elif not stat.S_ISDIR(mode):
            self.faults.append(Fault(path, "is not a regular file"))


def visible_path(path: str) -> str:
    """`path` with bytes that are not UTF-8 written as escapes, so that it can be stored."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _is_loop(path: str) -> bool:
    """Whether the links at `path` lead in a circle."""
    try:
        os.stat(path)
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _is_text(name: str) -> bool:
    return name.isascii() or visible_path(name) == name


def _identity(root: str) -> str:
    status = os.stat(root)
    return f"{status.st_dev}:{status.st_ino}"


def signature(status: os.stat_result) -> str:
    """What tells one writing of a file from another."""
    # ctime as well: a rewrite of the same size may have its mtime set back (rsync -t, tar, touch).
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}:{status.st_ctime_ns}"


def _times(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_ctime_ns


def is_settled(status: os.stat_result, now_ns: int) -> bool:
    """Whether a file cannot be written again with the same signature."""
    times = _times(status)
    coarse = times[0] % 1_000_000_000 == 0 and times[1] % 1_000_000_000 == 0
    return now_ns - max(times) > (COARSE_SETTLED_NS if coarse else SETTLED_NS)


def _lies_below(descriptor: int, root: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith(root.rstrip("/") + "/")
    except OSError:
        return True  # no /proc: O_NOFOLLOW and the walk are what there is


def _too_large(size: int, limit: int) -> str:
    return f"larger than the limit of {limit:,} bytes (`limits: page`): {size:,} or more"


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a symbolic link"
    return (error.strerror or str(error)).lower()
