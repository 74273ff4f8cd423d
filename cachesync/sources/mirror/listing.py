"""The spec manifests of a mirror that can be listed: their names, and the spec that one of them leads to.

What is plugged in here is a way to list: files, tags of a registry, objects of a bucket.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol

from ...buildcache import layout, specfile, specmanifest
from ...buildcache.manifest import Blob
from ...buildcache.specfile import SpecFile
from ...buildcache.unpacking import unpacked
from ...errors import CacheIndexError
from ..base import Unchanged
from .place import Absent, Place, Small

__all__ = ["Listed", "Manifests", "Named", "better", "check_blob", "is_signed", "spec_file"]


class Named(NamedTuple):
    """A manifest as a listing has it."""

    path: str
    """Relative to the mirror, or whatever else its `Manifests` reads it by."""
    package: str | None
    """Under which it lies; None where a listing does not tell."""


class Listed(NamedTuple):
    """What a listing came to."""

    manifests: Mapping[str, Named]
    """By hash."""
    unlisted: Mapping[str, str]
    """Packages that could not be looked into, and why: nothing of them is known to be gone."""
    is_there: bool = True
    """False where there is something, but no mirror that could have any."""


class Manifests(Protocol):
    """The spec manifests of one mirror."""

    @property
    def is_near(self) -> bool:
        """Whether what goes wrong with one says nothing of the others: there is no network between."""

    def listed(self, packages: Collection[str] | None) -> Listed:
        """All of them, or those of some packages. Raises SourceError where that cannot be told."""

    def spec(self, one: Named, *, needs_tarball: bool) -> SpecFile | None:
        """The spec of a manifest; None where it is not there any more, or not yet whole.

        Raises CacheIndexError where it is not accepted, SourceError where it cannot be had.
        """

    def is_signed(self, one: Named) -> bool | None:
        """Whether a manifest says that it is signed; None where it cannot tell. Raises SourceError."""

    def lack(self, one: Named, *, needs_tarball: bool) -> str | None:
        """Why what was read before is not to be had any more, as far as that costs no request.

        None where it is, or where that cannot be told.
        """

    def lacks_tarball(self, one: Named) -> bool:
        """Whether its tarball is not there, as far as that costs no request."""


def spec_file(
    mirror: Place, path: str, check_tarball: Callable[[Blob], None] = lambda _blob: None
) -> SpecFile | None:
    """See `Manifests.spec`: of a manifest that lies in a mirror as a file does.

    `check_tarball` may raise CacheIndexError.

    A near one that was written this very moment and makes no sense is not whole yet.
    """
    small = mirror.small(path, most_bytes=specmanifest.MAX_BYTES)
    if not isinstance(small, Small):
        _require_certain(small)
        return None
    try:
        manifest = specmanifest.parse(small.data)
    except CacheIndexError:
        if mirror.is_near and not small.validators:
            return None
        raise
    where = layout.blob_path(manifest.spec.checksum_algorithm, manifest.spec.checksum)
    blob = mirror.small(where, most_bytes=specmanifest.MAX_SPEC_BYTES)
    if not isinstance(blob, Small):
        _require_certain(blob)
        raise CacheIndexError(f"the spec that it names is not there ({where})")
    check_blob(blob.data, manifest.spec)
    if manifest.tarball is None:
        raise CacheIndexError("names no tarball")
    check_tarball(manifest.tarball)
    try:
        data = b"".join(unpacked([blob.data], most_bytes=specfile.MAX_BYTES))
    except CacheIndexError as error:
        raise CacheIndexError(error.message.replace("the index", "the spec", 1)) from None
    return specfile.parse(data)._replace(is_signed=manifest.is_signed)


def is_signed(mirror: Place, path: str) -> bool | None:
    """See `Manifests.is_signed`: of a manifest that lies in a mirror as a file does."""
    small = mirror.small(path, most_bytes=specmanifest.MAX_BYTES)
    if not isinstance(small, Small):
        return None
    try:
        return specmanifest.parse(small.data).is_signed
    except CacheIndexError:
        return None


def _require_certain(absent: Absent | Unchanged) -> None:
    """Raise CacheIndexError for what is there perhaps, and may not be read."""
    if isinstance(absent, Absent) and not absent.is_certain:
        raise CacheIndexError(f"cannot be read: {absent.reason}")


def better(before: Named | None, named: Named) -> Named:
    """Of two manifests of one spec the one in its own package's directory, else the first by path."""
    return named if before is None or _rank(named) < _rank(before) else before


def _rank(named: Named) -> tuple[bool, str]:
    name = named.path.rpartition("/")[2]
    return not name.startswith(f"{named.package}-"), named.path


def check_blob(data: bytes, blob: Blob) -> None:
    """Raise CacheIndexError where the bytes are not those of a blob."""
    if len(data) != blob.content_length:
        raise CacheIndexError(
            f"the spec has {len(data):,} bytes, and {blob.content_length:,} by its manifest"
        )
    found = hashlib.new(blob.checksum_algorithm, data).hexdigest()
    if found != blob.checksum:
        raise CacheIndexError(f"the spec has not the checksum in its manifest, but {found}")
