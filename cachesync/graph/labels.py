"""Which names and virtuals are below a node, as the bits of numbers that many nodes share. Pure.

A label is the name at the far side of an edge and the virtuals on it. There are few sets of them: 280 for
the 64,000 nodes of a big index; where they take more room than they are worth, there are none.
"""

from __future__ import annotations

from array import array
from typing import Any

from .arrays import DOWN, Graph, fitting, label_of

__all__ = ["with_masks"]

MOST_DIGITS = 1 << 21
"""Hexadecimal digits of all masks together."""


def with_masks(graph: Graph, first: int) -> Graph:
    """The graph with the masks of its nodes from `first` on; those of the others are there."""
    masks = None if first and not graph.tables.mask else _settled(graph, first)
    if masks is not None:
        texts = [f"{mask:x}" for mask in masks.values]
        if sum(map(len, texts)) <= MOST_DIGITS:
            columns = {
                "down": fitting(masks.down, len(texts)),
                "reach": fitting(masks.reach, len(texts)),
            }
            tables = graph.tables._replace(label=masks.labels, mask=texts)
            return graph._replace(columns={**graph.columns, **columns}, tables=tables)
    return graph._replace(
        columns={**graph.columns, "down": array("B"), "reach": array("B")},
        tables=graph.tables._replace(label=_labels(graph), mask=[]),
    )


def _settled(graph: Graph, first: int) -> _Masks | None:
    """The masks of all nodes; None for a forged graph that goes round."""
    masks = _Masks(graph, first)
    return masks if all(map(masks.settle, range(first, graph.size))) else None


def _labels(graph: Graph) -> list[list[Any]]:
    """The labels of all edges."""
    names, kinds = graph.columns["name"], graph.tables.kind
    pairs = set(zip(map(names.__getitem__, graph.children), graph.kinds, strict=True))
    return [
        [name, virtuals]
        for name, virtuals in sorted({label_of(name, kinds[kind][1]) for name, kind in pairs})
    ]


class _Masks:
    """The masks of nodes, worked out from those of their children."""

    def __init__(self, graph: Graph, first: int) -> None:
        self._graph = graph
        self._first = first
        self.labels = list(graph.tables.label)
        self._label_numbers = {
            label_of(name, virtuals): number for number, (name, virtuals) in enumerate(self.labels)
        }
        self._bits: dict[int, int] = {}
        self.values = [int(text, 16) for text in graph.tables.mask] or [0]
        self.numbers = {mask: number for number, mask in enumerate(self.values)}
        self.down = [*graph.columns["down"][:first]] + [-1] * (graph.size - first)
        self.reach = [*graph.columns["reach"][:first]] + [0] * (graph.size - first)
        kinds = graph.tables.kind
        self._is_down = [not DOWN.isdisjoint(types) for types, _ in kinds]
        self._is_build = ["build" in types for types, _ in kinds]

    def settle(self, node: int) -> bool:
        """Work out the masks of a node, those of what is below it first; false where it is below itself."""
        if self.down[node] >= 0 or self._work_out(node):
            return True
        path, on_path = [node], {node}
        while path:
            last = path[-1]
            if self._work_out(last):
                on_path.discard(path.pop())
                continue
            below = self._unsettled(last)
            if below in on_path:
                return False
            path.append(below)
            on_path.add(below)
        return True

    def _edges(self, node: int) -> zip[tuple[int, int]]:
        start, end = self._graph.starts[node], self._graph.starts[node + 1]
        return zip(self._graph.children[start:end], self._graph.kinds[start:end], strict=True)

    def _unsettled(self, node: int) -> int:
        return next(
            child
            for child, kind in self._edges(node)
            if self._is_down[kind] and self.down[child] < 0
        )

    def _work_out(self, node: int) -> bool:
        """False where a node that it follows an edge to has no masks yet."""
        down = build = 0
        names, is_down, bits, masks = (
            self._graph.columns["name"], self._is_down, self._bits, self.down,
        )  # fmt: skip
        kinds = len(is_down)
        for child, kind in self._edges(node):
            key = names[child] * kinds + kind
            bit = bits.get(key) or self._learn(key, names[child], kind)
            if is_down[kind]:
                number = masks[child]
                if number < 0:
                    return False
                down |= bit | self.values[number]
            elif self._is_build[kind]:
                build |= bit
        self.down[node] = self._number(down)
        self.reach[node] = self._number(down | build)
        return True

    def _number(self, mask: int) -> int:
        found = self.numbers.get(mask)
        if found is None:
            found = self.numbers[mask] = len(self.values)
            self.values.append(mask)
        return found

    def _learn(self, key: int, name: int, kind: int) -> int:
        virtuals = self._graph.tables.kind[kind][1]
        label = label_of(name, virtuals)
        number = self._label_numbers.get(label)
        if number is None:
            number = self._label_numbers[label] = len(self.labels)
            self.labels.append([name, list(virtuals)])
        self._bits[key] = 1 << number
        return 1 << number
