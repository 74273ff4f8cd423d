"""What a query is while it is read: items side by side, before it is known which word is a name. Pure."""

from __future__ import annotations

from typing import NamedTuple

from .tree import And, Everything, Node, Or, Term

__all__ = ["Excluded", "Fixed", "Group", "Item", "Plain", "either", "together"]


class Plain(NamedTuple):
    """A bare word, which may turn out to be the name of a package."""

    term: Term
    text: str
    position: int


class Fixed(NamedTuple):
    """Terms that mean the same wherever they stand."""

    nodes: tuple[Node, ...]
    position: int
    is_spec: bool = False
    """Spack's spec syntax."""
    is_word: bool = False
    """A word that is quoted, a prefix or fuzzy: it stands where a name could, and is none."""


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
