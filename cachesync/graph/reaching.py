"""Along the edges of a graph, for many nodes at once: who reaches some, and what few reach. Pure.

Each node is looked at once, each edge once in each direction: the cost is theirs, never that of paths.
"""

from __future__ import annotations

from collections.abc import Iterable

from .arrays import DOWN, Graph
from .masks import Mask, chosen, flags_of, kind_table, mask_of, members

__all__ = ["Reaching"]


class Reaching:
    """The edges of a graph, followed up and down."""

    def __init__(self, graph: Graph, *, through_build: bool = False) -> None:
        """With `through_build` `^` follows edges of all types."""
        self.graph = graph
        self.through_build = through_build
        self.kinds = len(graph.tables.kind)
        self._is_down = kind_table(
            graph.kinds_where(lambda kind: not DOWN.isdisjoint(kind.types)), self.kinds
        )
        self._is_build = kind_table(
            graph.kinds_where(lambda kind: "build" in kind.types), self.kinds
        )
        self._is_any = b"\1" * max(256, self.kinds)

    def up(self, marks: bytearray, waiting: list[int], *, everything: bool = False) -> None:
        """Mark all that reach those that wait; these are marked already."""
        graph = self.graph
        starts, parents = graph.back_starts, graph.parents
        ends = graph.back_starts[1:] if everything else graph.back_downs
        while waiting:
            node = waiting.pop()
            start, end = starts[node], ends[node]
            if start == end:
                continue
            for parent in parents[start:end]:
                if not marks[parent]:
                    marks[parent] = 1
                    waiting.append(parent)

    def above(self, mask: Mask) -> Mask:
        """All that lead to nodes of a set over at least one edge, of any type."""
        graph, marks = self.graph, bytearray(self.graph.size)
        waiting = []
        for node in members(mask, graph.size):
            for parent in graph.parents[graph.back_starts[node] : graph.back_starts[node + 1]]:
                if not marks[parent]:
                    marks[parent] = 1
                    waiting.append(parent)
        self.up(marks, waiting, everything=True)
        return mask_of(marks)

    def parents_of(self, mask: Mask, is_kind: bytes) -> bytearray:
        """A mark for each that has an edge of some kinds to a node of a set."""
        graph, marks = self.graph, bytearray(self.graph.size)
        starts = graph.back_starts
        for node in members(mask, graph.size):
            start, end = starts[node], starts[node + 1]
            for parent in chosen(graph.parents[start:end], graph.back_kinds[start:end], is_kind):
                marks[parent] = 1
        return marks

    def reaching(self, mask: Mask, is_kind: bytes | None = None) -> Mask:
        """All that `^` leads from to a node of a set, the last edge being of some kinds, or any."""
        if self.through_build:
            marks = self.parents_of(mask, _both(self._is_any, is_kind))
            self.up(marks, _marked(marks), everything=True)
            return mask_of(marks)
        marks, direct = self._one_step(mask, is_kind)
        self.up(marks, _marked(marks))
        return mask_of(marks) | mask_of(direct)

    def _one_step(self, mask: Mask, is_kind: bytes | None) -> tuple[bytearray, bytearray]:
        """Marks for those that `^` goes on from to nodes of a set, and for those it leads from once."""
        graph, size = self.graph, self.graph.size
        marks, direct = bytearray(size), bytearray(size)
        starts, downs, parents, kinds = (
            graph.back_starts, graph.back_downs, graph.parents, graph.back_kinds,
        )  # fmt: skip
        is_build = _both(self._is_build, is_kind)
        for node in members(mask, size):
            start, middle, end = starts[node], downs[node], starts[node + 1]
            found: Iterable[int] = parents[start:middle]
            if is_kind is not None:
                found = chosen(parents[start:middle], kinds[start:middle], is_kind)
            for parent in found:
                marks[parent] = 1
            if middle < end:
                for parent in chosen(parents[middle:end], kinds[middle:end], is_build):
                    direct[parent] = 1
        return marks, direct

    def reached_by(self, roots: Mask, mask: Mask, is_kind: bytes | None = None) -> Mask:
        """The same of few roots, from the top down."""
        flags = flags_of(mask, self.graph.size)
        marks = bytearray(self.graph.size)
        for root in members(roots, self.graph.size):
            marks[root] = self.path(root, flags, is_kind) is not None
        return mask_of(marks)

    def path(
        self, root: int, flags: bytes, is_kind: bytes | None = None, *, everything: bool = False
    ) -> list[int] | None:
        """The shortest way that `^` goes from a root to a node with a flag; None where there is none.

        With `everything` over edges of all types.
        """
        graph = self.graph
        last = _both(self._is_any, is_kind)
        everything = everything or self.through_build
        followed = self._is_any if everything else self._is_down
        met = self._is_any if everything else _either(self._is_down, self._is_build)
        before: dict[int, int] = {root: -1}
        level = [root]
        while level:
            following = []
            for node in level:
                start, end = graph.starts[node], graph.starts[node + 1]
                for child, kind in zip(
                    graph.children[start:end], graph.kinds[start:end], strict=True
                ):
                    if flags[child] and met[kind] and last[kind]:
                        return [*_back(node, before), child]
                    if child not in before and followed[kind]:
                        before[child] = node
                        following.append(child)
            level, met = following, followed
        return None

    def has_edge(self, owners: Mask, mask: Mask, is_kind: bytes) -> Mask:
        """Those of few owners that have an edge of some kinds to a node of a set."""
        flags, graph = flags_of(mask, self.graph.size), self.graph
        marks = bytearray(graph.size)
        for owner in members(owners, graph.size):
            start, end = graph.starts[owner], graph.starts[owner + 1]
            children = chosen(graph.children[start:end], graph.kinds[start:end], is_kind)
            marks[owner] = any(flags[child] for child in children)
        return mask_of(marks)


def _marked(marks: bytearray) -> list[int]:
    return list(members(mask_of(marks), len(marks)))


def _both(one: bytes, other: bytes | None) -> bytes:
    return one if other is None else bytes(map(min, one, other))


def _either(one: bytes, other: bytes) -> bytes:
    return bytes(map(max, one, other))


def _back(node: int, before: dict[int, int]) -> Iterable[int]:
    """The nodes from the root to a node."""
    path = []
    while node >= 0:
        path.append(node)
        node = before[node]
    return reversed(path)
