"""What `%` below `^name` hangs from: of each node the first below it that is called so. Pure.

That is Spack's `root[name]`: first the build and test dependencies of the root in the order of the index,
then the root, then link and run dependencies by breadth, those of one node by name. For many roots it is
told from how far each is from the nodes that are wanted and from the others; only where both are equally
near is the root looked at by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model import EdgeKind
from ..spack.satisfying import sought_first
from .arrays import DOWN, Graph, Numbers
from .masks import Mask, flags_of, kind_table, mask_of, members
from .nodes import NodeSets
from .reaching import Reaching

__all__ = ["Owners"]


class Owners:
    """The first nodes called so below others."""

    def __init__(self, nodes: NodeSets, reaching: Reaching, name: str, *, few: int) -> None:
        self._nodes = nodes
        self._graph: Graph = nodes.graph
        self._reaching = reaching
        self._name = name
        self._few = few
        graph = self._graph
        kinds = len(graph.tables.kind)
        carrying = graph.kinds_where(lambda kind: name in kind.virtuals)
        self._table = graph.tables.kind
        self._carries = kind_table(carrying, kinds)
        self._is_sought = kind_table(
            graph.kinds_where(lambda kind: "build" in kind.types or "test" in kind.types), kinds
        )
        self._is_down = kind_table(
            graph.kinds_where(lambda kind: not DOWN.isdisjoint(kind.types)), kinds
        )
        self._called = nodes.named(name)
        self._number = nodes.number_of(name)
        providers = {number for number, virtuals in graph.tables.label if name in virtuals}
        self.possible = self._called | nodes.select("name", providers)
        """All that may be the first below anything."""

    def within(self, wanted: Mask, roots: Mask) -> Mask:
        """Those of some roots whose first node called so is one of those wanted."""
        good = self.possible & wanted
        if not good or not roots:
            return 0
        if roots.bit_count() <= self._few:
            return self._one_by_one(roots, flags_of(good, self._graph.size))
        return self._by_distance(good, self.possible & ~wanted, roots)

    def _one_by_one(self, roots: Mask, good: bytes) -> Mask:
        marks = bytearray(self._graph.size)
        for root in members(roots, self._graph.size):
            found = self.first(root)
            marks[root] = found is not None and good[found]
        return mask_of(marks)

    def _direct(self, mask: Mask, is_type: bytes) -> Mask:
        """All with an edge of some types to a node of a set by which that is called so."""
        carrying = bytes(map(min, is_type, self._carries))
        called = self._reaching.parents_of(mask & self._called, is_type)
        return mask_of(called) | mask_of(self._reaching.parents_of(mask & ~self._called, carrying))

    def _by_distance(self, good: Mask, bad: Mask, roots: Mask) -> Mask:
        size = self._graph.size
        good_first, bad_first = (self._direct(one, self._is_sought) for one in (good, bad))
        undecided = good_first & bad_first & roots
        found = good_first & ~bad_first & roots
        rest = roots & ~(good_first | bad_first)
        found |= rest & self._called & good
        rest &= ~self._called
        if rest:
            near, far = self._distances(good), self._distances(bad) if bad else None
            marks, ties = bytearray(size), bytearray(size)
            for root in members(rest, size):
                if near[root]:
                    other = far[root] if far is not None else 0
                    if not other or near[root] < other:
                        marks[root] = 1
                    elif near[root] == other:
                        ties[root] = 1
            found |= mask_of(marks)
            undecided |= mask_of(ties)
        return found | self._one_by_one(undecided, flags_of(good, size)) if undecided else found

    def _distances(self, mask: Mask) -> Numbers:
        """How many link and run edges lead from each node to one of a set by which that is called so; 0: none do."""
        direct = self._direct(mask, self._is_down)
        return self._reaching.distances(members(direct, self._graph.size))

    def first(self, root: int) -> int | None:
        """The first node below one that is called so."""
        graph, number = self._graph, self._number
        names = graph.columns["name"]
        edges = self._edges(root)
        is_direct = any(
            self._is_sought[kind] and (names[child] == number or self._carries[kind])
            for child, kind in edges
        )
        if is_direct:
            return self._first_direct(edges)
        if names[root] == number:
            return root
        seen, level = {root}, [root]
        while level:
            following: list[int] = []
            for node in level:
                below = [edge for edge in self._edges(node) if self._is_down[edge[1]]]
                if self._matters(below, seen):
                    below = self._by_name(below)
                for child, kind in below:
                    if names[child] == number or self._carries[kind]:
                        return child
                    if child not in seen:
                        seen.add(child)
                        following.append(child)
            self._reaching.charge(4 * len(level))
            level = following
        return None

    def _matters(self, edges: list[tuple[int, int]], seen: set[int]) -> bool:
        """Whether the order of edges makes a difference."""
        return sum(child not in seen or self._carries[kind] for child, kind in edges) > 1

    def _edges(self, node: int) -> list[tuple[int, int]]:
        start, end = self._graph.starts[node], self._graph.starts[node + 1]
        return list(zip(self._graph.children[start:end], self._graph.kinds[start:end], strict=True))

    def _first_direct(self, edges: list[tuple[int, int]]) -> int | None:
        names, texts = self._graph.columns["name"], self._graph.tables.name
        whole = [(child, EdgeKind(*map(tuple, self._table[kind]))) for child, kind in edges]
        for name, child, kind in sought_first(whole, (texts[names[child]] for child, _ in edges)):
            if name == self._name or self._name in kind.virtuals:
                return child
        return None

    def _by_name(self, edges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        names, texts = self._graph.columns["name"], self._graph.tables.name
        by_name: dict[str, list[tuple[int, int]]] = {}
        for edge in edges:
            by_name.setdefault(texts[names[edge[0]]], []).append(edge)
        found: list[tuple[int, int]] = []
        for _, alike in sorted(by_name.items()):
            if len(alike) > 1:
                hashes = self._nodes.hashes_of({child for child, _ in alike})
                alike.sort(key=lambda edge: hashes[edge[0]])
            found += alike
        return found
