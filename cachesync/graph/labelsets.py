"""Which nodes lead to an edge with one of some labels: by their masks, or along the edges where there are none. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .masks import Mask, kind_table
from .nodes import NodeSets
from .reaching import Reaching

__all__ = ["LabelSets"]


class LabelSets:
    """Answers for one graph."""

    def __init__(self, nodes: NodeSets, reaching: Reaching) -> None:
        self._nodes = nodes
        self._reaching = reaching
        self._graph = nodes.graph
        self._mask_values: list[int] = []
        self._kept: dict[tuple[int, ...], Mask] | None = None

    def keep(self, *, wanted: bool) -> None:
        """Whether what is found shall be kept: for all nodes, as very many ask for the same."""
        self._kept = {} if wanted else None

    def reaching(self, labels: Sequence[int], roots: Mask) -> Mask:
        """Those of some roots, and perhaps others, that `^` leads from to an edge with one of some labels."""
        if self._graph.tables.mask and not self._reaching.through_build:
            self._mask_values = self._mask_values or [
                int(one, 16) for one in self._graph.tables.mask
            ]
            bits = sum(1 << label for label in labels)
            numbers = [number for number, mask in enumerate(self._mask_values) if mask & bits]
            return self._nodes.select("reach", numbers, "mask")
        if self._kept is None:
            return self._along_edges(labels, roots)
        key = tuple(labels)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._along_edges(labels, self._nodes.every)
        return found

    def _along_edges(self, labels: Sequence[int], roots: Mask) -> Mask:
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
