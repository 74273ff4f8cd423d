"""DAGs to ask: those of cache indexes as they are read, and small ones that are told."""

from __future__ import annotations

from collections.abc import Iterable

from cachesync.buildcache.index import split
from cachesync.buildcache.nodes import nodes
from cachesync.graph.arrays import Graph
from cachesync.graph.hashed import Hashes
from cachesync.graph.making import NOTHING, News, extended
from cachesync.ledger.edges import pack_distance, pack_unknown, varint
from cachesync.model import Build, Details, EdgeKind, Node
from cachesync.spack.concrete import Facts, facts_of
from cachesync.spack.targets import known_ancestors
from cachesync.spack.virtuals import virtuals_of

PLAIN = Details("builtin", None, (), (), None, None, None, (), 5)


class Dag:
    """A graph of nodes by hash; what nothing tells of is a node without a name."""

    def __init__(self, found: Iterable[Node]) -> None:
        self.nodes = {node.hash: node for node in found}
        self.cached = [node.hash for node in self.nodes.values() if node.cached]
        self.virtuals = virtuals_of(
            (node.build.package for node in self.nodes.values()),
            (
                (virtual, self.nodes[child].build.package)
                for node in self.nodes.values()
                for child, kind in node.edges
                if child in self.nodes
                for virtual in kind.virtuals
            ),
        )

    def hash_of(self, node: str) -> str:
        """Its hash, which it is known by."""
        return node

    def facts(self, node: str) -> Facts:
        """What a node says of itself."""
        there = self.nodes.get(node)
        if there is None:
            return facts_of(Build("", "", "none", "", "", "", ()), None)
        return facts_of(there.build, there.details)

    def edges(self, node: str) -> tuple[tuple[str, EdgeKind], ...]:
        """Its edges, in the order of the index."""
        there = self.nodes.get(node)
        return () if there is None else there.edges


def graph_of(dag: Dag, first: int | None = None) -> tuple[Graph, list[str], Hashes]:
    """The graph of a DAG, the hashes of its nodes, and what a ledger would say of hashes.

    With `first` so many nodes are there first, and the others are added.
    """
    told = [node for node in dag.nodes.values() if node.build.package]
    ids = {one.hash: number for number, one in enumerate(told, 1)}
    kinds: dict[EdgeKind, int] = {}
    rows = []
    for number, one in enumerate(told, 1):
        packed = b""
        for to, kind in one.edges:
            kind_id = kinds.setdefault(kind, len(kinds) + 1)
            if ids.get(to, number) == number:
                packed += pack_unknown(to, kind_id)
            else:
                packed += pack_distance(number - ids[to]) + varint(kind_id)
        rows.append((number, number, number, packed))
    news = News(
        rows,
        {number: one.build for number, one in enumerate(told, 1)},
        {number: one.details for number, one in enumerate(told, 1)},
        {number: kind for kind, number in kinds.items()},
        {ids[one.hash] for one in told if one.cached},
        set(),
        lambda missing: {one: (told[one - 1].build, told[one - 1].cached) for one in missing},
        lambda wanted: {one: ids[one] for one in wanted if one in ids},
    )
    graph = NOTHING
    for part in (rows,) if first is None else (rows[:first], rows[first:]):
        graph = extended(graph, news._replace(nodes=part), known_ancestors)
    unknown = {node: one for one, node in graph.tables.unknown.items()}
    names = [
        told[spec_id - 1].hash if spec_id else unknown[node]
        for node, spec_id in enumerate(graph.spec_ids)
    ]
    hashes = Hashes(
        lambda beginning: [number for one, number in ids.items() if one.startswith(beginning)],
        lambda spec_ids: {number: told[number - 1].hash for number in spec_ids},
    )
    return graph, names, hashes


def read_index(document: bytes) -> Dag:
    """The DAG of a cache index."""
    return Dag(node for node in nodes(split(document)) if isinstance(node, Node))


def node(
    name: str,
    spec_hash: str,
    edges: Iterable[tuple[str, str]] = (),
    *,
    version: str = "1",
    compiler: str = "none",
    os: str = "linux1",
    target: str = "x86_64",
    variants: tuple[str, ...] = (),
    details: Details = PLAIN,
) -> Node:
    """A node of a small DAG; an edge is a hash, and its types and virtuals: `build,link c,cxx`."""
    build = Build(name, version, compiler, os, "linux", target, variants)
    return Node(spec_hash, build, True, details, tuple((to, kind(text)) for to, text in edges), b"")


def kind(text: str) -> EdgeKind:
    """`build,link c,cxx` as the kind of an edge."""
    types, _, virtuals = text.partition(" ")
    return EdgeKind(
        tuple(sorted(filter(None, types.split(",")))),
        tuple(sorted(filter(None, virtuals.split(",")))),
    )
