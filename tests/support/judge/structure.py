"""The second step of the judge: tokens become the spec that is asked for (RULES 2, 4c)."""

from dataclasses import dataclass, field
from typing import NamedTuple

from .versions import Asked

__all__ = ["FLAGS", "Edge", "Node", "Variant", "same"]

FLAGS = ("cflags", "cxxflags", "cppflags", "fflags", "ldflags", "ldlibs")


class Variant(NamedTuple):
    """A condition on a variant: a boolean, values, or None for any value."""

    name: str
    values: bool | tuple[str, ...] | None
    exact: bool = False
    propagated: bool = False


ANY = Asked()
"""`@:`, which asks for nothing."""


@dataclass(eq=False)
class Node:
    """What is asked of one node. What can be said twice by merging is a list: all must hold."""

    name: str | None = None
    namespace: str | None = None
    hashes: list[str] = field(default_factory=list)
    versions: list[tuple[Asked, ...]] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    has_architecture: bool = False
    has_merged_target: bool = False
    platform: str | None = None
    os: str | None = None
    targets: list[str] = field(default_factory=list)
    flags: list[tuple[str, str]] = field(default_factory=list)
    compilers: list[tuple[str, tuple[Asked, ...] | None]] = field(default_factory=list)
    edges: list["Edge"] = field(default_factory=list)


@dataclass(eq=False)
class Edge:
    """A dependency that is asked for, of the node whose `edges` hold it."""

    sigil: str
    node: Node
    types: frozenset[str] = frozenset()
    virtuals: frozenset[str] = frozenset()
    when: Node | None = None


def _key(node: Node | None) -> object:
    node = node or Node()  # to ask for nothing is no condition
    return (
        node.name, node.namespace, frozenset(node.hashes),
        frozenset(frozenset(asked) for asked in node.versions if ANY not in asked),
        frozenset((v.name, frozenset(v.values) if isinstance(v.values, tuple) else v.values,
                   v.exact, v.propagated) for v in node.variants),
        node.platform, node.os, frozenset(node.targets), frozenset(node.flags),
        frozenset(node.compilers),
        frozenset((edge.sigil, _key(edge.node), edge.types, edge.virtuals, _key(edge.when))
                  for edge in node.edges),
    )  # fmt: skip


def same(one: Node | None, other: Node | None) -> bool:
    """Whether two specs ask for the same."""
    return _key(one) == _key(other)
