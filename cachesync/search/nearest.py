"""What to say when a query finds nothing: which condition is to blame, and what was perhaps meant.

Decides only: a search is asked through the functions that are passed in, and no longer than until
the time that is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .. import query
from ..model import NO_COMPILER, Build, Placement
from ..query.unsaid import conditions
from ..spack import variants, versions

__all__ = [
    "Miss",
    "conditions",
    "is_number",
    "is_of_these",
    "likeness",
    "misses",
    "single_conditions",
    "suspects",
    "text_of",
    "values_instead",
]

MOST_CONDITIONS = 16
"""Conditions that are tried; a query with more is not helped by a list of them."""
MOST_VALUES = 3
FEW_CHARACTERS = 2
"""A word so short is near to everything."""

# What people give up first when they look for a binary; a package or a word hardly ever.
_GIVEN_UP = ("compiler", "target", "os", "variant", "version", "platform", "signed", "stack", "tag",
             "mirror", "source", "hash", None, "package")  # fmt: skip


class Miss(NamedTuple):
    """A condition without which there are hits."""

    condition: query.Node
    field: str | None
    """The field the condition is about; None for several, or a bare word."""
    builds: int
    specs: int


def misses(
    node: query.Node,
    count: Callable[[query.Node], tuple[int, int]],
    in_time: Callable[[], bool],
    *,
    dags: bool = False,
    is_package: Callable[[str], bool] = lambda _word: True,
) -> list[Miss]:
    """The single conditions to drop to get hits, in the order in which they are best given up.

    `count` says how many builds and specs match a tree; it is not called any more once `in_time` is
    false. With `dags` what is asked of them counts, else what pages are asked. To give up the package is not tried
    where something else helps; of bare words those that `is_package` name one, and the first of them is the last.
    """
    every = single_conditions(node) if dags else conditions(node)
    if not 1 < len(every) <= MOST_CONDITIONS:
        return []
    found: list[Miss] = []
    subjects = {at for at, one in enumerate(every) if _is_subject(one, is_package)}
    order = sorted(
        range(len(every)),
        key=lambda at: (_rank(every[at], is_subject=at in subjects), -at if at in subjects else at),
    )
    for position in order:
        field = field_of(every[position])
        if not in_time() or (found and position in subjects):
            break
        builds, specs = count(query.And(every[:position] + every[position + 1 :]))
        if builds:
            found.append(Miss(every[position], field, builds, specs))
    return found


def single_conditions(node: query.Node) -> tuple[query.Node, ...]:
    """What must hold together for a tree to match; of dependencies each on its own, where that can be."""
    if isinstance(node, query.Dag):
        return _edges(node)
    if isinstance(node, query.And):
        return tuple(one for child in node.nodes for one in single_conditions(child))
    return (node,)


def _edges(dag: query.Dag) -> tuple[query.Node, ...]:
    """What a DAG is asked, an edge at a time."""
    from ..errors import QueryError
    from ..spack.abstract import AbstractSpec
    from ..spack.spectext import show_edge

    if dag.dialect != "own" or dag.spec.variants or len(dag.spec.edges) < 2:
        return (dag,)
    found = []
    for edge in dag.spec.edges:
        alone = AbstractSpec(edges=(edge,))
        try:
            node = query.parse(show_edge(edge))
        except QueryError:
            return (dag,)
        if not isinstance(node, query.Dag) or node.spec != alone:
            return (dag,)
        found.append(node)
    return tuple(found)


def _rank(condition: query.Node, *, is_subject: bool) -> int:
    field = field_of(condition)
    if isinstance(condition, query.Dag) or field == query.UNJUDGED:
        return -1
    return _GIVEN_UP.index("hash" if field is None and not is_subject else field)


def _is_subject(condition: query.Node, is_package: Callable[[str], bool]) -> bool:
    """Whether the condition is what the query is about: a package, by its field or as a bare word."""
    if not isinstance(condition, query.Term):
        return False
    return condition.field == "package" or (condition.field is None and is_package(condition.value))


def is_number(condition: query.Node) -> bool:
    """Whether a condition is a bare word that is most likely a version."""
    return (
        isinstance(condition, query.Term)
        and condition.field is None
        and condition.value[:1].isdigit()
    )


def field_of(condition: query.Node) -> str | None:
    """The one field a condition is about; None for several or for bare words."""
    fields = {term.field for term, _ in query.terms(condition)}
    return fields.pop() if len(fields) == 1 else None


_ENDS = re.compile("[:,]")
"""Between the ends of a range, and between versions of a list."""
_SEPARATORS = re.compile(r"[.\-_]")

Found = Iterable[tuple[Build, int, Iterable[Placement]]]
"""Builds, how many of their specs match, and where those are placed."""


def values_instead(condition: query.Node, field: str | None, found: Found) -> list[str]:
    """What builds that miss only `condition` have in the field it is about, at most three values.

    Versions and compilers come newest first, those first that begin as what was asked for does, and of
    compilers those of its name; everything else most specs first, but for what begins with what was asked for.
    """
    counts: dict[str, int] = {}
    for build, specs, placements in found:
        for value in _values(condition, field, build, placements):
            counts[value] = counts.get(value, 0) + specs
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    wanted = tuple(term.value.lower() for term, _ in query.terms(condition))
    ordered.sort(key=lambda value: not value.lower().startswith(wanted))
    if field in ("version", "compiler"):
        ordered.sort(key=versions.sort_key, reverse=True)
        asked_for = ",".join(term.value for term, _ in query.terms(condition))
        ordered.sort(key=lambda value: -likeness(asked_for, value))
    if field == "compiler":
        asked = {term.value.partition("@")[0] for term, _ in query.terms(condition)}
        ordered.sort(key=lambda value: value.partition("@")[0] not in asked)
    return ordered[:MOST_VALUES]


def likeness(asked: str, version: str) -> int:
    """With how many equal parts a version begins, as one of those that are asked for does: of a list, of ranges."""
    return max(_in_common(_parts(one), _parts(version)) for one in _ENDS.split(asked))


def _parts(version: str) -> list[str]:
    """The parts of a version, also of a compiler's."""
    return _SEPARATORS.split(version.rpartition("@")[2].removeprefix("="))


