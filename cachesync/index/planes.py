"""Sets of documents as integers, a bit each: sums over them cost microseconds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["bits", "planes_of"]


def bits(numbers: Iterable[int]) -> int:
    """An integer whose bits are the numbers."""
    highest = max(numbers, default=0)
    bits = bytearray((highest >> 3) + 1)
    for number in numbers:
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def planes_of(weights: Mapping[int, int]) -> tuple[int, ...]:
    """Weights by document as sets of documents: all of them, then by the bits of the weights."""
    planes = [bits(weights.keys())]
    most = max(weights.values(), default=0)
    planes += (
        bits([document for document, weight in weights.items() if weight >> place & 1])
        for place in range(most.bit_length())
    )
    return tuple(planes)
