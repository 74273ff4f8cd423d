"""The edges of an abstract spec while it is read: which are kept, and which become one. Pure.

What is done is that of `Spec._add_dependency` and `Spec.add_dependency_edge` in Spack's `spec.py`.
"""

from __future__ import annotations

from typing import Literal

from .abstract import PACKAGES, AbstractEdge, AbstractSpec
from .specmerging import ExcludedError, merged, said
from .specnode import MAX_LISTED
from .spectokens import Dialect, SpecTextError

__all__ = ["ALWAYS", "Edge", "Node", "translated"]

ALWAYS = said(AbstractSpec())
"""What a condition says that always holds."""


def translated(spec: AbstractSpec) -> AbstractSpec:
    """What stands behind `%`, with the name that a compiler has as a package."""
    return spec._replace(name=PACKAGES.get(spec.name or "", spec.name))


class Edge:
    """An edge that may still grow."""

    def __init__(self, sigil: Literal["^", "%"], start: int) -> None:
        self.sigil: Literal["^", "%"] = sigil
        self.start = self.end = start
        self.text = ""
        """What stands there."""
        self.node = Node(AbstractSpec())
        self.types: frozenset[str] = frozenset()
        self.virtuals: frozenset[str] = frozenset()
        self.when: AbstractSpec | None = None
        self.condition = ALWAYS
        """What `when` says, however it is written."""

    def frozen(self) -> AbstractEdge:
        """The edge as it is now."""
        return AbstractEdge(
            self.sigil, self.node.frozen(), tuple(sorted(self.types)),
            tuple(sorted(self.virtuals)), self.when, self.start, self.end,
        )  # fmt: skip

    def error(self, message: str, hint: str | None = None) -> SpecTextError:
        """An error that points at the edge."""
        return SpecTextError(message, self.start, length=self.end - self.start, hint=hint)


class Node:
    """A node to which edges may still be added."""

    def __init__(self, spec: AbstractSpec) -> None:
        self.spec = spec
        self.edges: list[Edge] = []

    def frozen(self) -> AbstractSpec:
        """The node as it is now."""
        edges = tuple(edge.frozen() for edge in self.edges)
        return self.spec._replace(target=self.spec.target or None, edges=edges)

    def add(self, edge: Edge, dialect: Dialect, *, as_of_1_2: bool = False) -> None:
        """Add an edge as Spack does, which is to one there is, where that is of the same kind.

        Raises SpecTextError where the two cannot be asked for together.
        """
        name = edge.node.spec.name
        siblings = [one for one in self.edges if one.condition == edge.condition]
        if name is not None or as_of_1_2:
            siblings = [one for one in siblings if one.node.spec.name == name]
        same = (one for one in siblings if name is not None and one.types == edge.types)
        known = next(same, None)
        if known is not None:
            _merge(known, edge, dialect)
            return
        if any(_overlap(sibling.types, edge.types) for sibling in siblings):
            what = name or "a package without a name"
            raise edge.error(
                f"{what} is asked for twice, and the types of dependency exclude each other",
                "one [deptypes=...] holds them all",
            )
        self.edges.append(edge)


def _merge(known: Edge, edge: Edge, dialect: Dialect) -> None:
    try:
        spec = merged(known.node.spec, edge.node.spec, dialect)
    except ExcludedError as error:
        raise edge.error(
            f"{edge.node.spec.name} is asked for twice, and {error} exclude each other",
            f"the other is {known.text}",
        ) from None
    if spec.versions is not None and spec.versions.count(",") >= MAX_LISTED:
        raise edge.error(f"more than {MAX_LISTED} versions in one list")
    if spec.target is not None and spec.target.count(",") >= MAX_LISTED:
        raise edge.error(f"more than {MAX_LISTED} targets in one list")
    known.node.spec = spec
    known.virtuals |= edge.virtuals


def _overlap(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether one package cannot be a dependency by both sets of types at once."""
    below = {"link", "run"}
    return bool(first & second) or bool(first & below and second & below)
