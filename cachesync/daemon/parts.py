"""Sources of which a part can be looked at by itself: those that lie in the file system, piece by piece."""

from __future__ import annotations

import os
from collections.abc import Collection

from ..sources.directory import DirectorySource
from ..sync.mirrorsource import ManifestSource, is_by_manifests

__all__ = ["divisible", "identity", "part"]


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
