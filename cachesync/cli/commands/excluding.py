"""What `search` says of `-x`, which excludes, where Spack's `-x` may be meant: a variant that is off."""

from __future__ import annotations

from collections.abc import Iterator

from ... import query
from ...errors import QueryError
from ...ledger import read
from ...query import minus
from ...search.searcher import Searcher

__all__ = ["notes"]

MOST = 5
"""Notes of one query: each may cost a search."""


def notes(searcher: Searcher, text: str) -> Iterator[str]:
    """A note for each `-x` of a query where x is a variant of the package, or that excludes nothing."""
    found = minus.found(text)
    if not found:
        return
    node = query.parse(text)
    with searcher.moment() as db:
        switches = {
            switch
            for package in minus.packages_of(node)
            for switch in read.switches_of(db, package)
        }
        count = None
        for name in list(dict.fromkeys(one.name for one in found))[:MOST]:
            if name in switches:
                yield f"`-{name}` excludes, and turns no variant off: variant off is `~{name}`"
                continue
            count = _count(searcher, node) if count is None else count
            if count and all(
                _count_without(searcher, text, one) == count for one in found if one.name == name
            ):
                yield f"`-{name}` excludes nothing: variant off is `~{name}`"


def _count(searcher: Searcher, node: query.Node) -> tuple[int, int] | tuple[()]:
    """How many builds and specs match; nothing where none do, or asking takes as long as the search."""
    counts = searcher.matching(node) if searcher.is_indexed else {}
    return (len(counts), sum(counts.values())) if counts else ()


def _count_without(
    searcher: Searcher, text: str, one: minus.Minus
) -> tuple[int, int] | tuple[()] | None:
    """How many would match without one `-x`; None where that is no question."""
    rest = minus.without(text, one)
    if rest is None:
        return None
    try:
        return _count(searcher, query.parse(rest))
    except QueryError:
        return None
