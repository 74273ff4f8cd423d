"""The members of those sets of nodes that are small, known beside them: nobody looks for them again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress

from .masks import SPARSE, Mask, few_of, flags_of, mask_of

__all__ = ["LEAST", "Few"]

LEAST = 8
"""So many are few in the smallest graph."""
MOST_KNOWN = 64
"""Sets that are remembered, of a byte for each node of the graph."""
MOST_BYTES = 1 << 23
"""Of all of them together, but for a few of a very big graph."""
LEAST_KNOWN = 4


class Few:
    """For the sets of one question, of nodes out of `size`; those of up to `least` are few, and of more in a big graph."""

    def __init__(self, size: int, least: int = LEAST) -> None:
        self._size = size
        self._known: dict[int, tuple[Mask, list[int] | None]] = {}
        self._most_known = min(MOST_KNOWN, max(LEAST_KNOWN, MOST_BYTES // max(size, 1)))
        self._most = max(least, (size - 1) // SPARSE)

    def forget(self) -> None:
        """Let go of everything."""
        self._known.clear()

    def is_few(self, count: int) -> bool:
        """Whether a set of so many is small."""
        return count <= self._most

    def made(self, nodes: Iterable[int]) -> Mask:
        """The set of some nodes, which are in order."""
        listed = list(nodes)
        if not listed:
            return 0
        flags = bytearray(listed[-1] + 1)
        for node in listed:
            flags[node] = 1
        mask = mask_of(flags)
        if self.is_few(len(listed)):
            self._remember(mask, listed)
        return mask

    def marked(self, marks: bytearray, among: Mask) -> Mask:
        """The nodes of a set that have a mark."""
        few = self.members(among)
        if few is None:
            return among & mask_of(marks)
        return self.made(compress(few, map(marks.__getitem__, few)))

    def members(self, mask: Mask) -> list[int] | None:
        """The nodes of a set in order, which nobody writes to; None where they are not few."""
        known = self._known.get(id(mask))
        if known is not None and known[0] is mask:
            return known[1]
        found: list[int] | None = None
        if self.is_few(mask.bit_count()):
            found = few_of(flags_of(mask, self._size))
        self._remember(mask, found)
        return found

    def _remember(self, mask: Mask, nodes: list[int] | None) -> None:
        if len(self._known) >= self._most_known:
            self._known.clear()
        self._known[id(mask)] = mask, nodes
