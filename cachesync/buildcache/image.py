"""What Spack stores in a registry: manifests of images, and the specs in their configs. Pure.

The cache index is the tag `index.spack`, an image with one layer that is said to be a packed tar file and
is plain JSON; a spec is the tag NAME-VERSION-HASH.spack, its document the key `spec` of the image's config
(BUILDCACHE, 2.4; SPACK, 22). Form of a manifest: OCI image specification 1.1, manifest.md.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, NamedTuple

import msgspec

from ..errors import CacheIndexError
from .manifest import ALGORITHMS, Blob
from .places import at_place, shown

__all__ = [
    "MAX_BYTES",
    "MAX_CONFIG_BYTES",
    "MEDIA_TYPE",
    "Config",
    "Image",
    "config",
    "digest",
    "hash_of",
    "index_layer",
    "is_tag",
    "matches",
    "packages_of",
    "parse",
]

MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
MAX_BYTES = 4 << 20
"""Of a manifest: what a registry has to take (OCI distribution specification 1.1, Pushing manifests)."""
MAX_CONFIG_BYTES = 32 << 20
"""Of an image's config, which holds the spec."""

MOST_TAG_CHARACTERS = 128
_DIGEST = re.compile(r"([a-z0-9]{1,32}):([0-9a-f]{1,128})")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SPEC_TAG = re.compile(r".+-([a-z2-7]{32})\.spack")


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]
    media_type: str = ""


class _Manifest(msgspec.Struct, rename="camel"):
    schema_version: int
    config: _Descriptor
    layers: list[_Descriptor]


class _Config(msgspec.Struct):
    spec: msgspec.Raw
    archive_size: int | None = None
    archive_timestamp: str | None = None


class Image(NamedTuple):
    """A manifest of an image."""

    config: Blob
    layers: tuple[Blob, ...]
    """Of a spec: those of what it needs, then its own tarball."""


class Config(NamedTuple):
    """What the config of an image says of its spec."""

    spec: bytes
    """As `spec` of a spec file: `{"_meta": ..., "nodes": [...]}`."""
    archive_bytes: int | None
    """The size of the tarball, where it is said (1.0 and later)."""
    archived_at: str | None
    """When it was made, in ISO form, where that is said."""


_manifest = msgspec.json.Decoder(_Manifest)
_config = msgspec.json.Decoder(_Config)


def parse(data: bytes) -> Image:
    """The blobs of an image. Raises CacheIndexError for what is no manifest of one."""
    found: _Manifest = _decoded(_manifest, data, "the image manifest")
    return Image(_blob(found.config), tuple(map(_blob, found.layers)))


def index_layer(data: bytes) -> Blob:
    """The cache index that the manifest of `index.spack` names. Raises CacheIndexError.

    It is the first layer, as for Spack, whatever its media type says.
    """
    layers = parse(data).layers
    if not layers:
        raise CacheIndexError("the image manifest names no layer, and so no index")
    return layers[0]


def config(data: bytes) -> Config:
    """What the config of a spec's image says. Raises CacheIndexError where it holds no spec."""
    found: _Config = _decoded(_config, data, "the image's config")
    return Config(bytes(found.spec), found.archive_size, found.archive_timestamp)


def is_tag(text: str) -> bool:
    """Whether this can be a tag in a registry."""
    return _TAG.fullmatch(text) is not None


def hash_of(tag: str) -> str | None:
    """The hash of the spec that a tag is of; None for other tags, such as that of the index.

    Spack cuts out the middle of a long tag, and leaves its end.
    """
    match = _SPEC_TAG.fullmatch(tag)
    return match[1] if match else None


def packages_of(tag: str) -> tuple[str, ...] | None:
    """The packages that the tag of a spec may be of: nobody tells where the name ends, and the version begins.

    None where it may be any: Spack has cut the tag.
    """
    if len(tag) >= MOST_TAG_CHARACTERS:
        return None
    parts = tag.split("-")[:-1]
    return tuple("-".join(parts[:count]) for count in range(1, len(parts) + 1))


def matches(data: bytes, digest: str) -> bool | None:
    """Whether `data` has this digest; None where the digest is of a kind that is not known."""
    match = _DIGEST.fullmatch(digest)
    if match is None or len(match[2]) != ALGORITHMS.get(match[1]):
        return None
    return hashlib.new(match[1], data).hexdigest() == match[2]


def digest(data: bytes) -> str:
    """The digest by which a registry knows `data`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _decoded(decoder: msgspec.json.Decoder[Any], data: bytes, named: str) -> Any:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise CacheIndexError(f"{named} is not understood: {at_place(error)}") from None
    except RecursionError:
        raise CacheIndexError(f"{named} is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CacheIndexError(f"{named} is no JSON: {error}") from None


def _blob(found: _Descriptor) -> Blob:
    match = _DIGEST.fullmatch(found.digest)
    if match is None or len(match[2]) != ALGORITHMS.get(match[1]):
        raise CacheIndexError(f"the image manifest names a blob by {shown(found.digest)}")
    return Blob(
        media_type=found.media_type,
        checksum_algorithm=match[1],
        checksum=match[2],
        content_length=found.size,
    )
