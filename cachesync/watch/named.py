"""What is watched where a few files are known by their places: those of a build cache's indexes.

Only the directories on the way to them are watched, and neither blobs nor specs are looked at.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from .tree import prefix_of

__all__ = ["Named", "NamedPoll"]

YOUNG_NS = 2_200_000_000
"""A file may change again within the same tick of a coarse clock, and look the same."""


class Named(NamedTuple):
    """Files below a root, by their paths."""

    files: frozenset[str]

    def has_file(self, path: str, name: str) -> bool:
        """Whether a file in the directory `path`, empty or ending in `/`, is one of them."""
        return path + name in self.files

    def has_directory(self, path: str, name: str) -> bool:
        """Whether a directory in `path` may hold one of them, however deep."""
        start = f"{path}{name}/"
        return any(file.startswith(start) for file in self.files)

    def part_of(self, path: str) -> str:
        """The prefix that is dirty when something in the directory `path` changes."""
        return prefix_of(path)


class NamedPoll:
    """See `poll.Poll`: one look at each file, and nothing is listed."""

    def __init__(self, root: str, named: Named) -> None:
        self.directories = len({file.rpartition("/")[0] for file in named.files})
        self._root = root
        self._files = sorted(named.files)
        self._seen: dict[str, object] = {}
        self._looks = 0

    def changed(self, keep_going: Callable[[], bool]) -> list[str]:
        """The prefixes of the files that are other than at the last look; at the first look of all."""
        self._looks += 1
        looks: dict[str, object] = {}
        for file in self._files:
            if not keep_going():
                return []
            looks[file] = self._look(f"{self._root}/{file}")
        before, self._seen = self._seen, looks
        dirty = (file for file, look in looks.items() if before.get(file, self) != look)
        return sorted({prefix_of(file) for file in dirty})

    def _look(self, file: str) -> object:
        try:
            status = os.stat(file)
        except OSError as error:
            return error.errno
        times = status.st_mtime_ns, status.st_ctime_ns
        is_young = 0 <= time.time_ns() - status.st_ctime_ns < YOUNG_NS
        return status.st_size, status.st_ino, status.st_mode, *times, is_young and self._looks
