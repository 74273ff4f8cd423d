"""The query language: text to a tree (`parse`), a tree to text (`show`), and what a tree means.

A tree is a condition on *placements*: tag, stack and source conditions must hold for the same
placement. `matches` is that meaning, and the only definition of it; an index may answer faster,
never differently. What is not understood is an error with its position, never ignored. Pure.

Reading Spack's spec syntax, judging it, and printing are modules of their own that a search for
words does not load.
"""

from __future__ import annotations

from collections.abc import Callable

from ..model import Build
from .grammar import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, MAX_WIDE, parse
from .meaning import (
    MIN_HASH_WORD,
    compiler_values,
    field_values,
    matches,
    matches_build,
    matches_hash,
    matches_placement,
    matches_where,
    may_be_hash,
    name_runs,
    plain_compiler,
    residue,
)
from .tree import (
    BUILD_FIELDS,
    FIELDS,
    PLACEMENT_FIELDS,
    And,
    Everything,
    Node,
    Not,
    Or,
    Term,
    is_met_by_all,
    required,
    terms,
    wanted_values,
)

__all__ = [
    "BUILD_FIELDS",
    "FIELDS",
    "MAX_DEPTH",
    "MAX_LENGTH",
    "MAX_TERMS",
    "MAX_WIDE",
    "MIN_HASH_WORD",
    "PLACEMENT_FIELDS",
    "And",
    "Everything",
    "Node",
    "Not",
    "Or",
    "Term",
    "compiler_values",
    "field_values",
    "is_met_by_all",
    "matches",
    "matches_build",
    "matches_hash",
    "matches_placement",
    "matches_where",
    "may_be_hash",
    "name_runs",
    "parse",
    "parse_in",
    "plain_compiler",
    "required",
    "residual",
    "residue",
    "show",
    "terms",
    "wanted_values",
]


def parse_in(spack: str | None, text: str) -> Node:
    """The tree of a query, in the language of a Spack where one is named (`exact.VERSIONS`).

    Raises QueryError, with the position, and UsageError for a Spack that is not known.
    """
    if spack is None:
        return parse(text)
    from .exact import parse_as

    return parse_as(spack, text)


def residual(node: Node) -> Callable[[Build], Node | bool]:
    """`residue` of one tree for many builds, prepared."""
    from .prepared import residual

    return residual(node)


def show(node: Node) -> str:
    """The text of a tree, as `parse` reads it: `parse(show(parse(text))) == parse(text)`."""
    from .printing import show

    return show(node)
