"""The spec manifests of a mirror in the file system, listed by their names: no file is opened for that."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator

from ...buildcache import layout, specmanifest
from ...buildcache.index import MAX_RECORDS
from ...buildcache.manifest import Blob
from ...buildcache.specfile import SpecFile
from ...errors import SourceError
from ...selection import Selection
from .files import Files
from .listing import Listed, Named, better, is_signed, spec_file

__all__ = ["FileManifests"]

_LAYOUT = "v3/layout.json"


class FileManifests:
    """See `listing.Manifests`."""

    is_near = True

    def __init__(self, files: Files, selection: Selection) -> None:
        """Only packages that `selection` admits are looked into."""
        self._files = files
        self._selection = selection

    def listed(self, packages: Collection[str] | None) -> Listed:
        """See `Manifests`."""
        found: dict[str, Named] = {}
        unlisted: dict[str, str] = {}
        try:
            there = list(self._packages())
        except (FileNotFoundError, NotADirectoryError):
            self._files.require_root()
            is_empty = self._files.size(_LAYOUT) is not None  # nothing was pushed to it yet
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
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                unlisted[package] = _reason(error)
        return Listed(found, unlisted)

    def spec(self, one: Named, warn: Callable[[str], object]) -> SpecFile | None:
        """See `Manifests`. Whether its tarball is there, and as long as it should be, is warned of."""
        return spec_file(self._files, one.path, lambda blob: self._check_tarball(blob, warn))

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

    def _check_tarball(self, blob: Blob, warn: Callable[[str], object]) -> None:
        size = self._files.size(layout.blob_path(blob.checksum_algorithm, blob.checksum))
        if size is None:
            warn("the tarball that it names is not there")
        elif size != blob.content_length:
            warn(f"its tarball has {size:,} bytes, and {blob.content_length:,} by its manifest")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
