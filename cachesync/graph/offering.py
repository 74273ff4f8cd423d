"""What stands in place of a dependency that is asked for and not there. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..model import EdgeKind
from ..spack.abstract import AbstractEdge
from .evaluating import Evaluator

__all__ = ["offered"]


def offered(evaluator: Evaluator, roots: Collection[int], edge: AbstractEdge) -> set[int]:
    """The dependencies that an edge of a spec would be about, of some nodes, whatever else it asks of them.

    Those that are called so, and those that provide what these provide: of `^openmpi@5:` mpich too.
    """
    graph, nodes = evaluator.graph, evaluator.nodes
    name = edge.spec.name
    if name is None:
        return set()
    number = nodes.number_of(name)
    asked = evaluator.virtuals_asked(edge)
    shared = asked or {virtual for virtual, of in nodes.virtuals.items() if name in of}
    table = graph.tables.kind
    carries = [not shared.isdisjoint(virtuals) for _, virtuals in table]
    names = graph.columns["name"]
    return {
        child
        for child, kind in _edges(evaluator, roots, edge)
        if carries[kind] or (names[child] == number and not asked)
    }


def _edges(
    evaluator: Evaluator, roots: Collection[int], edge: AbstractEdge
) -> Iterable[tuple[int, int]]:
    """The far sides of the edges that are looked at, and their kinds."""
    graph, reaching = evaluator.graph, evaluator.reaching
    is_direct = edge.sigil == "%"

    def is_met(kind: EdgeKind) -> bool:
        return is_direct or reaching.through_build or not _MET.isdisjoint(kind.types)

    def is_followed(kind: EdgeKind) -> bool:
        return not is_direct and (reaching.through_build or not _FOLLOWED.isdisjoint(kind.types))

    kinds = [EdgeKind(tuple(types), tuple(virtuals)) for types, virtuals in graph.tables.kind]
    met, followed = list(map(is_met, kinds)), list(map(is_followed, kinds))
    waiting, seen, first = list(roots), set(roots), len(roots)
    for place, node in enumerate(waiting):  # which grows
        for at in range(graph.starts[node], graph.starts[node + 1]):
            child, kind = graph.children[at], graph.kinds[at]
            if (met if place < first else followed)[kind]:
                yield child, kind
            if followed[kind] and child not in seen:
                seen.add(child)
                waiting.append(child)


_MET = frozenset(("build", "link", "run"))
_FOLLOWED = frozenset(("link", "run"))
