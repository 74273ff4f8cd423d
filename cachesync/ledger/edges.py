"""The edges of a spec as a few bytes: what a ledger with half a million of them can afford. Pure.

Each edge is two numbers, as varints of seven bits a byte, the low ones first: how far the dependency's id
lies below that of the spec (zigzag: 2n for n, 2n - 1 for -n), and the id of its kind. A dependency that no
index ever told of has no id: the distance is 0 then, which is nobody's dependency, and after the kind
stand the length of its hash and the hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ..model import EdgeKind

__all__ = [
    "Packed",
    "near_distances",
    "pack_distance",
    "pack_kind",
    "pack_unknown",
    "unpack_edges",
    "unpack_kind",
    "varint",
]

Packed = tuple[int | str, int]
"""The id of the dependency, or the hash of one that is not known; the id of the kind."""


def varint(number: int) -> bytes:
    """A natural number, seven bits a byte, the low ones first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def pack_distance(distance: int) -> bytes:
    """How far a dependency's id lies below that of the spec; not 0. The varint of its kind follows."""
    number = 2 * distance if distance > 0 else -2 * distance - 1
    if (
        0x3FFF < number < 0x200000
    ):  # what is far in a big index, which has a hundred thousand of them
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    return varint(number)


@cache
def near_distances() -> list[bytes]:
    """`pack_distance` by distance, as far as two bytes are enough; of 0 there is none."""
    return [b"", *map(pack_distance, range(1, 1 << 13))]


def pack_unknown(dependency: str, kind: int) -> bytes:
    """An edge to a dependency that has no id."""
    text = dependency.encode()
    return b"\0" + varint(kind) + varint(len(text)) + text


def unpack_edges(spec_id: int, packed: bytes) -> Iterator[Packed]:
    """The edges of the spec with an id, of which the bytes are joined. Raises IndexError for others."""
    at, end = 0, len(packed)
    while at < end:
        number = packed[at]
        at += 1
        if number > 0x7F:
            number, at = _more(number, packed, at)
        kind = packed[at]
        at += 1
        if kind > 0x7F:
            kind, at = _more(kind, packed, at)
        if number:
            yield spec_id - (number >> 1 if not number & 1 else -(number + 1 >> 1)), kind
            continue
        length = packed[at]
        at += 1
        if length > 0x7F:
            length, at = _more(length, packed, at)
        yield packed[at : at + length].decode(), kind
        at += length


def _more(number: int, packed: bytes, at: int) -> tuple[int, int]:
    """A varint of which the first byte was read; with where the next thing begins."""
    number &= 0x7F
    shift = 7
    while True:
        byte = packed[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def pack_kind(kind: EdgeKind) -> str:
    """A kind of edge as text."""
    return "\n".join((*kind.types, "", *kind.virtuals))


def unpack_kind(text: str) -> EdgeKind:
    """The inverse of `pack_kind`."""
    lines = text.split("\n")
    middle = lines.index("")
    return EdgeKind(tuple(lines[:middle]), tuple(lines[middle + 1 :]))
