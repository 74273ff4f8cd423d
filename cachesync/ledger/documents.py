"""What the search index is made of: builds, with how many of their specs are placed where."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ..model import Build
from .read import Names, builds_in_order, id_list

__all__ = ["Document", "documents"]


class Document(NamedTuple):
    """A build as the search index holds it, with how many of its specs are placed where.

    The names are in lower case: ones that differ only by case are one to a search.
    """

    build_id: int
    build: Build
    specs: int
    tags: dict[str, int]
    stacks: dict[str, int]
    sources: dict[str, int]


def documents(
    db: sqlite3.Connection, build_ids: Iterable[int] | None = None, *, half: int | None = None
) -> Iterator[Document]:
    """The documents of some builds, or of all, or of half of all (0 or 1).

    Builds of which nothing is placed have none.
    """
    chosen = "" if build_ids is None else " WHERE s.build_id IN (SELECT value FROM json_each(?))"
    if half is not None:
        chosen = f" WHERE s.build_id % 2 = {half}"
    parameters = () if build_ids is None else (id_list(build_ids),)
    placed = f"FROM spec s JOIN placement p ON p.spec_id = s.id{chosen}"
    names = Names(db)
    # Looked up here: joining `page` for every placement would take three times as long.
    every = "" if build_ids is None else f" WHERE id IN (SELECT p.page_id {placed})"
    tag_ids = dict(db.execute(f"SELECT id, tag_id FROM page{every}", parameters))
    rows = db.execute(
        f"SELECT s.build_id, group_concat(p.page_id), group_concat(p.stacks_id) {placed}"
        " GROUP BY s.build_id, s.id ORDER BY s.build_id",
        parameters,
    )
    described = builds_in_order(db, build_ids)
    known: dict[tuple[tuple[int, ...], str], _Names] = {}
    for build_id, specs in groupby(rows, key=itemgetter(0)):
        alike: dict[tuple[tuple[int, ...], str], int] = {}
        for _, pages, stacks in specs:
            where = tuple(map(tag_ids.__getitem__, map(int, pages.split(",")))), stacks
            alike[where] = alike.get(where, 0) + 1
        counts: tuple[dict[str, int], dict[str, int], dict[str, int]] = ({}, {}, {})
        for where, number in alike.items():
            called = known.get(where)
            if called is None:
                called = known[where] = _names_of(names, *where)
            for count, some in zip(counts, called, strict=True):
                for name in some:
                    count[name] = count.get(name, 0) + number
        build = next(build for described_id, build in described if described_id == build_id)
        yield Document(build_id, build, sum(alike.values()), *counts)


_Names = tuple[set[str], set[str], set[str]]


def _names_of(names: Names, tag_ids: Sequence[int], stacks_ids: str) -> _Names:
    """The tags, stacks and sources of a spec placed so, in lower case."""
    tags = [names.tags[tag_id] for tag_id in tag_ids]
    return (
        {tag.lower() for _, tag in tags},
        {name.lower() for i in set(stacks_ids.split(",")) for name in names.stacks[int(i)]},
        {source.lower() for source, _ in tags},
    )
