"""A query evaluated over the ledger: every placement of some builds, or of all, is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from .. import query
from ..errors import UsageError
from ..ledger import connect, read
from ..model import Build

__all__ = ["Group", "count_specs", "matching_groups", "matching_in"]

MANY_TERMS = 30
MOST_WORK = 200_000
"""Terms times builds; a query of few terms is answered however many builds there are."""

BY_TAG = 300
"""Builds from which their placements in a tag are found sooner through the tag's pages."""


class Group(NamedTuple):
    """Matching placements in one tag by one set of stacks: their builds and hashes, side by side."""

    tag_id: int
    stacks_id: int
    build_ids: list[int]
    hashes: list[str]


def count_specs(groups: Iterable[Group]) -> dict[int, int]:
    """The builds of some placements that match, and how many of their specs do."""
    specs: set[tuple[int, str]] = set()
    for group in groups:
        specs.update(zip(group.build_ids, group.hashes, strict=True))
    return dict(Counter(build_id for build_id, _ in specs))


def matching_groups(
    db: connect.Connection,
    node: query.Node,
    build_ids: Collection[int] | Mapping[int, Build] | None,
    names: read.Names,
) -> Iterator[Group]:
    """Every placement that matches of some builds, or of all; a tag and set of stacks may come again.

    With the builds themselves, where they are known, they are not read again.
    """
    node = _settled(db, node)
    if build_ids is None:
        described = list(read.all_builds(db))
    else:
        known = build_ids if isinstance(build_ids, Mapping) else read.builds(db, build_ids)
        described = list(known.items())
    residue = _residual(node)
    _refuse_too_much(node, len(described))
    residues = {build_id: residue(build) for build_id, build in described}
    possible = [build_id for build_id, rest in residues.items() if rest is not False]
    placements = _placements(db, node, possible, names)
    yield from _judged(node, residues, names, placements)


def matching_in(
    db: connect.Connection, node: query.Node, tag_ids: Collection[int]
) -> dict[int, set[str]]:
    """Build id -> the hashes of its specs with a placement in some tags that matches."""
    node = _settled(db, node)
    placed = list(read.placements_in(db, tag_ids))
    described = read.builds(db, {build_id for build_id, *_ in placed})
    residue = _residual(node)
    _refuse_too_much(node, len(described))
    residues = {build_id: residue(build) for build_id, build in described.items()}
    found: dict[int, set[str]] = {}
    for group in _judged(node, residues, read.Names(db), placed):
        for build_id, spec_hash in zip(group.build_ids, group.hashes, strict=True):
            found.setdefault(build_id, set()).add(spec_hash)
    return found


def _judged(
    node: query.Node,
    residues: Mapping[int, query.Node | bool],
    names: read.Names,
    placements: Iterable[tuple[int, str, int, int, int]],
) -> Iterator[Group]:
    """The placements that satisfy what is left of a query once their builds are known.

    Few residues, tags and sets of stacks make up the many placements: each group is judged once.
    """
    numbered: dict[query.Node | bool, int] = {}
    same: dict[int, int] = {}  # what no build decides is one object, and may be large
    for rest in residues.values():
        if id(rest) not in same:
            same[id(rest)] = numbered.setdefault(rest, len(numbered))
    numbers = {build_id: same[id(rest)] for build_id, rest in residues.items()}
    rests = list(numbered)
    beginnings = _beginnings(node)
    verdicts = [judged.verdicts for judged in query.each_judged(node)]
    groups: dict[tuple[object, ...], Group | None] = {}
    begins: tuple[str, ...] = ()
    for build_id, spec_hash, tag_id, stacks_id, spec_id in placements:
        number = numbers[build_id]
        if beginnings:
            begins = tuple([spec_hash[:n] for n, known in beginnings if spec_hash[:n] in known])
        said = tuple([one.of(spec_id) for one in verdicts]) if verdicts else ()
        key = (number, tag_id, stacks_id, begins, said)
        if key in groups:
            group = groups[key]
        else:
            rest = rests[number]
            if not isinstance(rest, bool):
                source, tag = names.tags[tag_id]
                rest = query.matches_where(
                    rest,
                    spec_hash,
                    source=source,
                    tag=tag,
                    stacks=names.stacks[stacks_id],
                    spec_id=spec_id,
                )
            group = groups[key] = Group(tag_id, stacks_id, [], []) if rest else None
        if group is not None:
            group.build_ids.append(build_id)
            group.hashes.append(spec_hash)
    yield from filter(None, groups.values())


def _settled(db: connect.Connection, node: query.Node) -> query.Node:
    """A tree that was judged without what only pages are asked, where there are none."""
    is_judged = next(query.each_judged(node), None) is not None
    return query.without_pages(node) if is_judged and not read.has_pages(db) else node


def _refuse_too_much(node: query.Node, builds: int) -> None:
    """Raise UsageError for a query of very many terms that would be judged for very many builds."""
    number = len(set(_looked_at(node)))
    if number > MANY_TERMS and number * builds > MOST_WORK:
        raise UsageError(
            f"{number} terms cannot be judged for {builds:,} builds in reasonable time",
            hint="ask less at once, or name a package",
        )


def _looked_at(node: query.Node) -> Iterator[query.Node]:
    """What of a tree is looked at for each build: terms, and as one what no build decides."""
    from ..query.prepared import concerns_builds

    if isinstance(node, (query.Dag, query.Judged)):
        yield from _looked_at(node.plain)
    elif isinstance(node, query.Term) or not concerns_builds(node):
        yield node
    elif isinstance(node, query.Not):
        yield from _looked_at(node.node)
    else:
        for child in node.nodes:
            yield from _looked_at(child)


def _beginnings(node: query.Node) -> list[tuple[int, set[str]]]:
    """The beginnings of hashes a query asks for, by their length."""
    found: dict[int, set[str]] = {}
    for term, _ in query.terms(node):
        if query.may_be_hash(term):
            found.setdefault(len(term.value), set()).add(term.value)
    return list(found.items())


def _placements(
    db: connect.Connection, node: query.Node, build_ids: list[int], names: read.Names
) -> Iterator[tuple[int, str, int, int, int]]:
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
    if 2 * len(fitting) > len(names.tags):
        yield from read.placements_of(db, build_ids)
        return
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


def _residual(node: query.Node) -> Callable[[Build], query.Node | bool]:
    from ..query.prepared import residual  # a search that the index answers has no need of it

    return residual(node)
