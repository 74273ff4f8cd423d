"""How many specs of a result have something below them that provides each virtual package, or a namespace.

Asked of the graph, a virtual package at a time, as `virtual:mpi` is, and so are namespaces; of specs whose
DAG is not known nothing is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain, compress
from typing import TYPE_CHECKING

from ..graph.masks import Mask, flags_of, mask_of
from ..ledger import connect, graphrows
from ..spack.abstract import AbstractEdge, AbstractSpec

if TYPE_CHECKING:
    from ..graph.arrays import Graph
    from ..graph.evaluating import Evaluator
    from .dags import Dags

__all__ = ["counted"]


def counted(
    db: connect.Connection, dags: Dags, build_ids: Collection[int], hashes: Collection[str]
) -> dict[str, dict[str, list[int]]]:
    """The facets that a graph tells, of all placed specs of some builds and of some more by hash.

    The caller reads in a snapshot.
    """
    evaluator = dags.evaluator("own")
    chosen = _chosen(evaluator, build_ids, graphrows.of_hashes(db, hashes).values())
    graph = evaluator.graph
    virtuals: dict[str, list[int]] = {}
    for virtual in sorted(set(chain.from_iterable(names for _, names in graph.tables.label))):
        spec = AbstractSpec(edges=(AbstractEdge("^", AbstractSpec(), virtuals=(virtual,)),))
        _count(virtuals, virtual, evaluator.satisfying(spec, chosen) & chosen, graph)
    namespaces: dict[str, list[int]] = {}
    rests = [rest[0] for rest in graph.tables.rest]
    for namespace in sorted(set(rests) - {None}):
        numbers = [number for number, one in enumerate(rests) if one == namespace]
        _count(namespaces, namespace, evaluator.nodes.select("rest", numbers) & chosen, graph)
    return {"virtual": virtuals, "namespace": namespaces}


def _count(counts: dict[str, list[int]], value: str, met: Mask, graph: Graph) -> None:
    """Count the nodes that have a value, and their builds."""
    if met:
        builds = set(compress(graph.builds, flags_of(met, graph.size)))
        counts[value] = [met.bit_count(), len(builds)]


def _chosen(evaluator: Evaluator, build_ids: Collection[int], spec_ids: Iterable[int]) -> Mask:
    """The nodes that are meant, but for those that nothing tells of but what depends on them."""
    graph = evaluator.graph
    whole, single = {*build_ids} - {0}, {*spec_ids}
    placed = mask_of(bytes(map(whole.__contains__, graph.builds))) & mask_of(graph.placed)
    if not single:
        return placed
    told = mask_of(bytes(map(bool, graph.builds)))
    return placed | told & mask_of(bytes(map(single.__contains__, graph.spec_ids)))
