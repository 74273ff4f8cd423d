"""How many builds an answer leaves out only because nobody tells what was asked of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Protocol

from .. import query
from ..ledger import connect, read

if TYPE_CHECKING:
    from .dags import Dags

__all__ = ["asks_pages", "unjudged", "unnamed", "unsigned"]


class Searcher(Protocol):
    """What is asked; see `searcher`."""

    @property
    def dags(self) -> Dags:
        """What answers about DAGs."""

    def matching(self, node: query.Node) -> Mapping[int, int]:
        """The builds that match."""


def unnamed(searcher: Searcher, db: connect.Connection, node: query.Node) -> int:
    """Builds that match but for the compiler, which their pages do not name; inside of `moment`.

    Where an index says that there is none, that is a fact.
    """
    if not any(term.field == "compiler" for term, _ in query.terms(node)):
        return 0
    from ..query.unsaid import with_no_compiler

    tree = with_no_compiler(node)
    tree = None if tree is None else _of_pages(searcher, db, tree)
    return 0 if tree is None else len(searcher.matching(tree))


def unsigned(searcher: Searcher, node: query.Node, counts: Collection[int] | None = None) -> int:
    """Builds, without those that match (`counts`), that would match if it was known of them whether they are signed.

    Inside of `moment`.
    """
    if not any(term.field == "signed" for term, _ in query.terms(node)):
        return 0
    matching = set(searcher.matching(node) if counts is None else counts)
    opened = searcher.matching(searcher.dags.placed(node, opened=True))
    return len(opened.keys() - matching)


def asks_pages(
    searcher: Searcher, db: connect.Connection, node: query.Node, *, dependencies: bool = False
) -> bool:
    """Whether what pages cannot answer is asked of specs that only they tell of; inside of `moment`.

    Of a ledger of pages alone it is. With `dependencies` so is what DAGs answer.
    """
    if not any(term.field in ("variant", query.UNJUDGED) for term, _ in query.terms(node)):
        return False  # most queries need not load what is below
    from ..query.unsaid import opened, unsaid

    if not any(dependencies or u.condition.field != query.UNJUDGED for u in unsaid(node)):
        return False
    rest = opened(node)
    tree = _of_pages(searcher, db, rest)
    return tree is rest or (tree is not None and bool(searcher.matching(tree)))


def _of_pages(searcher: Searcher, db: connect.Connection, node: query.Node) -> query.Node | None:
    """A tree, asked of the specs of which only pages tell: itself where that is all; None where it is none."""
    if not read.has_pages(db):
        return None
    return searcher.dags.of_pages(node) if read.has_nodes(db) else node


def unjudged(
    searcher: Searcher, node: query.Node, counts: Collection[int] | None = None
) -> tuple[int, int]:
    """Builds, without those that match (`counts`), that a DAG that said more would decide of; inside of `moment`.

    And of these how many have a DAG that does not say which version of a virtual package is provided.
    """
    if next(query.each_dag(node), None) is None:
        return 0, 0
    tree = searcher.dags.unjudged(node)
    if tree is None:
        return 0, 0
    matching = set(searcher.matching(node) if counts is None else counts)
    undecided = searcher.dags.unjudged(node, only_undecided=True)
    return (
        len(searcher.matching(tree).keys() - matching),
        0 if undecided is None else len(searcher.matching(undecided).keys() - matching),
    )
