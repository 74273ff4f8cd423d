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
        self._kept: dict[tuple[int, ...], Mask] | None = None

    def keep(self, *, wanted: bool) -> None:
        """Whether what is found along edges shall be kept, as very many ask for the same."""
        self._kept = {} if wanted else None

    @cached_property
    def _values(self) -> list[int]:
        return [int(one, 16) for one in self._graph.tables.mask]

    def found(self, name: str | None) -> list[int]:
        """The labels on edges to what is called so, or is provided under that name; all where there is no name."""
        if name is None:
            return list(range(len(self._graph.tables.label)))
        return sorted({*self.called(name), *self._carrying.get(name, ())})

    def called(self, name: str) -> list[int]:
        """The labels on edges to what is called so."""
        return self._called.get(self._nodes.number_of(name), [])

    @cached_property
    def _called(self) -> dict[int | None, list[int]]:
        found: dict[int | None, list[int]] = {}
        for label, (number, _) in enumerate(self._graph.tables.label):
            found.setdefault(number, []).append(label)
        return found

    @cached_property
    def _carrying(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for label, (_, virtuals) in enumerate(self._graph.tables.label):
            for virtual in virtuals:
                found.setdefault(virtual, []).append(label)
        return found

    def leading(self, labels: Iterable[int], roots: Mask) -> Mask:
        """Those of some roots that `^` leads from to an edge with one of some labels."""
        if not self._graph.tables.mask or self._reaching.through_build:
            return self._kept_along_edges(tuple(labels), roots)
        bits, values, nodes = sum([1 << label for label in labels]), self._values, self._nodes
        few = None if roots is nodes.every else nodes.few.members(roots)
        if few is not None:
            numbers = list(map(self._graph.columns["reach"].__getitem__, few))
            good = {number for number in set(numbers) if values[number] & bits}
            return nodes.few.made(compress(few, map(good.__contains__, numbers)))
        met = nodes.select("reach", [n for n, mask in enumerate(values) if mask & bits], "mask")
        return met if roots is nodes.every else roots & met

    def _kept_along_edges(self, labels: tuple[int, ...], roots: Mask) -> Mask:
        if self._kept is None:
            return self._along_edges(labels, roots)
        found = self._kept.get(labels)
        if found is None:
            found = self._kept[labels] = self._along_edges(labels, self._nodes.every)
        return roots & found

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
