"""A query evaluated over the ledger: every placement of some builds, or of all, is judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from . import query
from .errors import UsageError
from .ledger import connect, read

__all__ = ["MatchingPlacement", "count_specs", "matching_in", "matching_placements"]

MANY_TERMS = 30
MOST_WORK = 200_000
"""Terms times builds; a query of few terms is answered however many builds there are."""

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
    described = list(
        read.all_builds(db) if build_ids is None else read.builds(db, build_ids).items()
    )
    residue = query.residual(node)
    _refuse_too_much(node, len(described))
    residues = {build_id: residue(build) for build_id, build in described}
    possible = [build_id for build_id, rest in residues.items() if rest is not False]
    placements = _placements(db, node, possible, names)
    yield from _judged(node, residues, names, placements)


def matching_in(
    db: connect.Connection, node: query.Node, tag_ids: Collection[int]
) -> dict[int, set[str]]:
    """Build id -> the hashes of its specs with a placement in some tags that matches."""
    placed = list(read.placements_in(db, tag_ids))
    described = read.builds(db, {build_id for build_id, _, _, _ in placed})
    residue = query.residual(node)
    _refuse_too_much(node, len(described))
    residues = {build_id: residue(build) for build_id, build in described.items()}
    found: dict[int, set[str]] = {}
    for one in _judged(node, residues, read.Names(db), placed):
        found.setdefault(one.build_id, set()).add(one.hash)
    return found


def _judged(
    node: query.Node,
    residues: Mapping[int, query.Node | bool],
    names: read.Names,
    placements: Iterable[tuple[int, str, int, int]],
) -> Iterator[MatchingPlacement]:
    """The placements that satisfy what is left of a query once their builds are known."""
    numbered: dict[query.Node | bool, int] = {}
    # Most residues are one object: found by identity, they need not be hashed each time.
    seen: dict[int, int] = {}
    numbers: dict[int, int] = {}
    for build_id, rest in residues.items():
        number = seen.get(id(rest))
        if number is None:
            number = seen[id(rest)] = numbered.setdefault(rest, len(numbered))
        numbers[build_id] = number
    rests = list(numbered)
    beginnings = _beginnings(node)
    # Few residues, tags and sets of stacks make up the many placements: each is judged once.
    verdicts: dict[tuple[int, int, int, tuple[str, ...]], bool] = {}
    for placement in placements:
        build_id, spec_hash, tag_id, stacks_id = placement
        number = numbers[build_id]
        rest = rests[number]
        if isinstance(rest, bool):
            if rest:
                yield MatchingPlacement._make(placement)
            continue
        begins = tuple([spec_hash[:n] for n, known in beginnings if spec_hash[:n] in known])
        key = (number, tag_id, stacks_id, begins)
        verdict = verdicts.get(key)
        if verdict is None:
            source, tag = names.tags[tag_id]
            verdict = verdicts[key] = query.matches_where(
                rest, spec_hash, source=source, tag=tag, stacks=names.stacks[stacks_id]
            )
        if verdict:
            yield MatchingPlacement._make(placement)


def _refuse_too_much(node: query.Node, builds: int) -> None:
    """Raise UsageError for a query of very many terms that would be judged for very many builds."""
    number = len({term for term, _ in query.terms(node)})
    if number > MANY_TERMS and number * builds > MOST_WORK:
        raise UsageError(
            f"{number} terms cannot be judged for {builds:,} builds in reasonable time",
            hint="ask less at once, or name a package",
        )


def _beginnings(node: query.Node) -> list[tuple[int, set[str]]]:
    """The beginnings of hashes a query asks for, by their length."""
    found: dict[int, set[str]] = {}
    for term, _ in query.terms(node):
        if query.may_be_hash(term):
            found.setdefault(len(term.value), set()).add(term.value)
    return list(found.items())


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
    stacks = query.required(node, "stack")
    holding = None
    if stacks:
        holding = [
            stacks_id
            for stacks_id, held in names.stacks.items()
            if all(query.matches_placement(t, source="", tag="", stacks=held) for t in stacks)
        ]
    wanted = set(build_ids)
    for placement in read.placements_in(db, fitting, holding):
        if placement[0] in wanted:
            yield placement
