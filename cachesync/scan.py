"""A query evaluated over the ledger: every placement of some builds, or of all, is judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from . import query
from .ledger import connect, read

__all__ = ["MatchingPlacement", "count_specs", "matching_in", "matching_placements"]

BY_TAG = 300
"""Builds from which their placements in a tag are found sooner through the tag's pages."""


class MatchingPlacement(NamedTuple):
    """A placement that satisfies a query, with the ledger's numbers for names."""

    build_id: int
    hash: str
    tag_id: int
    stacks_id: int


def count_specs(
    db: connect.Connection, node: query.Node, build_ids: Collection[int] | None
) -> dict[int, int]:
    """The builds that match among some, or among all, and how many of their specs do."""
    matched: dict[int, set[str]] = {}
    for build_id, spec_hash, _, _ in matching_placements(db, node, build_ids, read.Names(db)):
        matched.setdefault(build_id, set()).add(spec_hash)
    return {build_id: len(found) for build_id, found in matched.items()}


def matching_placements(
    db: connect.Connection,
    node: query.Node,
    build_ids: Collection[int] | None,
    names: read.Names,
) -> Iterator[MatchingPlacement]:
    """Every placement that matches of some builds, or of all."""
    described = read.all_builds(db) if build_ids is None else read.builds(db, build_ids).items()
    residues = {build_id: query.residue(node, build) for build_id, build in described}
    possible = [build_id for build_id, rest in residues.items() if rest is not False]
    yield from _judged(db, node, residues, names, _placements(db, node, possible, names))


def matching_in(
    db: connect.Connection, node: query.Node, tag_ids: Collection[int]
) -> dict[int, set[str]]:
    """Build id -> the hashes of its specs with a placement in some tags that matches."""
    placed = list(read.placements_in(db, tag_ids))
    described = read.builds(db, {build_id for build_id, _, _, _ in placed})
    residues = {build_id: query.residue(node, build) for build_id, build in described.items()}
    found: dict[int, set[str]] = {}
    for one in _judged(db, node, residues, read.Names(db), placed):
        found.setdefault(one.build_id, set()).add(one.hash)
    return found


def _judged(
    db: connect.Connection,
    node: query.Node,
    residues: Mapping[int, query.Node | bool],
    names: read.Names,
    placements: Iterable[tuple[int, str, int, int]],
) -> Iterator[MatchingPlacement]:
    """The placements that satisfy what is left of a query once their builds are known."""
    beginnings = [term.value for term, _ in query.terms(node) if query.may_be_hash(term)]
    by_hash = any(read.builds_with_hash(db, beginning) for beginning in beginnings)
    # Few residues, tags and sets of stacks make up the many placements: each is judged once.
    verdicts: dict[tuple[query.Node, int, int, str], bool] = {}
    for placement in placements:
        build_id, spec_hash, tag_id, stacks_id = placement
        rest = residues[build_id]
        if not isinstance(rest, bool):
            key = (rest, tag_id, stacks_id, spec_hash if by_hash else "")
            verdict = verdicts.get(key)
            if verdict is None:
                source, tag = names.tags[tag_id]
                verdict = verdicts[key] = query.matches_where(
                    rest, key[3], source=source, tag=tag, stacks=names.stacks[stacks_id]
                )
            rest = verdict
        if rest:
            yield MatchingPlacement._make(placement)


def _placements(
    db: connect.Connection, node: query.Node, build_ids: list[int], names: read.Names
) -> Iterator[tuple[int, str, int, int]]:
    """Every placement of some builds that might match, by the way that meets fewer others."""
    tags = query.required(node, "tag")
    if not tags or len(build_ids) < BY_TAG:
        yield from read.placements_of(db, build_ids)
        return
    fitting = [
        tag_id
        for tag_id, (source, tag) in names.tags.items()
        if all(query.matches_placement(t, source=source, tag=tag, stacks=()) for t in tags)
    ]
    wanted = set(build_ids)
    for placement in read.placements_in(db, fitting):
        if placement[0] in wanted:
            yield placement
