"""Spack's rule for the hash of a spec: over its JSON as it stands, without the hash (SPACK, 15). Pure.

It holds for every spec that was hashed as it is written: not for spliced ones, which have a `build_spec`,
nor for those that a later Spack wrote anew (a migrated mirror), whose nodes got annotations.
"""

from __future__ import annotations

import json
from base64 import b32encode
from hashlib import sha1
from typing import Any

from .index import CHECKSUM_BYTES, Record
from .places import Wrong, shown

__all__ = ["FORMATS", "dag_hash", "examine", "loaded"]

FORMATS = range(4, 6)
"""The formats for which the rule was seen to hold (Spack 0.23 to 1.2)."""

_BASE32 = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyz234567", b"0123456789abcdefghijklmnopqrstuv")
_TAIL = ',"hash":"{}"}}'
_TAIL_BYTES = len(_TAIL.format("x" * 32))


def examine(record: Record, spec_hash: str) -> tuple[bytes, bool]:
    """The `checksum` of a record, and whether its hash is that of its bytes as they stand; read once.

    The hash needs no closer look where it is so. False says nothing: white space, or another place of the
    hash, and `dag_hash` must tell.
    """
    view = memoryview(record.spec)
    digest = sha1(view[:-_TAIL_BYTES], usedforsecurity=False)
    is_so = False
    if view[-_TAIL_BYTES:] == _TAIL.format(spec_hash).encode():
        bare = digest.copy()
        bare.update(b"}")
        wanted = int(spec_hash.encode().translate(_BASE32), 32)
        is_so = int.from_bytes(bare.digest(), "big") == wanted
    digest.update(view[-_TAIL_BYTES:])
    return digest.digest()[:CHECKSUM_BYTES], is_so


def loaded(spec: bytes) -> dict[str, Any]:
    """A spec's document in the order of its keys. Raises Wrong where an object has a key twice."""
    try:
        found: dict[str, Any] = json.loads(spec, object_pairs_hook=_object)
    except ValueError as error:
        raise Wrong(f"is not understood: {error}") from None
    return found


def dag_hash(spec: dict[str, Any]) -> str:
    """The hash of a spec by its meaning."""
    bare = {key: value for key, value in spec.items() if key != "hash"}
    data = json.dumps(bare, separators=(",", ":")).encode()
    return b32encode(sha1(data, usedforsecurity=False).digest()).decode().lower()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Wrong(f"the key {shown(twice)} is there twice")
    return found
