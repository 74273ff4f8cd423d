"""The shortest ways along edges from nodes to any of some others. Pure.

From a few it is looked down from each; where that becomes much work, how far everything is from what is
looked for is found once, and each further way is read off. Both take the same way.
"""

from __future__ import annotations

from collections.abc import Iterable

from .arrays import Numbers
from .masks import chosen, few_of
from .reaching import Reaching, both

__all__ = ["SEVERAL", "Ways"]

STEP_DOWN = 4
"""What a node costs that is looked at for one way, in nodes of a question."""
SEVERAL = 3_000
"""So many nodes are looked at for single ways before how far all are is found."""


class Ways:
    """The ways that `^` goes to nodes with a flag."""

    def __init__(
        self,
        reaching: Reaching,
        flags: bytes,
        is_kind: bytes | None = None,
        *,
        everything: bool = False,
        several: int = SEVERAL,
    ) -> None:
        """The last edge is of some kinds, or any. With `everything` over edges of all types.

        `several` is about speed alone.
        """
        self._reaching = reaching
        self._graph = reaching.graph
        self._flags = flags
        self._everything = everything or reaching.through_build
        self._followed = reaching.is_any if self._everything else reaching.is_down
        self._last = both(self._followed, is_kind)
        first = reaching.is_any if self._everything else reaching.is_first
        self._last_of_root = both(first, is_kind)
        self._left = several
        self._far: Numbers | None = None

    def path(self, root: int) -> list[int] | None:
        """The shortest way from a root, of several the first by the order of edges; None where there is none."""
        if self._left > 0:
            return self._looked_for(root)
        if self._far is None:
            self._far = self._reaching.distances(self._nearest(), everything=self._everything)
        return self._read_off(root, self._far)

    def _looked_for(self, root: int) -> list[int] | None:
        graph, flags, followed = self._graph, self._flags, self._followed
        last = self._last_of_root
        before: dict[int, int] = {root: -1}
        level, found = [root], None
        while level and found is None:
            following = []
            for node in level:
                start, end = graph.starts[node], graph.starts[node + 1]
                for child, kind in zip(
                    graph.children[start:end], graph.kinds[start:end], strict=True
                ):
                    if flags[child] and last[kind]:
                        found = [*_back(node, before), child]
                        break
                    if child not in before and followed[kind]:
                        before[child] = node
                        following.append(child)
                if found is not None:
                    break
            level, last = following, self._last
        self._left -= len(before)
        self._reaching.charge(STEP_DOWN * len(before))
        return found

    def _nearest(self) -> Iterable[int]:
        """The nodes from which one with a flag is one edge away."""
        graph = self._graph
        starts, parents, kinds = graph.back_starts, graph.parents, graph.back_kinds
        ends = starts[1:] if self._everything else graph.back_downs
        found: set[int] = set()
        for node in few_of(self._flags):
            start, end = starts[node], ends[node]
            if start < end:
                found.update(chosen(parents[start:end], kinds[start:end], self._last))
        return found

    def _read_off(self, root: int, far: Numbers) -> list[int] | None:
        met = self._met(root, self._last_of_root)
        if met is not None:
            return [root, met]
        near = [one for one in map(far.__getitem__, self._followed_from(root)) if one]
        if not near:
            return None
        way, node = [root], root
        for distance in range(min(near), 0, -1):
            node = next(child for child in self._followed_from(node) if far[child] == distance)
            way.append(node)
        met = self._met(node, self._last)
        assert met is not None, "it is one edge away"
        return [*way, met]

    def _met(self, node: int, last: bytes) -> int | None:
        """The first node with a flag directly below one."""
        start, end = self._graph.starts[node], self._graph.starts[node + 1]
        below = chosen(self._graph.children[start:end], self._graph.kinds[start:end], last)
        return next(filter(self._flags.__getitem__, below), None)

    def _followed_from(self, node: int) -> Iterable[int]:
        start, end = self._graph.starts[node], self._graph.starts[node + 1]
        return chosen(self._graph.children[start:end], self._graph.kinds[start:end], self._followed)


def _back(node: int, before: dict[int, int]) -> Iterable[int]:
    """The nodes from the root to a node."""
    path = []
    while node >= 0:
        path.append(node)
        node = before[node]
    return reversed(path)
