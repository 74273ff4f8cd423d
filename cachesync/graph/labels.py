"""Which names and virtuals are below a node, as the bits of numbers that many nodes share. Pure.

A label is the name at the far side of an edge and the virtuals on it. There are few sets of them: 280 for
the 64,000 nodes of a big index; where they take more room than they are worth, there are none.
"""

from __future__ import annotations

from array import array
from itertools import chain, repeat
from operator import add, mul
from typing import Any

from .arrays import DOWN, Graph, fitting, label_of

__all__ = ["with_masks"]

MOST_DIGITS = 1 << 21
"""Hexadecimal digits of all masks together."""


def with_masks(graph: Graph, first: int, most_digits: int = MOST_DIGITS) -> Graph:
    """The graph with the masks of its nodes from `first` on; those of the others are there."""
    masks = None if first and not graph.tables.mask else _settled(graph, first, most_digits)
    if masks is not None:
        texts = [f"{mask:x}" for mask in masks.values]
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


def _settled(graph: Graph, first: int, most_digits: int) -> _Masks | None:
    """The masks of all nodes; None where they take too much room, and for a forged graph that goes round."""
    masks = _Masks(graph, first, most_digits)
    return masks if all(map(masks.settle, range(first, graph.size))) else None


def _labels(graph: Graph) -> list[list[Any]]:
    """The labels of all edges."""
    names, kinds = graph.columns["name"], graph.tables.kind
    pairs = set(zip(map(names.__getitem__, graph.children), graph.kinds, strict=True))
    return [
        [name, list(virtuals)]
        for name, virtuals in sorted({label_of(name, kinds[kind][1]) for name, kind in pairs})
    ]


class _Masks:
    """The masks of nodes, worked out from those of their children."""

    def __init__(self, graph: Graph, first: int, most_digits: int) -> None:
        self.labels = list(graph.tables.label)
        self.values = [int(text, 16) for text in graph.tables.mask] or [0]
        self.numbers = {mask: number for number, mask in enumerate(self.values)}
        self.room = most_digits - sum(map(len, graph.tables.mask))
        new = graph.size - first
        self.down = array("i", chain(graph.columns["down"][:first], repeat(-1, new)))
        self.reach = array("i", chain(graph.columns["reach"][:first], repeat(0, new)))
        self._base = graph.starts[first]
        self._starts = graph.starts
        self._children = graph.children[self._base :]
        self._types = graph.kinds[self._base :]
        kinds = graph.tables.kind
        self._is_down = [not DOWN.isdisjoint(types) for types, _ in kinds]
        self._is_build = ["build" in types for types, _ in kinds]
        bits = _Bits(self.labels, kinds)
        names = map(graph.columns["name"].__getitem__, self._children)
        edges = map(add, map(mul, names, repeat(len(kinds))), self._types)
        self._bits = list(map(bits.__getitem__, edges))

    def settle(self, node: int) -> bool:
        """Work out the masks of a node, those of what is below it first.

        False where it is below itself, and where there is no room for more masks.
        """
        if self.room < 0:
            return False
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

    def _bounds(self, node: int) -> slice:
        return slice(self._starts[node] - self._base, self._starts[node + 1] - self._base)

    def _unsettled(self, node: int) -> int:
        edges = self._bounds(node)
        return next(
            child
            for child, kind in zip(self._children[edges], self._types[edges], strict=True)
            if self._is_down[kind] and self.down[child] < 0
        )

    def _work_out(self, node: int) -> bool:
        """False where a node that it follows an edge to has no masks yet."""
        down = build = 0
        edges = self._bounds(node)
        is_down, masks, values = self._is_down, self.down, self.values
        for child, kind, bit in zip(
            self._children[edges], self._types[edges], self._bits[edges], strict=True
        ):
            if is_down[kind]:
                number = masks[child]
                if number < 0:
                    return False
                down |= bit | values[number]
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
            self.room -= mask.bit_length() // 4 + 1
        return found


class _Bits(dict[int, int]):
    """Name at the far side and kind of an edge, as one number -> the bit of its label, learnt where it is new."""

    def __init__(self, labels: list[list[Any]], kinds: list[list[list[str]]]) -> None:
        super().__init__()
        self._labels = labels
        self._kinds = kinds
        self._numbers = {
            label_of(name, virtuals): number for number, (name, virtuals) in enumerate(labels)
        }

    def __missing__(self, edge: int) -> int:
        name, kind = divmod(edge, len(self._kinds))
        virtuals = self._kinds[kind][1]
        label = label_of(name, virtuals)
        number = self._numbers.setdefault(label, len(self._labels))
        if number == len(self._labels):
            self._labels.append([name, list(virtuals)])
        bit = self[edge] = 1 << number
        return bit
