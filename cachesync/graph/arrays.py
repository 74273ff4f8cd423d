"""The graph as arrays of numbers: nodes in the order in which the ledger learnt of them. Pure.

A node is its place in that order; a column has a number a node, which stands for a value in a table.
The edges of a node lie together, in the order of the index; those to it once more, reversed: first the
ones that `^` follows to any depth (link, run), then the others.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..model import EdgeKind

__all__ = ["COLUMNS", "DOWN", "Graph", "Numbers", "Tables", "fitting", "label_of"]

DOWN = frozenset(("link", "run"))
COLUMNS = ("name", "version", "variants", "place", "rest", "compiler")
"""What is said of a node itself, each a table and a column."""

if TYPE_CHECKING:
    Numbers = array[int]
else:
    Numbers = array


class Tables(NamedTuple):
    """What the numbers in columns stand for. JSON values: lists, no tuples."""

    name: list[str]
    version: list[str]
    pair: list[list[Any]]
    """A variant's name, and a switch or its values, sorted."""
    variants: list[list[int]]
    """The pairs that a node has."""
    place: list[list[str]]
    """Platform, os and target."""
    rest: list[list[Any]]
    """Namespace, flags (name and values), the format, whether it is an external, the virtual packages it
    provides with their versions (None where nobody says)."""
    compiler: list[list[str] | None]
    """Name and version."""
    kind: list[list[list[str]]]
    """Types and virtuals of edges, by the id that the ledger has for them."""
    label: list[list[Any]]
    """The name at the far side of an edge and the virtuals on it: what a mask has a bit for."""
    mask: list[str]
    """Sets of labels as hexadecimal numbers; empty where they would take too much room."""
    target: dict[str, list[str] | None]
    """The targets that occur, with all whose code they run; None of one that archspec does not know."""
    unknown: dict[str, int]
    """Nodes that nothing but edges told of, by hash."""


class Graph(NamedTuple):
    """Everything; the arrays are never written to."""

    spec_ids: Numbers
    """The ledger's; 0 of a node that it does not have."""
    builds: Numbers
    """The ledger's ids of their builds; 0 of a node that no index told of, but what depends on it."""
    placed: bytes
    """1 of a node that is cached somewhere, else 0."""
    columns: dict[str, Numbers]
    """By the names in COLUMNS, and `down` and `reach`: the masks of labels on the edges that `^` follows
    from a node to any depth, and on all that it looks at."""
    starts: Numbers
    """Where the edges of a node begin; one more at the end."""
    children: Numbers
    kinds: Numbers
    """Of each edge its kind."""
    back_starts: Numbers
    """Where the reversed edges of a node begin; one more at the end."""
    back_downs: Numbers
    """Where those that are no link or run edges begin among them."""
    parents: Numbers
    back_kinds: Numbers
    tables: Tables

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.spec_ids)

    def kinds_where(self, test: Any) -> frozenset[int]:
        """The numbers of the kinds of edges that meet a test."""
        return frozenset(
            number
            for number, (types, virtuals) in enumerate(self.tables.kind)
            if test(EdgeKind(tuple(types), tuple(virtuals)))
        )


def fitting(values: Iterable[int] | Sequence[int], most: int) -> Numbers:
    """Numbers below `most` in as few bytes each as hold them."""
    return array("B" if most <= 1 << 8 else "H" if most <= 1 << 16 else "I", values)


def label_of(name: int, virtuals: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """What tells one label from another."""
    return name, tuple(virtuals)
