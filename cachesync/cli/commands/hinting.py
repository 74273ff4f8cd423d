"""What helps with a line of a list that nothing matches: asked of a searcher inside of its `moment`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ...ledger import connect
from ...reports.wanted import Wanted
from ...search.respelling import hints
from ...search.searcher import Searcher
from ...search.unknown import Unknown, not_there, unknown

__all__ = ["hints_of"]

MOST = 20
"""Names of which it is said what is nearest: each is compared with those of all packages."""


def hints_of(searcher: Searcher, db: connect.Connection) -> Callable[[Wanted], tuple[str, ...]]:
    """A function that tells of a line how a word of it is spelled here, or that no source has its package."""
    told: list[str] = []

    @cache
    def said(name: str) -> str:
        told.append(name)
        return str(unknown(searcher, db, name) if len(told) <= MOST else Unknown(name))

    def of(one: Wanted) -> tuple[str, ...]:
        text = one.text if one.read_as is None else one.read_as
        spelled = tuple(hints(searcher, text))
        if spelled:
            return spelled
        names = dict.fromkeys(term.value for term in not_there(searcher, one.condition))
        return tuple(map(said, names))

    return of
