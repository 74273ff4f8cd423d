"""The values that words are compared with where there is no index: those that the ledger would have indexed."""

from __future__ import annotations

from ..index.documents import CASED, postings
from ..ledger import connect
from ..ledger.documents import documents
from ..query.readings import Values
from .searcher import Searcher

__all__ = ["FEW_BUILDS", "values_of"]

FEW_BUILDS = 5_000
"""Builds up to which the ledger is asked again and again: each question looks at all of them, some 10 us a build."""


def values_of(searcher: Searcher, db: connect.Connection) -> Values:
    """Values of a field that begin so, as they are spelled and in lower case; inside of `moment`."""
    if searcher.is_indexed:
        return searcher.spellings
    terms: dict[str, set[str]] = {}
    for document in documents(db):
        for field, found in postings(document).items():
            terms.setdefault(field, set()).update(found)
    for term in terms.pop(CASED, ()):
        field, _, value = term.partition(":")
        terms[field].add(value)

    def values(field: str, beginning: str) -> list[str]:
        return sorted(value for value in terms.get(field, ()) if value.startswith(beginning))

    return values
