"""What is known of a spec beyond its build and its edges, as one line of JSON that many specs share.

The target object is a thousand bytes and there are a few dozen: it has a table of its own, and the
line has its id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from ..model import Details

__all__ = ["build_digest", "digest", "pack_details", "unpack_details"]

_TARGET = Details._fields.index("target")


def pack_details(details: Details, target_id: int | None) -> str:
    """The line for some details of which the target object has an id."""
    said = (*details[:_TARGET], target_id, *details[_TARGET + 1 :])
    # As it was before indexes said it: what they do not say is left out.
    return json.dumps(said[:-1] if said[-1] is None else said, separators=(",", ":"))


def unpack_details(document: str, targets: Mapping[int, str]) -> Details:
    """The inverse of `pack_details`. Raises ValueError, TypeError or KeyError for what it did not make."""
    said = Details(*json.loads(document))
    return said._replace(
        flags=tuple((name, tuple(values)) for name, values in said.flags),
        patches=tuple(said.patches),
        target=None if said.target is None else targets[int(said.target)],
        compilers=tuple((language, compiler) for language, compiler in said.compilers),
        lists=tuple(said.lists),
        provided_virtuals=None if said.provided_virtuals is None else tuple(said.provided_virtuals),
    )


def build_digest(parts: Sequence[str]) -> int:
    """What to find a build by; `parts` are its columns. One with one compiler has that of schema 4."""
    return digest("\n".join(parts if parts[-1] else parts[:-1]))


def digest(document: str) -> int:
    """A number of 64 bits, signed as SQLite has them, to find a document by."""
    return int.from_bytes(blake2b(document.encode(), digest_size=8).digest(), "big", signed=True)
