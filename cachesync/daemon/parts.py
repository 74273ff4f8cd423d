"""Sources of which a part can be looked at by itself: those that lie in the file system, piece by piece."""

from __future__ import annotations

import os
from collections.abc import Collection

from ..config.settings import Watch
from ..config.sourceconfigs import BuildcacheSourceConfig, ReadMode, SourceConfig
from ..sources.directory import DirectorySource
from ..sync.mirrorsource import ManifestSource, is_by_manifests
from ..watch.debounce import Debouncer

__all__ = ["debouncer", "divisible", "identity", "part"]


PUSHED_QUIETS = 2
"""A package into which pushes go on and on is looked at after so many times `quiet`."""
PUSHED_PACKAGES = 2_000
"""Dirty packages of a mirror; one more and all manifests are looked at, which takes long where many stand."""


def debouncer(entry: SourceConfig, watch: Watch) -> Debouncer:
    """What gathers the events of a source until what they are about is looked at.

    Manifests are written whole, and last of a push: there is nothing to wait for while others are pushed.
    """
    is_pushed = isinstance(entry, BuildcacheSourceConfig) and entry.read is ReadMode.MANIFESTS
    quiet, cap = watch.quiet_seconds, watch.cap_seconds
    if not is_pushed:
        return Debouncer(quiet_seconds=quiet, cap_seconds=cap)
    return Debouncer(
        quiet_seconds=quiet,
        cap_seconds=cap,
        part_cap_seconds=PUSHED_QUIETS * quiet,
        most_tags=PUSHED_PACKAGES,
    )


def divisible(source: object) -> DirectorySource | ManifestSource | None:
    """The source, if it is one of these: of pages by their tags, of spec manifests by their packages."""
    if isinstance(source, DirectorySource) or (is_by_manifests(source) and source.root is not None):
        return source
    return None


def part(source: object, names: Collection[str], root: tuple[int, int] | None) -> (
    DirectorySource | ManifestSource | None
):  # fmt: skip
    """Some tags or packages of a source; None where it is none of these, or lies elsewhere than at `root`."""
    found = divisible(source)
    if found is None or identity(found) != root:
        return None
    return found.part(names)


def identity(source: object) -> tuple[int, int] | None:
    """Which directory a source lies in; None where it lies in none, or is not there."""
    found = divisible(source)
    if found is None or found.root is None:
        return None
    try:
        status = os.stat(found.root)
    except OSError:
        return None
    return status.st_dev, status.st_ino