def _in_common(one: list[str], other: list[str]) -> int:
    """With how many equal parts two versions begin."""
    differs = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differs, min(len(one), len(other)))


def is_of_these(condition: query.Node, compilers: Iterable[str]) -> bool:
    """Whether a condition is about a compiler that is among some: about any version of it."""
    asked = {term.value.partition("@")[0] for term, _ in query.terms(condition)}
    return any(one.partition("@")[0] in asked for one in compilers)


def _values(
    condition: query.Node, field: str | None, build: Build, placements: Iterable[Placement]
) -> set[str]:
    if field == "variant":
        wanted = {variants.name_of(term.value).lower() for term, _ in query.terms(condition)}
        return {v for v in build.variants if variants.name_of(v).lower() in wanted}
    if field == "compiler":
        return {*query.every_compiler(build)} - {NO_COMPILER}
    if field in query.BUILD_FIELDS:
        return {getattr(build, field)}
    if field == "stack":
        return {stack for placement in placements for stack in placement.stacks}
    if field in ("tag", "source"):
        return {getattr(placement, field) for placement in placements}
    return set()


def suspects(node: query.Node) -> list[query.Term]:
    """The wanted whole values of a query that may be misspelt, each once."""
    found = [
        term
        for term, wanted in query.terms(node)
        if wanted
        and not term.prefix
        and not term.distance
        and term.field not in ("version", "hash", query.UNJUDGED, *query.OF_MIRRORS)
        and len(term.value.lstrip("+~")) > FEW_CHARACTERS
    ]
    return list(dict.fromkeys(found))[:MOST_CONDITIONS]


def text_of(node: query.Node) -> str:
    """A condition as it would be typed."""
    # Alone a name and a + mean something else, and are printed in a form that says so by itself.
    if isinstance(node, query.Term) and _is_name_or_on(node):
        return node.value
    from ..query.printing import show

    text = show(node)
    return f"({text})" if isinstance(node, query.Or) else text


def _is_name_or_on(term: query.Term) -> bool:
    is_on = term.field == "variant" and term.value[0] == "+" and not term.prefix
    return is_on or (term.spack and term.field == "package")
