"""Which dependencies of a spec made it a hit: the way to each, from the spec down along edges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .. import query
from ..graph import paths
from ..ledger import connect, graphrows
from ..spack.spectext import one_edge

if TYPE_CHECKING:
    from ..graph.evaluating import Evaluator
    from ..spack.spectokens import Dialect
    from .dags import Dags

__all__ = ["Step", "Why", "Whys", "reasons"]


class Step(NamedTuple):
    """A spec on the way."""

    name: str | None
    """None of what nothing but an edge tells of, and so the version."""
    version: str | None
    hash: str


class Why(NamedTuple):
    """A dependency that was found."""

    asked: str
    """What for, in spec syntax: `^openmpi@5:`."""
    path: tuple[Step, ...]
    """From the hit to the dependency; the hit alone for a compiler that is no dependency of it."""


class Whys(NamedTuple):
    """The dependencies that were found of some specs."""

    of: dict[str, tuple[Why, ...]]
    """By hash."""
    untold: int
    """How many specs are left out, as all of them would take too long."""


def reasons(
    dags: Dags | None, db: connect.Connection, node: query.Node, hashes: Collection[str]
) -> Whys:
    """By hash what of a query, not yet judged, was found below some specs; nothing of those without a DAG.

    Nothing at all where `dags` is None: nothing was asked of them. The first of the hashes are told of first. Of alternatives those that hold; what is excluded has no way to it. The caller reads in a snapshot.
    Raises UnsaidError for what no index can answer.
    """
    if dags is None:
        return Whys({}, 0)
    spec_ids = graphrows.of_hashes(db, hashes)
    found: dict[str, dict[Why, None]] = {one: {} for one in hashes if one in spec_ids}
    untold: set[str] = set()
    roots: dict[int, str] | None = None
    steps: dict[int, Step] = {}
    for dag in dict.fromkeys(_wanted(node)):
        evaluator = dags.evaluator(dag.dialect)
        if roots is None:  # the graph is that of the moment, in all languages
            roots = _roots(evaluator.graph.spec_ids, found, spec_ids)
        dialect: Dialect = "0.23" if evaluator.rules.is_old else "1.x"
        told = paths.reasons(evaluator, roots, dag.spec)
        untold.update(roots[root] for root, its in told.items() if its is None)
        known = {root: its for root, its in told.items() if its is not None}
        steps |= _steps(evaluator, known.values(), steps)
        texts: dict[int, str] = {}
        for root, its in known.items():
            for edge, nodes in its:
                text = texts.get(id(edge)) or texts.setdefault(id(edge), one_edge(edge, dialect))
                way = tuple(map(steps.__getitem__, nodes))
                said = dag.text if dag.dialect == query.VIRTUAL else text
                found[roots[root]][Why(said, way)] = None
    of = {one: tuple(its) for one, its in found.items() if one not in untold}
    return Whys(of, len(untold))


def _roots(
    known: Sequence[int], hashes: Iterable[str], spec_ids: Mapping[str, int]
) -> dict[int, str]:
    """The nodes of those of some specs that have any."""
    numbers = dict(zip(known, range(len(known)), strict=True))
    return {numbers[spec_ids[one]]: one for one in hashes if spec_ids[one] in numbers}


def _wanted(node: query.Node) -> Iterator[query.Dag]:
    """The parts of a tree that ask of DAGs for something to be there."""
    if isinstance(node, query.Dag):
        yield node
    elif isinstance(node, (query.And, query.Or)):
        for child in node.nodes:
            yield from _wanted(child)


def _steps(
    evaluator: Evaluator, told: Iterable[list[paths.Reason]], known: Collection[int]
) -> dict[int, Step]:
    """What is said of each node on the ways, but for those that are known."""
    graph = evaluator.graph
    nodes = {node for its in told for reason in its for node in reason.nodes}
    nodes.difference_update(known)
    hashes = evaluator.nodes.hashes_of(nodes)
    names, versions = graph.tables.name, graph.tables.version
    return {
        node: Step(
            names[graph.columns["name"][node]] or None,
            versions[graph.columns["version"][node]] or None,
            hashes[node],
        )
        for node in nodes
    }
