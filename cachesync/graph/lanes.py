"""Who reaches each of many sets of nodes: all in one walk along the edges, a bit of a number for each set. Pure."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence

from .masks import Mask, chosen, everything, flags_of, mask_of, planes_of
from .reaching import Reaching

__all__ = ["reaching_each"]

NARROW, WIDE = 8, 64
"""So many sets fit into the numbers."""


def reaching_each(reaching: Reaching, wanted: Sequence[Mask], *, of_all_types: bool) -> list[Mask]:
    """Of each set those that `^` leads from to a node of it; with `of_all_types` over any edges."""
    found: list[Mask] = []
    for first in range(0, len(wanted), WIDE):
        found += _together(reaching, wanted[first : first + WIDE], of_all_types)
    return found


def _together(reaching: Reaching, wanted: Sequence[Mask], of_all_types: bool) -> Iterator[Mask]:  # noqa: FBT001
    graph = reaching.graph
    size, bits = graph.size, _packed(wanted, graph.size)
    reaching.charge(2 * size)
    marks, direct = (array(bits.typecode, bytes(size * bits.itemsize)) for _ in range(2))
    starts, downs, parents, kinds = (
        graph.back_starts, graph.back_downs, graph.parents, graph.back_kinds,
    )  # fmt: skip
    ends = starts[1:] if of_all_types else downs
    for node, asked in enumerate(bits):
        if not asked:
            continue
        for parent in parents[starts[node] : ends[node]]:
            marks[parent] |= asked
        if ends[node] < starts[node + 1]:
            between = slice(ends[node], starts[node + 1])
            for parent in chosen(parents[between], kinds[between], reaching.is_build):
                direct[parent] |= asked
    _up(reaching, marks, of_all_types)
    every = everything(size)
    planes = zip(planes_of(marks), planes_of(direct), strict=True)
    joined = [mask_of(one) | mask_of(other) for one, other in planes]
    for number in range(len(wanted)):
        yield joined[number >> 3] >> (number & 7) & every


def _up(reaching: Reaching, marks: array[int], of_all_types: bool) -> None:  # noqa: FBT001
    """Hand all marks on to those that lead to a node: mostly they come after it, the others at last."""
    graph = reaching.graph
    starts, downs, parents = graph.back_starts, graph.back_downs, graph.parents
    ends = starts[1:] if of_all_types else downs
    late: list[int] = []
    for node, bits in enumerate(marks):  # which change before they are come to
        start, end = starts[node], ends[node]
        if not bits or start == end:
            continue
        for parent in parents[start:end]:
            marks[parent] |= bits
        middle = downs[node]
        if parents[start] < node or (middle < end and parents[middle] < node):  # they are in order
            late += (parent for parent in parents[start:end] if parent < node)
    while late:
        node = late.pop()
        bits = marks[node]
        for parent in parents[starts[node] : ends[node]]:
            if bits & ~marks[parent]:
                marks[parent] |= bits
                late.append(parent)


def _packed(wanted: Sequence[Mask], size: int) -> array[int]:
    """A number a node, with the bits of the sets that it belongs to."""
    numbers = array("B" if len(wanted) <= NARROW else "Q")
    width = numbers.itemsize
    data = bytearray(size * width)
    for first in range(0, len(wanted), 8):
        plane = 0
        for place, mask in enumerate(wanted[first : first + 8]):
            plane |= mask << place
        at = first // 8
        data[at if sys.byteorder == "little" else width - 1 - at :: width] = flags_of(plane, size)
    numbers.frombytes(data)
    return numbers
