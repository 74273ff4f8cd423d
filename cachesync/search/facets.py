"""How many specs and builds of a result there are of each value of each facet.

What a build itself says is counted build by build. Tags and stacks are properties of placements:
of builds that match as a whole the index knows how many of their specs are where, and sums of those
are counted on integers used as sets of documents, a bit each: one such sum costs microseconds. Of
other builds every placement is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from ..index.planes import bits
from ..ledger import connect, graphrows, read
from ..ledger.ids import unpack_compilers
from . import scan

if TYPE_CHECKING:
    from .. import query
    from ..index.reader import SearchIndex
    from .answers import Matched
    from .dags import Dags

__all__ = [
    "FACETS",
    "Counts",
    "counted",
    "new_counts",
    "of_builds",
    "of_placements",
    "of_whole_builds",
    "sort_counts",
]

FACETS = ("target", "os", "compiler", "stack", "tag", "version", "package", "virtual", "namespace",
          "mirror", "signed")  # fmt: skip
OF_PLACEMENTS = ("tag", "stack")

_Value = TypeVar("_Value")

Counts = dict[str, dict[str, list[int]]]
"""Facet -> value -> specs, builds."""


def new_counts() -> Counts:
    """No values yet."""
    return {name: {} for name in FACETS}


def sort_counts(counts: Counts) -> dict[str, dict[str, dict[str, int]]]:
    """As `Answer.facets` has them: most specs first, then by value."""
    return {
        name: {
            value: {"specs": specs, "builds": builds}
            for value, (specs, builds) in sorted(
                values.items(), key=lambda item: (-item[1][0], item[0])
            )
        }
        for name, values in counts.items()
    }


def counted(
    db: connect.Connection,
    index: SearchIndex | None,
    dags: Callable[[], Dags],
    node: query.Node,
    matched: Matched,
    attributes: Mapping[int, read.Attributes],
) -> dict[str, dict[str, dict[str, int]]]:
    """The facets of what matches, as `Answer.facets` has them; the caller reads in a snapshot.

    `dags` gives what answers about DAGs, where one is known.
    """
    found = new_counts()
    of_builds(found, matched.counts, attributes)
    names = read.Names(db)
    rest = set() if matched.judged is None else matched.counts.keys() - matched.judged
    if index is not None and of_whole_builds(found, index, matched.whole.values(), names):
        rest -= matched.whole.keys()
    groups = list(matched.groups)
    if rest:
        groups += scan.matching_groups(db, node, rest, names)
    of_placements(
        found,
        (
            (names.tags[g.tag_id][1], names.stacks[g.stacks_id], g.build_ids, g.hashes)
            for g in groups
        ),
    )
    if graphrows.is_any(db):
        from . import mirrorfacets, providers  # of pages alone nobody knows what provides what

        hashes = {one for group in groups for one in group.hashes}
        found |= providers.counted(db, dags(), matched.whole.keys(), hashes)
        found |= mirrorfacets.counted(db, names, groups, matched.whole.keys())
    return sort_counts(found)


def of_builds(
    counts: Counts, specs: Mapping[int, int], attributes: Mapping[int, read.Attributes]
) -> None:
    """Count what builds say themselves; `specs` is how many of each match."""
    rows = [attributes[build_id] for build_id in specs]
    counts["package"] = _sums([row[0] for row in rows], specs.values())
    counts["version"] = _sums([row[1] for row in rows], specs.values())
    # Few combinations of compilers, system and target make up the many builds.
    machines = _sums([row[2] for row in rows], specs.values())
    for (compiler, os, target, several), (number, builds) in machines.items():
        compilers = {compiler, *dict(unpack_compilers(several)).values()} if several else {compiler}
        for name, value in (
            *(("compiler", one) for one in compilers),
            ("os", os),
            ("target", target),
        ):
            count = counts[name].setdefault(value, [0, 0])
            count[0] += number
            count[1] += builds


def _sums(values: list[_Value], specs: Iterable[int]) -> dict[_Value, list[int]]:
    """Specs and builds by value, of one value and one number a build."""
    numbers: dict[_Value, int] = {}
    for value, number in zip(values, specs, strict=True):
        numbers[value] = numbers.get(value, 0) + number
    builds = Counter(values)
    return {value: [number, builds[value]] for value, number in numbers.items()}


def of_placements(
    counts: Counts, placed: Iterable[tuple[str, tuple[str, ...], list[int], list[str]]]
) -> None:
    """Count where specs are; `placed` is tag, stacks, builds and hashes of every matching placement."""
    found: dict[tuple[str, str], tuple[set[int], set[str]]] = {}
    for tag, stacks, build_ids, hashes in placed:
        for place in (("tag", tag), *(("stack", stack) for stack in stacks)):
            builds, specs = found.setdefault(place, (set(), set()))
            builds.update(build_ids)
            specs.update(hashes)
    for (name, value), (builds, specs) in found.items():
        count = counts[name].setdefault(value, [0, 0])
        count[0] += len(specs)
        count[1] += len(builds)


def of_whole_builds(
    counts: Counts, index: SearchIndex, documents: Collection[int], names: read.Names
) -> bool:
    """Count where the specs of builds are that match as a whole.

    Returns false, having counted nothing, where names differ in case only: the index folds it.
    """
    spelled = {
        "tag": _by_lower(tag for _, tag in names.tags.values()),
        "stack": _by_lower(stack for stacks in names.stacks.values() for stack in stacks),
    }
    if any(len(values) > 1 for of in spelled.values() for values in of.values()):
        return False
    chosen = bits(documents)
    for name in OF_PLACEMENTS:
        for term, planes in index.planes(name).items():
            builds = (chosen & planes[0]).bit_count()
            if builds:
                specs = sum(
                    (chosen & plane).bit_count() << place for place, plane in enumerate(planes[1:])
                )
                (value,) = spelled[name][term]
                count = counts[name].setdefault(value, [0, 0])
                count[0] += specs
                count[1] += builds
    return True


def _by_lower(names: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in names:
        found.setdefault(name.lower(), set()).add(name)
    return found
