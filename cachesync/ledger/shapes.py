"""What is known of a spec beyond its build and its edges, as one line of JSON that many specs share.

The target object is a thousand bytes and there are a few dozen: it has a table of its own, and the
line has its id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b

from ..model import Details

__all__ = ["digest", "pack_details", "unpack_details"]


def pack_details(details: Details, target_id: int | None) -> str:
    """The line for some details of which the target object has an id."""
    line = (*details[:4], target_id, *details[5:])
    return json.dumps(line, separators=(",", ":"))


def unpack_details(document: str, targets: Mapping[int, str]) -> Details:
    """The inverse of `pack_details`. Raises ValueError, TypeError or KeyError for what it did not make."""
    namespace, package_hash, flags, patches, target_id, external, build_spec, compilers, format_ = (
        json.loads(document)
    )
    return Details(
        namespace,
        package_hash,
        tuple((name, tuple(values)) for name, values in flags),
        tuple(patches),
        None if target_id is None else targets[target_id],
        external,
        build_spec,
        tuple((language, compiler) for language, compiler in compilers),
        format_,
    )


def digest(document: str) -> int:
    """A number of 64 bits, signed as SQLite has them, to find a document by."""
    return int.from_bytes(blake2b(document.encode(), digest_size=8).digest(), "big", signed=True)
