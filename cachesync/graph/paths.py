"""Why a node satisfies a spec: the way along edges to each node that something asked for is found in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import NamedTuple

from ..errors import UsageError
from ..spack.abstract import AbstractEdge, AbstractSpec
from .evaluating import Evaluator
from .masks import Mask, flags_of, mask_of, single

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
    looking: dict[int, bytes] = {}
    found_of: dict[int, list[Reason] | None] = dict.fromkeys(satisfied)
    with suppress(UsageError):  # the question has become too long
        for root in satisfied:
            evaluator.reaching.charge(EACH)
            found_of[root] = list(_Reasons(evaluator, root, looking).of(spec))
    return found_of


class _Reasons:
    """The reasons of one root."""

    def __init__(self, evaluator: Evaluator, root: int, looking: dict[int, bytes]) -> None:
        """`looking` keeps what each edge looks for, which is the same for all roots."""
        self._evaluator = evaluator
        self._root = root
        self._size = evaluator.graph.size
        self._looking = looking

    def of(self, spec: AbstractSpec) -> Iterator[Reason]:
        """Of everything that hangs from the root."""
        for edge in spec.edges:
            if self._is_bound(self._root, edge):
                yield self._reason(edge)
            for below in edge.spec.edges:
                owner = self._owner(edge)
                if owner is not None and self._is_bound(owner[-1], below):
                    yield self._direct(owner, below)

    def _is_bound(self, node: int, edge: AbstractEdge) -> bool:
        """Whether an edge has to be there."""
        if edge.when is None:
            return True
        self._evaluator.reaching.charge(EACH)
        return self._evaluator.is_met_by(node, edge.when)

    def _reason(self, edge: AbstractEdge) -> Reason:
        if edge.sigil == "%":
            return self._direct((self._root,), edge)
        return Reason(edge, self._way(edge))

    def _flags(self, edge: AbstractEdge, wanted: Callable[[], Mask]) -> bytes:
        """What an edge looks for, a flag a node."""
        found = self._looking.get(id(edge))
        if found is None:
            found = self._looking[id(edge)] = flags_of(wanted(), self._size)
        return found

    def _way(self, edge: AbstractEdge) -> tuple[int, ...]:
        """The shortest way to a node that `^` looks for."""
        evaluator = self._evaluator
        flags = self._flags(edge, lambda: evaluator.sought(edge))
        is_old = evaluator.rules.is_old
        kinds = None if is_old else evaluator.below_kinds(edge)
        found = None
        if edge.virtuals and kinds is None and not is_old:  # rather to what provides one of them
            provided = evaluator.carrying(edge.virtuals)
            found = evaluator.reaching.path(self._root, flags, provided)
        found = found or evaluator.reaching.path(self._root, flags, kinds, everything=is_old)
        return tuple(found or (self._root,))

    def _owner(self, edge: AbstractEdge) -> tuple[int, ...] | None:
        """The way to the node that `%` below `^x` hangs from."""
        evaluator, name = self._evaluator, edge.spec.name
        if name is None:
            return (self._root,)
        if evaluator.rules.asks_each:
            return self._way(edge)
        owner = evaluator.owners(name).first(self._root)
        if owner is None or owner == self._root:
            return None if owner is None else (self._root,)
        found = evaluator.reaching.path(
            self._root, flags_of(single(owner), self._size), everything=True
        )
        return tuple(found or (self._root, owner))

    def _direct(self, way: tuple[int, ...], edge: AbstractEdge) -> Reason:
        """The way on to what hangs by `%`; no further for a compiler that is an attribute."""
        evaluator, graph = self._evaluator, self._evaluator.graph
        wanted = self._flags(edge, lambda: evaluator.nodes.holds(edge.spec))
        kinds = evaluator.direct_kinds(edge)
        start, end = graph.starts[way[-1]], graph.starts[way[-1] + 1]
        for child, kind in zip(graph.children[start:end], graph.kinds[start:end], strict=True):
            if wanted[child] and kinds[kind]:
                return Reason(edge, (*way, child))
        return Reason(edge, way)
