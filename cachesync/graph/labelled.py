"""Who leads to an edge with one of some labels on it: a name at its far side and virtuals. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import compress

from .masks import Mask, kind_table
from .nodes import NodeSets
from .reaching import Reaching

__all__ = ["Labelled"]


class Labelled:
    """The labels of one graph: the masks that nodes have of them, the edges where there are none."""

    def __init__(self, nodes: NodeSets, reaching: Reaching) -> None:
        self._graph = nodes.graph
        self._nodes = nodes
        self._reaching = reaching

    @cached_property
    def _values(self) -> list[int]:
        return [int(one, 16) for one in self._graph.tables.mask]

    def leading(self, labels: Iterable[int], roots: Mask) -> Mask:
        """Those of some roots that `^` leads from to an edge with one of some labels."""
        if not self._graph.tables.mask or self._reaching.through_build:
            return self._along_edges(labels, roots)
        bits, values, nodes = sum([1 << label for label in labels]), self._values, self._nodes
        few = None if roots is nodes.every else nodes.few.members(roots)
        if few is not None:
            numbers = list(map(self._graph.columns["reach"].__getitem__, few))
            good = {number for number in set(numbers) if values[number] & bits}
            return nodes.few.made(compress(few, map(good.__contains__, numbers)))
        met = nodes.select("reach", [n for n, mask in enumerate(values) if mask & bits], "mask")
        return met if roots is nodes.every else roots & met

    def _along_edges(self, labels: Iterable[int], roots: Mask) -> Mask:
        by_virtuals: dict[tuple[str, ...], set[int]] = {}
        for label in labels:
            name, virtuals = self._graph.tables.label[label]
            by_virtuals.setdefault(tuple(virtuals), set()).add(name)
        found = 0
        for virtuals, names in by_virtuals.items():
            kinds = self._graph.kinds_where(lambda kind, those=virtuals: kind.virtuals == those)
            table = kind_table(kinds, self._reaching.kinds)
            found |= self._reaching.reaching(self._nodes.select("name", names), table, roots)
        return found
