"""Why a node satisfies a spec: the way along edges to each node that something asked for is found in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import NamedTuple

from ..errors import UsageError
from ..spack.abstract import AbstractEdge, AbstractSpec
from .evaluating import Evaluator
from .masks import Mask, flags_of, mask_of, single
from .ways import Ways

__all__ = ["Reason", "reasons"]

EACH = 40
"""What is done for one root costs as much as looking at so many nodes, besides those on its way."""


class Reason(NamedTuple):
    """Where something that hangs from a spec was found."""

    edge: AbstractEdge
    nodes: tuple[int, ...]
    """From the root to the node, along edges; the root alone for a compiler that is no node."""


def reasons(
    evaluator: Evaluator, roots: Collection[int], spec: AbstractSpec
) -> dict[int, list[Reason] | None]:
    """The reasons why nodes satisfy a spec, in the order of the spec, each the shortest way there is.

    What need not be there, because of a condition that does not hold, is left out; so are nodes that do
    not satisfy the spec. None stands for those of a root for which there was no time any more, after so
    many others. Raises UnsaidError for what no index can answer.
    """
    marks = bytearray(evaluator.graph.size)
    for root in roots:
        marks[root] = 1
    found = flags_of(evaluator.satisfying(spec, mask_of(marks)), len(marks))
    satisfied = [root for root in roots if found[root]]
    if evaluator.nodes.is_virtual(spec.name):
        return {root: [] for root in satisfied}
    looking = _Reasons(evaluator)
    found_of: dict[int, list[Reason] | None] = dict.fromkeys(satisfied)
    with suppress(UsageError):  # the question has become too long
        for root in satisfied:
            evaluator.reaching.charge(EACH)
            found_of[root] = list(looking.of(root, spec))
    return found_of


class _Reasons:
    """The reasons of one root after another; what an edge looks for is the same for all of them."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._size = evaluator.graph.size
        self._looking: dict[int, bytes] = {}
        self._bound: dict[int, bytes] = {}
        self._kinds: dict[int, bytes] = {}
        self._ways: dict[int, tuple[Ways, ...]] = {}

    def of(self, root: int, spec: AbstractSpec) -> Iterator[Reason]:
        """Of everything that hangs from a root."""
        for edge in spec.edges:
            if self._is_bound(root, edge):
                yield self._reason(root, edge)
            for below in edge.spec.edges:
                owner = self._owner(root, edge)
                if owner is not None and self._is_bound(owner[-1], below):
                    yield self._direct(owner, below)

    def _is_bound(self, node: int, edge: AbstractEdge) -> bool:
        """Whether an edge has to be there."""
        when = edge.when
        if when is None:
            return True
        bound = self._bound.get(id(edge))
        if bound is None:
            met = self._evaluator.part_satisfying(when)
            bound = self._bound[id(edge)] = flags_of(met, self._size)
        return bool(bound[node])

    def _reason(self, root: int, edge: AbstractEdge) -> Reason:
        if edge.sigil == "%":
            return self._direct((root,), edge)
        return Reason(edge, self._way(root, edge))

    def _flags(self, edge: AbstractEdge, wanted: Callable[[], Mask]) -> bytes:
        """What an edge looks for, a flag a node."""
        found = self._looking.get(id(edge))
        if found is None:
            found = self._looking[id(edge)] = flags_of(wanted(), self._size)
        return found

    def _ways_to(self, edge: AbstractEdge) -> tuple[Ways, ...]:
        """The ways to what `^` looks for, those to take rather first."""
        evaluator = self._evaluator
        flags = self._flags(edge, lambda: evaluator.sought(edge))
        is_old = evaluator.rules.is_old
        kinds = None if is_old else evaluator.below_kinds(edge)
        every = Ways(evaluator.reaching, flags, kinds, everything=is_old)
        if not edge.virtuals or kinds is not None or is_old:
            return (every,)
        provided = evaluator.carrying(edge.virtuals)  # rather to what provides one of them
        return (Ways(evaluator.reaching, flags, provided), every)

    def _way(self, root: int, edge: AbstractEdge) -> tuple[int, ...]:
        """The shortest way to a node that `^` looks for."""
        several = self._ways.get(id(edge))
        if several is None:
            several = self._ways[id(edge)] = self._ways_to(edge)
        for ways in several:
            found = ways.path(root)
            if found is not None:
                return tuple(found)
        return (root,)

    def _owner(self, root: int, edge: AbstractEdge) -> tuple[int, ...] | None:
        """The way to the node that `%` below `^x` hangs from."""
        evaluator, name = self._evaluator, edge.spec.name
        if name is None:
            return (root,)
        if evaluator.rules.asks_each:
            return self._way(root, edge)
        owner = evaluator.owners(name).first(root)
        if owner is None or owner == root:
            return None if owner is None else (root,)
        flags = flags_of(single(owner), self._size)
        found = Ways(evaluator.reaching, flags, everything=True).path(root)
        return tuple(found or (root, owner))

    def _direct(self, way: tuple[int, ...], edge: AbstractEdge) -> Reason:
        """The way on to what hangs by `%`; no further for a compiler that is an attribute."""
        evaluator, graph = self._evaluator, self._evaluator.graph
        wanted = self._flags(edge, lambda: evaluator.nodes.holds(edge.spec))
        kinds = self._kinds.get(id(edge))
        if kinds is None:
            kinds = self._kinds[id(edge)] = evaluator.direct_kinds(edge)
        start, end = graph.starts[way[-1]], graph.starts[way[-1] + 1]
        for child, kind in zip(graph.children[start:end], graph.kinds[start:end], strict=True):
            if wanted[child] and kinds[kind]:
                return Reason(edge, (*way, child))
        return Reason(edge, way)
