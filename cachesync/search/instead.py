"""Which dependencies specs have in place of one that is asked for, and that none of them has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from .. import query
from ..graph.offering import offered
from ..ledger import connect, graphrows
from ..spack import versions
from .nearest import likeness

if TYPE_CHECKING:
    from ..graph.arrays import Graph
    from ..spack.abstract import AbstractSpec
    from .dags import Dags

__all__ = ["dependencies"]

MOST = 3
"""Dependencies of one kind that are named."""


def dependencies(
    dags: Dags, db: connect.Connection, dag: query.Dag, hashes: Iterable[str]
) -> list[str]:
    """As `openmpi@5.0.6`: of the package that is asked for, then of each that provides the same.

    Versions that begin as the one that is asked for does come first, then the newest.

    At most MOST of either. Behind the version stand the variants that are asked for, as they are:
    `openmpi@5.0.6~cuda`. Nothing where several dependencies are asked for, or one without a name. The caller
    reads in a snapshot.
    """
    if len(dag.spec.edges) != 1:
        return []
    (edge,) = dag.spec.edges
    evaluator = dags.evaluator(dag.dialect)
    graph = evaluator.graph
    wanted = set(graphrows.of_hashes(db, hashes).values())
    roots = [node for node, spec_id in enumerate(graph.spec_ids) if spec_id in wanted]
    found = {_said(graph, node, edge.spec) for node in offered(evaluator, roots, edge)}
    by_name: dict[str, list[str]] = {}
    newest = sorted(found, key=lambda one: versions.sort_key(one[1]), reverse=True)
    nearest = sorted(newest, key=lambda one: -likeness(edge.spec.versions or "", one[1]))
    for name, version, more in nearest:
        by_name.setdefault(name, []).append(f"{name}@{version}{more}")
    by_name.pop("", None)  # nothing but an edge tells of it
    asked = by_name.pop(edge.spec.name or "", [])
    ranked = sorted((rank, one) for its in by_name.values() for rank, one in enumerate(its))
    return asked[:MOST] + [one for _, one in ranked[:MOST]]


def _said(graph: Graph, node: int, asked: AbstractSpec) -> tuple[str, str, str]:
    """The name of a node, its version, and the variants that are asked for."""
    tables, columns = graph.tables, graph.columns
    name = tables.name[columns["name"][node]]
    version = tables.version[columns["version"][node]]
    pairs = map(tables.pair.__getitem__, tables.variants[columns["variants"][node]])
    return name, version, _variants(pairs, {one.name for one in asked.variants})


def _variants(pairs: Iterable[list[object]], names: Collection[str]) -> str:
    switches, values = "", ""
    for name, value in pairs:
        if name not in names:
            continue
        if isinstance(value, bool):
            switches += f"{'+' if value else '~'}{name}"
        elif isinstance(value, list):
            values += f" {name}={','.join(value)}"
    return switches + values
