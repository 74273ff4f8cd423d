"""Answering a query by package: what matches of each package, in the order of its best build."""

from __future__ import annotations

from typing import NamedTuple

from .. import query
from ..ledger import read
from ..spack import tags, versions
from .searcher import Searcher

__all__ = ["PackageRow", "PackagesAnswer", "by_package"]


class PackageRow(NamedTuple):
    """What matches of one package."""

    package: str
    versions: tuple[str, ...]
    """Newest first, in Spack's order."""
    builds: int
    specs: int
    tags: tuple[str, ...]
    """Where it is placed, oldest first."""


class PackagesAnswer(NamedTuple):
    """The packages asked for, and how much there is in all."""

    packages: int
    builds: int
    specs: int
    rows: tuple[PackageRow, ...]
    seq: int
    indexed: bool
    """Whether the index answered, and not the ledger."""


def by_package(
    searcher: Searcher, node: query.Node, *, limit: int = 0, offset: int = 0,
    sort: str = "relevance",
) -> PackagesAnswer:  # fmt: skip
    """The packages with builds that match `node`; `limit` 0 means all of them."""
    with searcher.moment() as db:
        counts = searcher.matching(node)
        described = read.builds(db, counts)
        groups: dict[str, list[int]] = {}
        for build_id in searcher.ordered(node, counts, sort):
            groups.setdefault(described[build_id].package, []).append(build_id)
        names = list(groups)[offset : offset + limit if limit else None]
        rows = tuple(_row(searcher, node, groups[name]) for name in names)
        specs = sum(counts.values())
        seq, indexed = read.last_seq(db), searcher.is_indexed
    return PackagesAnswer(len(groups), len(counts), specs, rows, seq, indexed)


def _row(searcher: Searcher, node: query.Node, build_ids: list[int]) -> PackageRow:
    hits = searcher.hits(node, build_ids)
    found = {hit.build.version for hit in hits}
    placed = {place.tag for hit in hits for spec in hit.specs for place in spec.placements}
    return PackageRow(
        hits[0].build.package,
        tuple(sorted(found, key=versions.sort_key, reverse=True)),
        len(hits),
        sum(len(hit.specs) for hit in hits),
        tuple(sorted(placed, key=tags.order)),
    )
