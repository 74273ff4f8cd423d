"""DAGs to ask: those of cache indexes as they are read, and small ones that are told."""

from __future__ import annotations

from collections.abc import Iterable

from cachesync.buildcache.index import split
from cachesync.buildcache.nodes import nodes
from cachesync.model import Build, Details, EdgeKind, Node
from cachesync.spack.concrete import Facts, facts_of, virtuals_of

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

    def facts(self, node: str) -> Facts:
        """What a node says of itself."""
        there = self.nodes.get(node)
        if there is None:
            return facts_of(node, Build("", "", "none", "", "", "", ()), None)
        return facts_of(node, there.build, there.details)

    def edges(self, node: str) -> tuple[tuple[str, EdgeKind], ...]:
        """Its edges, in the order of the index."""
        there = self.nodes.get(node)
        return () if there is None else there.edges


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
