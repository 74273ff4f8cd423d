"""The manifest of one spec of a mirror: what its name says, and the blobs it names (BUILDCACHE, 2.1). Pure.

It may be clear-signed in place, under the same name (SPACK, 5). The media type of the spec document lies
after a migration (SPACK, 13): which format it has, the document itself says.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import CacheIndexError
from . import clearsigned, manifest
from .manifest import Blob

__all__ = ["DIRECTORY", "MAX_BYTES", "SUFFIX", "SpecManifest", "hash_of", "is_package", "parse"]

DIRECTORY = "v3/manifests/spec"
"""Where the manifests of a mirror lie, each in a directory of its package."""
SUFFIX = ".spec.manifest.json"
MAX_BYTES = manifest.MAX_BYTES
MAX_SPEC_BYTES = 16 << 20
"""Of a spec document as it is stored; real ones have some 6,500."""

_POLITE = r"[A-Za-z0-9_+.\-]"
"""What Spack leaves as it is in the name of a file; all else becomes `_` (BUILDCACHE, 2.1)."""
_NAME = re.compile(rf"{_POLITE}+-([a-z2-7]{{32}}){re.escape(SUFFIX)}")
_PACKAGE = re.compile(rf"(?!\.){_POLITE}{{1,255}}")
_SPEC = re.compile(r"application/vnd\.spack\.spec\.v([0-9]{1,6})\+json")
_TARBALL = re.compile(r"application/vnd\.spack\.install\.v[0-9]{1,6}\.tar\+gzip")


class SpecManifest(NamedTuple):
    """What the manifest of a spec names."""

    spec: Blob
    tarball: Blob | None
    is_signed: bool
    """Whether it says that it is; nothing is verified."""


def hash_of(name: str) -> str | None:
    """The hash that the name of a manifest ends in: `NAME-VERSION-HASH.spec.manifest.json`."""
    found = _NAME.fullmatch(name)
    return found[1] if found else None


def is_package(name: str) -> bool:
    """Whether a directory of this name may hold the manifests of a package."""
    return _PACKAGE.fullmatch(name) is not None


def parse(data: bytes) -> SpecManifest:
    """The blobs of a spec. Raises CacheIndexError for what is no manifest of one."""
    is_signed = clearsigned.is_signed(data)
    blobs = manifest.parse(clearsigned.text(data) if is_signed else data)
    specs = [(int(media[1]), blob) for blob in blobs if (media := _SPEC.fullmatch(blob.media_type))]
    if not specs:
        raise CacheIndexError("the manifest names no spec (application/vnd.spack.spec...)")
    _, spec = max(specs, key=lambda one: one[0])
    manifest.require_understood(spec, "the spec")
    if spec.content_length > MAX_SPEC_BYTES:
        raise CacheIndexError(
            f"its spec has {spec.content_length:,} bytes, more than {MAX_SPEC_BYTES >> 20} MiB"
        )
    tarballs = (blob for blob in blobs if _TARBALL.fullmatch(blob.media_type))
    tarball = next(tarballs, None)
    if tarball is not None:
        manifest.require_understood(tarball, "the tarball")
    return SpecManifest(spec, tarball, is_signed)
