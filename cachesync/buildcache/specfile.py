"""A spec document: a concrete spec and everything it depends on, each as it stands there. Pure.

`{"spec": {"_meta": {"version": 5}, "nodes": [...]}}`, the first of the nodes being the spec (Spack 0.18 and
later, read from blobs that 0.23 to 1.2 wrote). The nodes are what an index has as the `spec` of a record.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ..errors import CacheIndexError
from .index import are_hashes, is_hash
from .nodes import FORMATS
from .places import at_place, shown

__all__ = ["MAX_BYTES", "SpecFile", "parse"]

MAX_BYTES = 64 << 20
"""Of a document, unpacked; real ones have some 80,000."""
MAX_NODES = 10_000
_DATABASES = {spec_format: version for version, spec_format in FORMATS.items()}


class SpecFile(NamedTuple):
    """A spec with its dependencies."""

    hash: str
    name: str
    """Of its package."""
    database: int
    """The version of the oldest database that has records of this format."""
    nodes: dict[str, msgspec.Raw]
    """By hash; the spec itself is the first."""
    is_signed: bool | None = None
    """Whether the manifest that led to it says that it is; None where there is none that could."""


class _Meta(msgspec.Struct):
    version: int


class _Nodes(msgspec.Struct):
    nodes: list[msgspec.Raw]
    meta: _Meta = msgspec.field(name="_meta")


class _Document(msgspec.Struct):
    spec: _Nodes


class _Title(msgspec.Struct, gc=False):
    name: str
    hash: str


class _Titles(msgspec.Struct):
    nodes: list[_Title]


class _Titled(msgspec.Struct):
    spec: _Titles


_document = msgspec.json.Decoder(_Document)
_titled = msgspec.json.Decoder(_Titled)


def parse(data: bytes) -> SpecFile:
    """Split a document. Raises CacheIndexError for what is none."""
    if len(data) > MAX_BYTES:
        raise CacheIndexError(f"the spec is larger than {MAX_BYTES >> 20} MiB")
    try:
        spec = _document.decode(data).spec
        titles = _titled.decode(data).spec.nodes  # sooner done than node by node
    except msgspec.ValidationError as error:
        raise CacheIndexError(f"the spec is not understood: {at_place(error)}") from None
    except RecursionError:
        raise CacheIndexError("the spec is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CacheIndexError(f"the spec is no JSON: {error}") from None
    if spec.meta.version not in _DATABASES:
        known = sorted(_DATABASES)
        raise CacheIndexError(
            f"the spec has format {spec.meta.version}; this cachesync reads {known[0]} to {known[-1]}"
        )
    if not titles or len(titles) > MAX_NODES:
        raise CacheIndexError(f"the spec has {len(titles):,} nodes, not 1 to {MAX_NODES:,}")
    hashes = [title.hash for title in titles]
    if not are_hashes(hashes):
        wrong = next(one for one in hashes if not is_hash(one))
        raise CacheIndexError(f"{shown(wrong)} in the spec is no hash")
    nodes = dict(zip(hashes, spec.nodes, strict=True))
    if len(nodes) < len(hashes):  # what is there twice is as it was first
        nodes.update(zip(reversed(hashes), reversed(spec.nodes), strict=True))
    return SpecFile(titles[0].hash, titles[0].name, _DATABASES[spec.meta.version], nodes)
