"""What is said of `-x` in a query, which excludes, where Spack's may be meant: a variant off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ... import query
from ...errors import LedgerMissingError, QueryError
from ...ledger import read
from ...query import minus
from ...query.items import together
from ...search.searcher import Searcher
from . import answer

__all__ = ["notes", "say", "say_of"]

MOST = 5
"""Notes of one query: each may cost a search."""
_PLACES = ("tag", "stack", "source")
"""A spec that one of them is excluded of may be left, in others."""


def say(searcher: Searcher, text: str) -> None:
    """Say it of a query that is not Spack's: to Spack `-x` is `~x`."""
    for found in notes(searcher, text):
        answer.note(found)


def say_of(state_dir: Path, text: str) -> None:
    """The same for who has nothing open to ask; nothing is said where nothing was ever synced."""
    if not minus.found(text):
        return
    try:
        with closing(Searcher(state_dir, is_lasting=False)) as searcher:
            say(searcher, text)
    except LedgerMissingError:
        return


def notes(searcher: Searcher, text: str) -> list[str]:
    """What there is to say, a line each."""
    return list(_notes(searcher, text))


def _notes(searcher: Searcher, text: str) -> Iterator[str]:
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
                _count_without(searcher, text, one) == count and not _is_place(searcher, text, one)
                for one in found if one.name == name
            ):  # fmt: skip
                yield f"`-{name}` excludes nothing: variant off is `~{name}`"


def _count(searcher: Searcher, node: query.Node) -> tuple[int, int] | tuple[()]:
    """How many builds and specs match; nothing where none do, or asking takes as long as the search."""
    counts = searcher.matching(node) if searcher.is_indexed else {}
    return (len(counts), sum(counts.values())) if counts else ()


def _count_without(
    searcher: Searcher, text: str, one: minus.Minus
) -> tuple[int, int] | tuple[()] | None:
    """How many would match without one `-x`; None where that is no question."""
    rest = _without(text, one)
    return None if rest is None else _count(searcher, rest)


def _is_place(searcher: Searcher, text: str, one: minus.Minus) -> bool:
    """Whether some of what is left would be in a tag, stack or source x, too, but for one `-x`."""
    rest = _without(text, one)
    places = query.parse(" OR ".join(f'{field}:"{one.name}"' for field in _PLACES))
    return rest is not None and bool(_count(searcher, together([rest, places])))


def _without(text: str, one: minus.Minus) -> query.Node | None:
    rest = minus.without(text, one)
    try:
        return None if rest is None else query.parse(rest)
    except QueryError:
        return None
