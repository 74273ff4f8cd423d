"""What a query is while it is read: items side by side, before it is known which word is a name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .tree import And, Everything, Node, Or, Term

if TYPE_CHECKING:
    from ..spack.specedges import Edge

__all__ = ["Excluded", "Fixed", "Group", "Item", "Part", "Plain", "either", "together"]


class Plain(NamedTuple):
    """A bare word, which may turn out to be the name of a package."""

    term: Term
    text: str
    position: int


class Part(NamedTuple):
    """One token of spec syntax: where it stands, and what it asks of a build that pages tell of."""

    terms: tuple[Term, ...]
    start: int
    end: int
    is_name: bool = False
    """A package's, perhaps with its namespace."""
    pair: tuple[str, str, bool] | None = None
    """Of `key=value` both, and whether these values are meant and no others."""
    is_propagated: bool = False
    edge: Edge | None = None
    """Of a `^` or `%` what it opens."""
    name: str | None = None
    """Of the package behind a `^` or `%`."""


class Fixed(NamedTuple):
    """Terms that mean the same wherever they stand."""

    nodes: tuple[Node, ...]
    position: int
    is_spec: bool = False
    """Spack's spec syntax."""
    is_word: bool = False
    """A word that is quoted, a prefix or fuzzy: it stands where a name could, and is none."""
    parts: tuple[Part, ...] = ()
    """Of spec syntax."""


class Group(NamedTuple):
    """Parentheses, or a whole query: alternatives of items."""

    alternatives: list[list[Item]]
    position: int


class Excluded(NamedTuple):
    """What stands behind a minus."""

    item: Item
    position: int


Item = Plain | Fixed | Group | Excluded


def together(nodes: list[Node]) -> Node:
    """All of some nodes, conjunctions among them opened."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.nodes if isinstance(node, And) else (node,))
    return flat[0] if len(flat) == 1 else And(tuple(flat)) if flat else Everything


def either(nodes: list[Node]) -> Node:
    """Any of some nodes, alternatives among them opened."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.nodes if isinstance(node, Or) else (node,))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))
