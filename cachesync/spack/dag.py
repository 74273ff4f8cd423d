"""What follows from the edges of a DAG: dependency trees and cycles. Pure.

A DAG is a function that gives the edges of a node, whatever a node is known by; it is asked once for each
node that is reached. Nothing here counts on there being no cycle, and everything is bounded by nodes, so
wide graphs cost what they have of nodes and edges, never of paths.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from ..model import EdgeKind

__all__ = ["ALL_TYPES", "EdgesOf", "Line", "Tree", "cycle", "tree"]

ALL_TYPES = ("build", "link", "run", "test")

K = TypeVar("K", bound=Hashable)
EdgesOf = Callable[[K], Iterable[tuple[K, EdgeKind]]]
"""Node -> its edges, in the order in which they are to be shown (Spack's is by name, then hash)."""


class Line(NamedTuple, Generic[K]):
    """A line of a dependency tree."""

    depth: int
    """0 for the root."""
    node: K
    kind: EdgeKind
    """What it is for to all in the tree that depend on it; of nothing for the root."""


class Tree(NamedTuple, Generic[K]):
    """The lines of a dependency tree."""

    lines: list[Line[K]]
    is_whole: bool
    """False where there were more nodes than wanted: those nearest to the root are there."""


def tree(
    root: K,
    edges_of: EdgesOf[K],
    *,
    types: Iterable[str] = ALL_TYPES,
    most: int = 100_000,
) -> Tree[K]:
    """The dependency tree that `spack spec` and `Spec.tree()` draw.

    Each node stands once, below the first that leads to it by the fewest edges
    (`breadth_first_to_tree_nodes` in Spack's `traverse.py`), with the types of all edges to it merged.
    Only edges with one of `types` are followed; `most` bounds the lines.
    """
    wanted = frozenset(types)
    below: dict[K, list[K]] = {root: []}
    types_of: dict[K, set[str]] = {root: set()}
    virtuals_of: dict[K, set[str]] = {root: set()}
    is_whole = True
    waiting = deque((root,))
    while waiting:
        node = waiting.popleft()
        for to, kind in edges_of(node):
            if wanted.isdisjoint(kind.types):
                continue
            if to not in below:
                if len(below) >= most:
                    is_whole = False
                    continue
                below[to], types_of[to], virtuals_of[to] = [], set(), set()
                below[node].append(to)
                waiting.append(to)
            types_of[to].update(kind.types)
            virtuals_of[to].update(kind.virtuals)
    kinds = {
        node: EdgeKind(tuple(sorted(types_of[node])), tuple(sorted(virtuals_of[node])))
        for node in below
    }
    return Tree([Line(depth, node, kinds[node]) for depth, node in _walk(root, below)], is_whole)


def cycle(roots: Iterable[K], edges_of: EdgesOf[K]) -> list[K]:
    """The nodes of a cycle that is reached from `roots`, in the order of its edges; none where none is.

    A concrete spec cannot depend on itself, its hash would contain itself: a DAG with a cycle was forged.
    """
    done: set[K] = set()
    for root in roots:
        path: dict[K, Iterator[tuple[K, EdgeKind]]] = {}
        node: K | None = root if root not in done else None
        while node is not None:
            path[node] = iter(edges_of(node))
            node = None
            while path and node is None:
                last = next(reversed(path))
                for to, _ in path[last]:
                    if to in path:
                        nodes = list(path)
                        return nodes[nodes.index(to) :]
                    if to not in done:
                        node = to
                        break
                else:
                    del path[last]
                    done.add(last)
    return []


def _walk(root: K, below: dict[K, list[K]]) -> Iterator[tuple[int, K]]:
    waiting = [(0, root)]
    while waiting:
        depth, node = waiting.pop()
        yield depth, node
        waiting.extend((depth + 1, child) for child in reversed(below[node]))
