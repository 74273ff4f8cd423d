"""The spec manifests of a mirror in the file system, listed by their names: no file is opened for that."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator

from ...buildcache import layout, specmanifest
from ...buildcache.index import MAX_RECORDS
from ...buildcache.manifest import Blob
from ...buildcache.specfile import SpecFile
from ...buildcache.specmanifest import SpecManifest
from ...errors import CacheIndexError, SourceError
from ...selection import Selection
from .files import Files
from .listing import Listed, Named, better, is_signed, spec_file
from .place import Small

__all__ = ["FileManifests"]

WRITTEN_SECONDS = 2.0
"""A file that is younger than this, and is not what it should be, may be being written."""
_LAYOUT = "v3/layout.json"


class FileManifests:
    """See `listing.Manifests`."""

    is_near = True

    def __init__(
        self, files: Files, selection: Selection, clock: Callable[[], float] = time.time
    ) -> None:
        """Only packages that `selection` admits are looked into. `clock` gives Unix time."""
        self._files = files
        self._selection = selection
        self._clock = clock

    def listed(self, packages: Collection[str] | None) -> Listed:
        """See `Manifests`."""
        found: dict[str, Named] = {}
        unlisted: dict[str, str] = {}
        try:
            there = list(self._packages())
        except (FileNotFoundError, NotADirectoryError):
            self._files.require_root()
            is_empty = self._files.found(_LAYOUT) is not None  # nothing was pushed to it yet
            return Listed(found, unlisted, is_there=is_empty)
        except OSError as error:
            raise SourceError(
                f"{self._files.where(specmanifest.DIRECTORY)} cannot be read: {_reason(error)}",
                hint="chmod o+rX, or chmod g+rX for a group of the daemon's user",
            ) from error
        wanted = there if packages is None else sorted(set(packages).intersection(there))
        for package in wanted:
            try:
                for name in self._names(package):
                    self._note(found, package, name)
            except (FileNotFoundError, NotADirectoryError):  # it went since it was listed
                continue
            except OSError as error:
                unlisted[package] = _reason(error)
        return Listed(found, unlisted)

    def spec(self, one: Named, *, needs_tarball: bool) -> SpecFile | None:
        """See `Manifests`. A tarball that is needed has to be as long as it should be."""
        check = self._check_tarball if needs_tarball else lambda _blob: None
        return spec_file(self._files, one.path, check)

    def lack(self, one: Named, *, needs_tarball: bool) -> str | None:
        """See `Manifests`. No blob is read: that it is there, and how long it is, is looked at."""
        try:
            said = self._said(one)
            if said is None:
                return None
            if said.tarball is None:
                return "names no tarball"
            lack = self._lack("spec", said.spec)
            return self._lack("tarball", said.tarball) if lack is None and needs_tarball else lack
        except SourceError:  # nothing can be said of what cannot be looked at
            return None
        except CacheIndexError as error:
            return None if self._is_young(one.path) else error.message

    def lacks_tarball(self, one: Named) -> bool:
        """See `Manifests`. A cut one is there."""
        try:
            said = self._said(one)
            blob = None if said is None else said.tarball
            return blob is not None and self._files.found(_path(blob)) is None
        except (CacheIndexError, SourceError):  # a fault of another kind, told of by `lack`
            return False

    def _said(self, one: Named) -> SpecManifest | None:
        """A manifest, unless it went this moment. Raises CacheIndexError, SourceError."""
        small = self._files.small(one.path, most_bytes=specmanifest.MAX_BYTES)
        return specmanifest.parse(small.data) if isinstance(small, Small) else None

    def is_signed(self, one: Named) -> bool | None:
        """See `Manifests`."""
        return is_signed(self._files, one.path)

    def _packages(self) -> Iterator[str]:
        """The directories of wanted packages; whether each is one is seen when it is looked into."""
        with os.scandir(self._files.where(specmanifest.DIRECTORY)) as scanned:
            for child in scanned:
                name = child.name
                if specmanifest.is_package(name) and self._selection.admits_package(name):
                    yield name

    def _names(self, package: str) -> Iterator[str]:
        with os.scandir(self._files.where(f"{specmanifest.DIRECTORY}/{package}")) as scanned:
            for child in scanned:
                if child.name.endswith(specmanifest.SUFFIX) and child.is_file():
                    yield child.name

    def _note(self, found: dict[str, Named], package: str, name: str) -> None:
        spec_hash = specmanifest.hash_of(name)
        if spec_hash is None:
            return
        named = Named(f"{specmanifest.DIRECTORY}/{package}/{name}", package)
        found[spec_hash] = better(found.get(spec_hash), named)
        if len(found) > MAX_RECORDS:
            raise SourceError(f"there are more than {MAX_RECORDS:,} spec manifests")

    def _check_tarball(self, blob: Blob) -> None:
        if (lack := self._lack("tarball", blob)) is not None:
            raise CacheIndexError(lack)

    def _lack(self, what: str, blob: Blob) -> str | None:
        """Why a blob is not there as its manifest says, or None. Raises SourceError."""
        path = _path(blob)
        there = self._files.found(path)
        if there is None:
            return f"the {what} that it names is not there ({path})"
        if there.size == blob.content_length or self._is_young(path):
            return None
        return f"its {what} has {there.size:,} bytes, and {blob.content_length:,} by its manifest"

    def _is_young(self, path: str) -> bool:
        """Whether a file may be being written, or went or may not be looked at meanwhile."""
        try:
            there = self._files.found(path)
        except SourceError:
            return True
        if there is None or there.modified is None:
            return True
        return abs(self._clock() - there.modified) < WRITTEN_SECONDS


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _path(blob: Blob) -> str:
    return layout.blob_path(blob.checksum_algorithm, blob.checksum)
