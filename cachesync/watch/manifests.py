"""What is watched where the spec manifests of a mirror are: `v3/manifests/spec/PACKAGE/*.spec.manifest.json`.

What is dirty is told by package. Blobs are not looked at: who pushes writes the manifest last.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..buildcache import specmanifest
from ..selection import Selection
from .named import YOUNG_NS

__all__ = ["ManifestPoll", "SpecManifests"]

_WAY = f"{specmanifest.DIRECTORY}/"


class SpecManifests(NamedTuple):
    """The spec manifests of the packages that a selection admits; see `named.Named`."""

    selection: Selection

    def has_file(self, path: str, name: str) -> bool:
        """Whether a file in the directory `path` is a manifest."""
        return bool(self.part_of(path)) and specmanifest.hash_of(name) is not None

    def has_directory(self, path: str, name: str) -> bool:
        """Whether a directory in `path` leads to manifests, or holds some."""
        if path != _WAY:
            return _WAY.startswith(f"{path}{name}/")
        return specmanifest.is_package(name) and self.selection.admits_package(name)

    def part_of(self, path: str) -> str:
        """The package that is dirty when something in the directory `path` changes; empty for all."""
        package, slash, _ = path.removeprefix(_WAY).partition("/")
        return f"{package}/" if slash and path.startswith(_WAY) else ""


class ManifestPoll:
    """See `poll.Poll`: one number is remembered for each package."""

    def __init__(self, root: str, wanted: SpecManifests) -> None:
        self.directories = 0
        self._root = f"{root}/{specmanifest.DIRECTORY}"
        self._wanted = wanted
        self._seen: dict[str, int] = {}
        self._looks = 0

    def changed(self, keep_going: Callable[[], bool]) -> list[str]:
        """The packages that differ from the last look, as prefixes; at the first look all of them."""
        self._looks += 1
        looks: dict[str, int] = {}
        for package in self._packages():
            if not keep_going():
                return []
            looks[f"{package}/"] = self._look(f"{self._root}/{package}")
        before, self._seen, self.directories = self._seen, looks, len(looks) + 1
        return sorted({key for key, _ in before.items() ^ looks.items()})

    def _packages(self) -> list[str]:
        try:
            with os.scandir(self._root) as scanned:
                return [one.name for one in scanned if self._wanted.has_directory(_WAY, one.name)]
        except OSError:  # all that was there has changed: the pass says why
            return []

    def _look(self, directory: str) -> int:
        try:
            with os.scandir(directory) as scanned:
                return hash(frozenset(self._marks(scanned)))
        except OSError as error:
            return hash(error.errno)

    def _marks(self, scanned: Iterator[os.DirEntry[str]]) -> Iterator[object]:
        for one in scanned:
            if specmanifest.hash_of(one.name) is None:
                continue
            try:
                status = one.stat(follow_symlinks=False)
            except FileNotFoundError:  # it went since the directory was listed
                continue
            times = status.st_mtime_ns, status.st_ctime_ns
            is_young = 0 <= time.time_ns() - status.st_ctime_ns < YOUNG_NS
            yield one.name, status.st_size, status.st_ino, *times, is_young and self._looks
