"""What a query is once it is read: a tree of terms. Plain values; see `meaning` for what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..spack import variants

__all__ = [
    "BUILD_FIELDS",
    "FIELDS",
    "PLACEMENT_FIELDS",
    "And",
    "Everything",
    "Node",
    "Not",
    "Or",
    "Term",
    "is_met_by_all",
    "required",
    "terms",
    "wanted_variants",
    "wants",
]

BUILD_FIELDS = ("package", "version", "compiler", "os", "platform", "target", "variant")
PLACEMENT_FIELDS = ("stack", "tag", "source")
FIELDS = (*BUILD_FIELDS, *PLACEMENT_FIELDS, "hash")


class Term(NamedTuple):
    """One condition. `field` is None for a bare word; the `value` of a word or field is in lower case."""

    field: str | None
    value: str
    prefix: bool = False
    distance: int = 0
    """Of a bare word: how many edits a value may be away (`word~1`)."""
    spack: bool = False
    """A condition in Spack's spec syntax: `value` is what stands after the sigil or before it, as
    written (`1.12:1.14`, `gcc@12:`, `+mpi`, `libs=shared`), and means what it means to Spack."""


def wanted_variants(term: Term) -> tuple[str, ...]:
    """The variants, in normal form, that a word or field is met by, or their beginnings of a prefix.

    Of `variant:++mpi` also `+mpi`: no variant is called `+mpi`, to Spack two signs ask for `mpi`, and
    hand it on to dependencies.
    """
    text = term.value
    found = [text]
    if term.field == "variant" and text[:2] == "++" and not term.prefix:
        found.append(text[1:])
    if "=" in text:
        found.append(variants.beginning(text))
        if not term.prefix:
            found.append(variants.normal(text))
    return tuple(dict.fromkeys(found))


class Not(NamedTuple):
    """What does not match `node`."""

    node: Node


class And(NamedTuple):
    """What matches every node; with none, everything."""

    nodes: tuple[Node, ...]


class Or(NamedTuple):
    """What matches any node."""

    nodes: tuple[Node, ...]


Node = Term | Not | And | Or
Everything = And(())


def terms(node: Node) -> Iterator[tuple[Term, bool]]:
    """Every term of a tree, and whether it is wanted (true) or excluded."""
    if isinstance(node, Term):
        yield node, True
    elif isinstance(node, Not):
        for term, wanted in terms(node.node):
            yield term, not wanted
    else:
        for child in node.nodes:
            yield from terms(child)


def is_met_by_all(node: Node) -> bool:
    """Whether a tree asks for nothing: it has no condition, or an alternative that has none."""
    if isinstance(node, Or):
        return any(map(is_met_by_all, node.nodes))
    return isinstance(node, And) and all(map(is_met_by_all, node.nodes))


def wants(node: Node) -> bool:
    """Whether a tree asks for something to be there, and not only for what shall not be."""
    if isinstance(node, Or):
        return all(map(wants, node.nodes))
    if isinstance(node, And):
        return any(map(wants, node.nodes))
    return isinstance(node, Term)


def required(node: Node, field: str) -> list[Term]:
    """Terms of a field that whatever matches the tree satisfies, all of them; perhaps not every one."""
    if isinstance(node, Term):
        return [node] if node.field == field else []
    if isinstance(node, And):
        return [term for child in node.nodes for term in required(child, field)]
    return []
