"""Sets of nodes, as numbers with a byte a node: joined and cut in one step, whatever their size. Pure."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate, compress, count
from operator import add

from .arrays import Numbers

__all__ = [
    "SPARSE",
    "Mask",
    "chosen",
    "everything",
    "few_of",
    "flags_of",
    "kind_table",
    "mask_of",
    "members",
    "planes_of",
    "select",
    "single",
]

Mask = int
"""1 in the byte of each node that belongs."""
SPARSE = 16
"""Sets of fewer than one in so many nodes are looked through by their members."""
MOST_PAGES = 8
"""Values with so many different high bytes are looked up one by one."""


def mask_of(flags: bytes | bytearray) -> Mask:
    """The set of the nodes that have a 1."""
    return int.from_bytes(flags, "little")


def flags_of(mask: Mask, size: int) -> bytes:
    """A byte a node: 1 or 0."""
    return mask.to_bytes(size, "little")


def everything(size: int) -> Mask:
    """All nodes."""
    return mask_of(b"\1" * size)


def single(node: int) -> Mask:
    """One node."""
    return 1 << 8 * node


def members(mask: Mask, size: int) -> Iterator[int]:
    """The nodes of a set, in order."""
    flags = flags_of(mask, size)
    return iter(few_of(flags)) if flags.count(1) * SPARSE < size else compress(range(size), flags)


def few_of(flags: bytes) -> list[int]:
    """The nodes with a 1, in order; soon where they are few."""
    gaps = flags.split(b"\1")
    gaps.pop()
    return list(map(add, accumulate(map(len, gaps)), count()))


def planes_of(column: Numbers) -> tuple[bytes, ...]:
    """The low bytes of the numbers in a column, then the next ones."""
    data, width = column.tobytes(), column.itemsize
    order = range(width) if sys.byteorder == "little" else range(width - 1, -1, -1)
    return tuple(data[place::width] for place in order)


def select(
    column: Numbers,
    planes: tuple[bytes, ...],
    values: Collection[int],
    most: int,
    pages: dict[int, Mask] | None = None,
) -> Mask:
    """The nodes that have one of some values below `most` in a column.

    In `pages` is kept which nodes have which high byte.
    """
    if not values:
        return 0
    if len(values) == most:
        return everything(len(column))
    if len(planes) == 1:
        return mask_of(planes[0].translate(_table(values)))
    wanted_of: dict[int, list[int]] = {}
    for value in values:
        wanted_of.setdefault(value >> 8, []).append(value & 0xFF)
    if len(planes) != 2 or len(wanted_of) > MOST_PAGES:
        wanted = bytearray(most)
        for value in values:
            wanted[value] = 1
        return mask_of(bytes(map(wanted.__getitem__, column)))
    low, high = planes
    known = {} if pages is None else pages
    found = 0
    for page, parts in wanted_of.items():
        if page not in known and len(known) < MOST_PAGES:
            known[page] = mask_of(high.translate(_table((page,))))
        of_page = known[page] if page in known else mask_of(high.translate(_table((page,))))
        found |= mask_of(low.translate(_table(parts))) & of_page
    return found


def _table(values: Iterable[int]) -> bytes:
    table = bytearray(256)
    for value in values:
        table[value] = 1
    return bytes(table)


def chosen(numbers: Numbers, kinds: Numbers, is_kind: bytes) -> Iterable[int]:
    """The numbers beside which there is one of some kinds."""
    if kinds.itemsize == 1:
        return compress(numbers, kinds.tobytes().translate(is_kind))
    return compress(numbers, map(is_kind.__getitem__, kinds))


def kind_table(kinds: Iterable[int], most: int) -> bytes:
    """What `chosen` takes."""
    table = bytearray(max(256, most))
    for kind in kinds:
        table[kind] = 1
    return bytes(table)
