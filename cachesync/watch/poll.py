"""Noticing changes without inotify: walk the tree now and then and compare.

A directory's time does not tell of a page written in place, so every page is looked at; one
number for each package is remembered. That costs about a second and 10 MiB for 58,000 pages, and
spares a pass over the source each time, which costs more and would have to be told apart from news.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..selection import Selection
from ..sources.directory import MAX_DEPTH, PAGE_NAME
from .tree import prefix_of

__all__ = ["Pages", "Poll", "is_wanted", "pause_seconds"]

_YOUNG_NS = 2_200_000_000
"""A page may change again within the same tick of a coarse clock, and look the same."""


SHARE = 10
"""A look takes at most one part in so many of the time between two."""


def pause_seconds(every_seconds: float, look_seconds: float) -> float:
    """How long to wait after a look that took so long: longer than asked for where it took long."""
    return max(every_seconds, SHARE * look_seconds)


def is_wanted(name: str, depth: int, selection: Selection) -> bool:
    """Whether a directory of this name may hold pages; `depth` is that of what holds it."""
    if name[0] == "." or name == PAGE_NAME or depth >= MAX_DEPTH:
        return False
    if depth == 0:
        return selection.admits_tag(name)
    return depth > 1 or selection.admits_package(name)


class Pages(NamedTuple):
    """What is watched where pages lie below tags and packages; see `named.Named`."""

    selection: Selection

    def has_file(self, _path: str, name: str) -> bool:
        """Whether this is a page."""
        return name == PAGE_NAME

    def has_directory(self, path: str, name: str) -> bool:
        """Whether a directory may hold pages."""
        return is_wanted(name, path.count("/"), self.selection)

    def part_of(self, path: str) -> str:
        """The prefix that is dirty when something in the directory `path` changes."""
        return prefix_of(path)


class Poll:
    """What the tree below `root` looked like at the last look."""

    def __init__(self, root: str, selection: Selection) -> None:
        self.directories = 0
        self._root = root
        self._selection = selection
        self._seen: dict[str, int] = {}
        self._looks = 0

    def changed(self, keep_going: Callable[[], bool]) -> list[str]:
        """The prefixes that differ from the last look, in order; at the first look all of them.

        `keep_going` is asked at every directory; once it says no, nothing is noted or returned.
        """
        self._looks += 1
        looks: dict[str, int] = {}
        directories = 0
        for prefix, fingerprint in self._walk(self._root, "", 0):
            if not keep_going():
                return []
            directories += 1
            if fingerprint is not None:
                looks[prefix] = hash((looks.get(prefix), fingerprint))
        before, self._seen, self.directories = self._seen, looks, directories
        dirty = {prefix for prefix, look in looks.items() if before.get(prefix) != look}
        dirty.update(before.keys() - looks.keys())
        return sorted(dirty)

    def _walk(self, full: str, path: str, depth: int) -> Iterator[tuple[str, int | None]]:
        """Each directory's prefix, with a number for its page or for why it cannot be read."""
        prefix = prefix_of(path)
        fingerprint = None
        below = []
        try:
            with os.scandir(full) as scanned:
                for child in scanned:
                    if child.name == PAGE_NAME:
                        fingerprint = self._fingerprint(child, path)
                    elif is_wanted(child.name, depth, self._selection) and child.is_dir(
                        follow_symlinks=False
                    ):
                        below.append(child.name)
        except FileNotFoundError:  # it went since the directory was listed
            return
        except OSError as error:
            fingerprint = hash((path, error.errno))
        yield prefix, fingerprint
        for name in below:
            yield from self._walk(f"{full}/{name}", f"{path}{name}/", depth + 1)

    def _fingerprint(self, page: os.DirEntry[str], path: str) -> int | None:
        try:
            status = page.stat(follow_symlinks=False)
        except FileNotFoundError:  # it went since the directory was listed
            return None
        times = status.st_mtime_ns, status.st_ctime_ns
        young = 0 <= time.time_ns() - status.st_ctime_ns < _YOUNG_NS
        return hash(
            (path, status.st_size, status.st_ino, status.st_mode, *times, young and self._looks)
        )
