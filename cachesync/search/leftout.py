"""How many builds an answer leaves out only because nobody tells what was asked of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Protocol

from .. import query

if TYPE_CHECKING:
    from .dags import Dags

__all__ = ["unjudged", "unnamed"]


class Searcher(Protocol):
    """What is asked; see `searcher`."""

    @property
    def dags(self) -> Dags:
        """What answers about DAGs."""

    def matching(self, node: query.Node) -> Mapping[int, int]:
        """The builds that match."""


def unnamed(searcher: Searcher, node: query.Node) -> int:
    """Builds that match but for the compiler, which their pages do not name; inside of `moment`."""
    if not any(term.field == "compiler" for term, _ in query.terms(node)):
        return 0
    from ..query.unsaid import is_asked_of_builds, with_no_compiler

    tree = with_no_compiler(node)
    if tree is not None and not is_asked_of_builds(node):
        tree = searcher.dags.untold(tree)  # of the others their DAG tells the compiler
    return 0 if tree is None else len(searcher.matching(tree))


def unjudged(searcher: Searcher, node: query.Node, counts: Collection[int] | None = None) -> int:
    """Builds, without those that match (`counts`), that a DAG would decide of; inside of `moment`."""
    if next(query.each_dag(node), None) is None:
        return 0
    tree = searcher.dags.unjudged(node)
    if tree is None:
        return 0
    matching = searcher.matching(node) if counts is None else counts
    return len(searcher.matching(tree).keys() - set(matching))
