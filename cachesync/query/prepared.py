"""`residue` of one tree for very many builds: the same answers, each value judged once. Pure.

Builds are many, their packages, versions, machines and sets of variants are few: of each of these it is
found once which terms it meets, and for each set of terms that are met once what is left of the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from ..model import Build
from ..spack import versions
from .meaning import is_met_in, joined, left, matches_build
from .tree import BUILD_FIELDS, UNJUDGED, And, Dag, Judged, Node, Not, Term, terms, wanted_variants
from .values import field_values, name_runs

__all__ = ["concerns_builds", "residual"]

_Test = Callable[[Build], bool]
_MACHINE = ("compiler", "os", "platform", "target")
_PARTS: dict[tuple[str, ...], Callable[[Build], Any]] = {
    ("package",): lambda build: build.package,
    ("version",): lambda build: build.version,
    _MACHINE: lambda build: (*build[2:6], build.compilers),
    ("variant",): lambda build: build.variants,
    ("package", *_MACHINE): lambda build: (build.package, *build[2:6], build.compilers),
}
"""Fields of builds, with what all their values are told by; the last is for fuzzy words."""


def residual(node: Node) -> Callable[[Build], Node | bool]:
    """What `residue(node, build)` answers, as a function of the build; the same object where that is alike."""
    asked = {
        term: 1 << number
        for number, term in enumerate(
            dict.fromkeys(one for one, _ in terms(node) if one.field in (None, *BUILD_FIELDS))
        )
    }
    parts = [
        (of, tests, dict[Any, int]())
        for fields, of in _PARTS.items()
        if (tests := list(_tests(fields, asked)))
    ]
    rests: dict[int, Node | bool] = {}

    def rest_of(build: Build) -> Node | bool:
        met = 0
        for of, tests, known in parts:
            key = of(build)
            found = known.get(key)
            if found is None:
                found = known[key] = sum(bit for bit, test in tests if test(build))
            met |= found
        rest = rests.get(met)
        if rest is None:
            rest = rests[met] = _rest(node, asked, met)
        return rest

    return rest_of


def concerns_builds(node: Node) -> bool:
    """Whether what a tree leaves depends on the build at all."""
    return any(term.field in (None, *BUILD_FIELDS) for term, _ in terms(node))


def _tests(fields: tuple[str, ...], asked: dict[Term, int]) -> Iterator[tuple[int, _Test]]:
    """The terms that may be met in some fields, by their bits, and whether they are by a build."""
    plain: dict[Term, int] = {}
    for term, bit in asked.items():
        if fields == ("package", *_MACHINE):
            if term.distance and not term.spack:
                yield bit, partial(matches_build, term)
            continue
        if term.field not in (None, *fields):
            continue
        if term.spack:
            yield bit, partial(matches_build, term)
        elif term.prefix:
            yield bit, partial(is_met_in, term, fields=fields)
        elif not term.distance:
            plain[term] = bit
    if plain:
        yield from _compared(fields, plain)


def _compared(fields: tuple[str, ...], asked: dict[Term, int]) -> Iterator[tuple[int, _Test]]:
    """The same of whole values, which are all looked up at once."""
    last: list[tuple[Build, frozenset[tuple[str, str]]]] = []

    def is_met(wanted: frozenset[tuple[str, str]], build: Build) -> bool:
        if not last or last[0][0] is not build:  # one term after another asks for the same build
            last[:] = [(build, frozenset(_values(build, fields)))]
        return not wanted.isdisjoint(last[0][1])

    for term, bit in asked.items():
        yield bit, partial(is_met, frozenset(_wanted(term, fields)))


def _values(build: Build, fields: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Field and value of everything in some fields that a term is compared with."""
    for field in fields:
        if field == "version":
            found: Iterable[str] = versions.ranges_of(build.version.lower())
        else:
            found = field_values(build, field)
        yield from ((field, value) for value in found)
        if field == "package":
            yield from (("", run) for run in name_runs(build.package))


def _wanted(term: Term, fields: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What of that meets a term."""
    for field in fields:
        if term.field not in (None, field):
            continue
        if field == "version":
            yield field, versions.canonical(term.value)
        elif field == "variant":
            yield from ((field, text) for text in wanted_variants(term))
        elif (
            field == "compiler" and term.field is None
        ):  # either way, as a field's is when it is read
            yield field, term.value.replace("@=", "@", 1)
        else:
            yield field, term.value
        if field == "package" and term.field is None:
            yield "", term.value


def _rest(node: Node, asked: dict[Term, int], met: int) -> Node | bool:
    """What is left of a tree where some of its terms are met."""
    if isinstance(node, Dag):
        return _rest(node.plain, asked, met)
    if isinstance(node, Judged):
        return left(node, _rest(node.plain, asked, met))
    if isinstance(node, Term):
        is_met = bool(met & asked.get(node, 0))
        return is_met or (node if node.field not in (*BUILD_FIELDS, UNJUDGED) else False)
    if isinstance(node, Not):
        inner = _rest(node.node, asked, met)
        return not inner if isinstance(inner, bool) else Not(inner)
    if not node.nodes or not concerns_builds(node):
        return node if node.nodes else isinstance(node, And)
    children = dict.fromkeys(node.nodes)
    return joined(type(node), (_rest(child, asked, met) for child in children))
