"""Along the edges of a graph, for many nodes at once: who reaches some, and what few reach. Pure.

Each node is looked at once, each edge once in each direction: the cost is theirs, never that of paths.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from ..errors import UsageError
from .arrays import DOWN, Graph, Numbers
from .few import LEAST, Few
from .masks import Mask, chosen, flags_of, kind_table, mask_of, members

__all__ = ["STEPS", "Reaching", "both"]


MOST_NODES = 4_000_000
"""Nodes that may be looked at for one question: some two seconds."""
MOST_TIMES = 24
"""How often each node may be looked at for one question, where they are more."""


STEPS = 6_000
"""Up, until it is tried to go down from the roots."""
FEW_ROOTS = 64
"""From so many it is tried first."""
DOWN_STEP = 3
"""What a node costs on the way down, in steps up."""


class Reaching:
    """The edges of a graph, followed up and down."""

    def __init__(
        self,
        graph: Graph,
        *,
        through_build: bool = False,
        steps: int = STEPS,
        most: int | None = None,
        least: int = LEAST,
    ) -> None:
        """With `through_build` `^` follows edges of all types.

        After so many `steps` up from what is looked for it is tried from the roots down. For one question
        `most` nodes may be looked at. For `least` see `Few`.
        """
        self.graph = graph
        self.few = Few(graph.size, least)
        self.through_build = through_build
        self._steps = steps
        self.kinds = len(graph.tables.kind)
        self.is_down = kind_table(
            graph.kinds_where(lambda kind: not DOWN.isdisjoint(kind.types)), self.kinds
        )
        self.is_build = kind_table(
            graph.kinds_where(lambda kind: "build" in kind.types), self.kinds
        )
        self.is_any = b"\1" * max(256, self.kinds)
        self.is_first = bytes(map(max, self.is_down, self.is_build))
        self._most = max(MOST_NODES, MOST_TIMES * graph.size) if most is None else most
        self._left = self._most

    def begin(self) -> None:
        """A new question."""
        self._left = self._most

    def charge(self, nodes: int) -> None:
        """Count nodes that are looked at. Raises UsageError when they are too many for one question."""
        self._left -= nodes
        if self._left < 0:
            raise UsageError(
                "this asks for too many dependencies at once",
                hint="ask for fewer, or for a package by its name",
            )

    def up(self, marks: bytearray, *, everything: bool = False) -> None:
        """Mark all that lead to what is marked; with `everything` over edges of any type."""
        late: list[int] = []
        self._sweep(marks, 0, late, everything=everything)
        self._climb(marks, late, everything=everything)

    def _sweep(
        self,
        marks: bytearray,
        at: int,
        late: list[int],
        *,
        everything: bool = False,
        most: int | None = None,
    ) -> int:
        """Mark all that lead to what is marked from `at` on; returns where to go on, -1 at the end.

        It stops after `most` of them. Who depends on a node mostly comes after it; those who do not are
        put into `late`, to climb from at last.
        """
        graph = self.graph
        starts, downs, parents = graph.back_starts, graph.back_downs, graph.parents
        ends = starts[1:] if everything else downs
        node = marks.find(1, at)
        for _ in range(graph.size if most is None else most):
            if node < 0:
                break
            start, end = starts[node], ends[node]
            if start < end:
                # They are in order, those over edges of other types too.
                middle = downs[node]
                if parents[start] < node or (middle < end and parents[middle] < node):
                    late += (one for one in parents[start:end] if one < node and not marks[one])
                for parent in parents[start:end]:
                    marks[parent] = 1
            node = marks.find(1, node + 1)
        self.charge(marks.count(1))
        return node

    def _climb(self, marks: bytearray, waiting: list[int], *, everything: bool = False) -> None:
        """Mark all that lead to those that wait, which are marked."""
        graph = self.graph
        starts, parents = graph.back_starts, graph.parents
        ends = starts[1:] if everything else graph.back_downs
        self.charge(len(waiting))
        while waiting:
            node = waiting.pop()
            for parent in parents[starts[node] : ends[node]]:
                if not marks[parent]:
                    marks[parent] = 1
                    waiting.append(parent)

    def distances(self, nearest: Iterable[int], *, everything: bool = False) -> Numbers:
        """Over how many edges each node leads beyond some that are one edge away, 1 for those; 0: it does not.

        Over link and run edges; with `everything` over edges of any type.
        """
        graph = self.graph
        found = array("I", bytes(4 * graph.size))
        starts, parents = graph.back_starts, graph.parents
        ends = starts[1:] if everything else graph.back_downs
        level, distance = list(nearest), 1
        for node in level:
            found[node] = 1
        while level:
            self.charge(len(level))
            distance += 1
            following = []
            for node in level:
                for parent in parents[starts[node] : ends[node]]:
                    if not found[parent]:
                        found[parent] = distance
                        following.append(parent)
            level = following
        return found

    def from_above(self, mask: Mask) -> Mask:
        """A set, and all that lead to nodes of it over edges of any type."""
        marks = bytearray(flags_of(mask, self.graph.size))
        self.up(marks, everything=True)
        return mask_of(marks)

    def above(self, mask: Mask) -> Mask:
        """All that lead to nodes of a set over at least one edge, of any type."""
        marks = self.parents_of(mask, self.is_any)
        self.up(marks, everything=True)
        return mask_of(marks)

    def parents_of(self, mask: Mask, is_kind: bytes) -> bytearray:
        """A mark for each that has an edge of some kinds to a node of a set."""
        self.charge(mask.bit_count())
        graph, marks = self.graph, bytearray(self.graph.size)
        starts = graph.back_starts
        for node in members(mask, graph.size):
            start, end = starts[node], starts[node + 1]
            for parent in chosen(graph.parents[start:end], graph.back_kinds[start:end], is_kind):
                marks[parent] = 1
        return marks

    def reaching(self, mask: Mask, is_kind: bytes | None, roots: Mask) -> Mask:
        """Those of some roots that `^` leads from to a node of a set, the last edge being of some kinds, or any."""
        if self.through_build:
            marks = self.parents_of(mask, both(self.is_any, is_kind))
            self.up(marks, everything=True)
            return roots & mask_of(marks)
        count, below = roots.bit_count(), self._steps // DOWN_STEP
        few = self.reached_by(roots, mask, is_kind, below) if count <= FEW_ROOTS else None
        if few is not None:
            return few
        marks, direct = self._one_step(mask, is_kind)
        late: list[int] = []
        at = self._sweep(marks, 0, late, most=self._steps)
        if at >= 0:
            if FEW_ROOTS < count <= below:
                few = self.reached_by(roots, mask, is_kind, below)
                if few is not None:
                    return few
            self._sweep(marks, at, late)
        self._climb(marks, late)
        return roots & (mask_of(marks) | mask_of(direct))

    def _one_step(self, mask: Mask, is_kind: bytes | None) -> tuple[bytearray, bytearray]:
        """Marks for those that `^` goes on from to nodes of a set, and for those it leads from once."""
        self.charge(mask.bit_count())
        graph, size = self.graph, self.graph.size
        marks, direct = bytearray(size), bytearray(size)
        starts, downs, parents, kinds = (
            graph.back_starts, graph.back_downs, graph.parents, graph.back_kinds,
        )  # fmt: skip
        is_build = both(self.is_build, is_kind)
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

    def reached_by(self, roots: Mask, mask: Mask, is_kind: bytes | None, most: int) -> Mask | None:
        """The same of some roots, from the top down; None where more than `most` nodes are below them.

        None too where a node is older than one below it: what is below is judged before what is above.
        """
        graph, size = self.graph, self.graph.size
        starts, children, kinds = graph.starts, graph.children, graph.kinds
        followed = self.is_any if self.through_build else self.is_down
        seen, found = bytearray(size), list(members(roots, size))
        for root in found:
            seen[root] = 1
        for node in found:  # which grows
            start, end = starts[node], starts[node + 1]
            for child in chosen(children[start:end], kinds[start:end], followed):
                if child >= node:
                    return None
                if not seen[child]:
                    seen[child] = 1
                    found.append(child)
            if len(found) > most:
                self.charge(len(found))
                return None
        self.charge(2 * len(found))
        flags, last = flags_of(mask, size), both(followed, is_kind)
        reached = bytearray(size)
        for node in sorted(found):
            start, end = starts[node], starts[node + 1]
            below, beside = children[start:end], kinds[start:end]
            reached[node] = any(map(flags.__getitem__, chosen(below, beside, last))) or any(
                map(reached.__getitem__, chosen(below, beside, followed))
            )
        direct = self.has_edge(roots, mask, both(self.is_build, is_kind))
        return roots & (mask_of(reached) | direct)

    def has_edge(self, owners: Mask, mask: Mask, is_kind: bytes) -> Mask:
        """Those of some owners that have an edge of some kinds to a node of a set."""
        self.charge(owners.bit_count())
        graph, few, sought = self.graph, self.few.members(owners), self.few.members(mask)
        starts, children, kinds = graph.starts, graph.children, graph.kinds
        flags = flags_of(mask, graph.size) if sought is None else b""
        wanted, found = frozenset(sought or ()), []
        is_any = 0 not in is_kind[: self.kinds]
        for owner in members(owners, graph.size) if few is None else few:
            start, end = starts[owner], starts[owner + 1]
            below = children[start:end]
            if sought is not None:
                if wanted.isdisjoint(below):
                    continue
                if is_any:
                    found.append(owner)
                    continue
            met = chosen(below, kinds[start:end], is_kind)
            if any(map(flags.__getitem__, met)) if flags else not wanted.isdisjoint(met):
                found.append(owner)
        return self.few.made(found)

    def edges_to(self, nodes: Iterable[int]) -> int:
        """How many edges there are to some nodes."""
        starts = self.graph.back_starts
        return sum([starts[node + 1] - starts[node] for node in nodes])


def both(one: bytes, other: bytes | None) -> bytes:
    """The kinds of edges that are in both tables."""
    return one if other is None else bytes(map(min, one, other))
