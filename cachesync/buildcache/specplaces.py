"""Where a mirror has what it needs to install one spec, and what the manifest of a spec names. Pure.

Layout 3 (BUILDCACHE, 2.1) has a manifest for each spec, which names its tarball and its document; layout 2
(2.3) has the two beside each other, under names that hold system and compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..errors import CacheIndexError
from ..model import NO_COMPILER, Build
from . import clearsigned, manifest

__all__ = ["OldPlaces", "SpecManifest", "manifest_path", "named", "old_places"]

_IMPOLITE = re.compile(r"[^A-Za-z0-9_+.-]")
_TARBALL = re.compile(r"application/vnd\.spack\.install\.v[0-9]{1,6}\.tar\+gzip")
_DOCUMENT = re.compile(r"application/vnd\.spack\.spec\.v[0-9]{1,6}\+json")


class SpecManifest(NamedTuple):
    """The manifest of a spec."""

    tarball: manifest.Blob
    document: manifest.Blob
    """The spec itself."""
    is_signed: bool
    """Whether a signature is there; nobody verified it."""


class OldPlaces(NamedTuple):
    """Where layout 2 has a spec."""

    signed: str
    unsigned: str
    tarball: str


def manifest_path(package: str, version: str, spec_hash: str) -> str:
    """Where layout 3 has the manifest of a spec."""
    title = _polite(f"{package}-{version}-{spec_hash}")
    return f"v3/manifests/spec/{_polite(package)}/{title}.spec.manifest.json"


def named(data: bytes) -> SpecManifest:
    """What the manifest of a spec names. Raises CacheIndexError for what is none."""
    is_signed = clearsigned.is_signed(data)
    blobs = manifest.parse(clearsigned.opened(data) if is_signed else data)
    tarball, document = _only(blobs, _TARBALL, "tarball"), _only(blobs, _DOCUMENT, "spec")
    return SpecManifest(tarball, document, is_signed)


def _only(blobs: Iterable[manifest.Blob], media: re.Pattern[str], what: str) -> manifest.Blob:
    """The first blob of a media type. Raises CacheIndexError."""
    blob = next((one for one in blobs if media.fullmatch(one.media_type)), None)
    if blob is None:
        raise CacheIndexError(f"the manifest names no {what}")
    return manifest.checked(blob, f"the {what}")


def old_places(build: Build, spec_hash: str) -> OldPlaces:
    """Where layout 2 has a spec."""
    compiler, _, version = build.compiler.partition("@")
    by = f"{compiler}-{version.removeprefix('=') or NO_COMPILER}"
    system = f"{build.platform}-{build.os}-{build.target}"
    title = f"{build.package}-{build.version}"
    name = _polite(f"{system}-{by}-{title}-{spec_hash}")
    below = "/".join(map(_polite, (system, by, title)))
    document = f"build_cache/{name}.spec.json"
    return OldPlaces(f"{document}.sig", document, f"build_cache/{below}/{name}.spack")


def _polite(text: str) -> str:
    """A name of a file as Spack makes it (SPACK, 7)."""
    return _IMPOLITE.sub("_", text)
