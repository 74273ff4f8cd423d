"""An index manifest: the blobs it names, and which of them to read (BUILDCACHE, 2.1). Pure.

A manifest may name databases of several versions side by side; the highest that is understood is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

import msgspec

from ..errors import CacheIndexError
from . import index
from .places import at_place, shown

__all__ = ["ALGORITHMS", "MAX_BYTES", "Blob", "choose", "parse", "require_understood"]

MAX_BYTES = 1 << 20
"""Of a manifest; a real one of an index has some 240."""
MAX_BLOBS = 256
MOST_BEGIN = 64
ALGORITHMS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The checksums that are verified, with their digits; Spack writes sha256."""
VERSION = 3
COMPRESSIONS = frozenset(("none", "gzip"))

_DATABASE = re.compile(r"application/vnd\.spack\.db\.v([0-9]{1,6})\+json")
_SIGNED = b"-----BEGIN PGP SIGNED MESSAGE-----"
_DIGITS = re.compile(r"[0-9a-f]+")


class Blob(msgspec.Struct, frozen=True, rename="camel"):
    """A blob as a manifest names it."""

    media_type: str
    checksum_algorithm: str
    checksum: str
    """Of the bytes as they are stored, like the length."""
    content_length: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]
    compression: str = "none"

    @property
    def version(self) -> int | None:
        """The database version of an index; None for a blob that is something else."""
        media = _DATABASE.fullmatch(self.media_type)
        return int(media[1]) if media else None


class _Manifest(msgspec.Struct):
    data: list[Blob]


class _Head(msgspec.Struct):
    version: int | str | None = None


_head = msgspec.json.Decoder(_Head)
_manifest = msgspec.json.Decoder(_Manifest)


def parse(data: bytes) -> tuple[Blob, ...]:
    """The blobs that a manifest names. Raises CacheIndexError for what is no manifest."""
    if len(data) > MAX_BYTES:
        raise CacheIndexError(f"the manifest is larger than {MAX_BYTES >> 20} MiB")
    if not data.strip():
        raise CacheIndexError("the manifest is empty")
    if data.lstrip().startswith(_SIGNED):
        raise CacheIndexError("the manifest is a signed message, as manifests of indices never are")
    try:
        version = _head.decode(data).version
        if version != VERSION:
            raise CacheIndexError(
                f"the manifest has version {shown(version)}; this cachesync reads {VERSION}"
            )
        blobs = _manifest.decode(data).data
    except msgspec.ValidationError as error:
        raise CacheIndexError(f"the manifest is not understood: {at_place(error)}") from None
    except RecursionError:
        raise CacheIndexError("the manifest is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        begin = shown(data.lstrip()[:MOST_BEGIN].decode(errors="replace"))
        raise CacheIndexError(f"the manifest is no JSON: {error}; it begins with {begin}") from None
    if len(blobs) > MAX_BLOBS:
        raise CacheIndexError(f"the manifest names more than {MAX_BLOBS} blobs")
    return tuple(blobs)


def choose(blobs: Iterable[Blob]) -> Blob:
    """The index to read: the database of the highest version that is understood.

    Raises CacheIndexError where there is none, or its checksum or compression is not understood.
    """
    versions = {blob.version: blob for blob in reversed(tuple(blobs)) if blob.version is not None}
    if not versions:
        raise CacheIndexError("the manifest names no index (application/vnd.spack.db...)")
    understood = sorted(version for version in versions if version in index.VERSIONS)
    if not understood:
        raise index.wrong_version(", ".join(map(str, sorted(versions))), max(versions))
    blob = versions[understood[-1]]
    require_understood(blob, "the index")
    return blob


def require_understood(blob: Blob, what: str) -> None:
    """Raise CacheIndexError where the checksum or the compression of a blob is not understood."""
    if blob.compression not in COMPRESSIONS:
        raise CacheIndexError(
            f"{what} is packed as {shown(blob.compression)}; none and gzip are understood"
        )
    if blob.checksum_algorithm not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise CacheIndexError(
            f"{what} has a checksum by {shown(blob.checksum_algorithm)}, not by one of {known}"
        )
    digits = ALGORITHMS[blob.checksum_algorithm]
    if len(blob.checksum) != digits or _DIGITS.fullmatch(blob.checksum) is None:
        raise CacheIndexError(f"{shown(blob.checksum)} is no checksum by {blob.checksum_algorithm}")
