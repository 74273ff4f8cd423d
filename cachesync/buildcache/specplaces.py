"""Where a mirror has what it needs to install one spec. Pure.

Layout 3 (BUILDCACHE, 2.1) has a manifest for each spec, which names its tarball and its document; layout 2
(2.3) has the two beside each other, under names that hold system and compiler.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..model import NO_COMPILER, Build

__all__ = ["OldPlaces", "manifest_path", "old_places", "tag"]

_IMPOLITE = re.compile(r"[^A-Za-z0-9_+.-]")
_NO_TAG = re.compile(r"[^A-Za-z0-9_.-]")
_MOST_TAG = 128


class OldPlaces(NamedTuple):
    """Where layout 2 has a spec."""

    signed: str
    unsigned: str
    tarball: str


def manifest_path(package: str, version: str, spec_hash: str) -> str:
    """Where layout 3 has the manifest of a spec."""
    title = _polite(f"{package}-{version}-{spec_hash}")
    return f"v3/manifests/spec/{_polite(package)}/{title}.spec.manifest.json"


def tag(package: str, version: str, spec_hash: str) -> str:
    """The tag of a spec in a registry; of a long one Spack cuts out the middle (BUILDCACHE, 2.4)."""
    text = _NO_TAG.sub("_", f"{package}-{version}-{spec_hash}.spack")
    return text if len(text) <= _MOST_TAG else text[: _MOST_TAG // 2] + text[-_MOST_TAG // 2 :]


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
