"""`residue` of one tree for very many builds: the same answers, each term prepared once. Pure.

A build's values are put into one set, so that a word or a field costs a look-up however many there
are in the query; parts of a tree that do not depend on the build are not gone through.
"""

from __future__ import annotations

from collections.abc import Callable

from ..model import Build
from ..spack import versions
from .meaning import joined, matches_build
from .tree import BUILD_FIELDS, UNJUDGED, And, Dag, Node, Not, Term, terms, wanted_variants
from .values import field_values, name_runs

__all__ = ["residual"]

_Values = frozenset[tuple[str | None, str]]
_Residue = Callable[[Build, _Values], Node | bool]


def residual(node: Node) -> Callable[[Build], Node | bool]:
    """What `residue(node, build)` answers, as a function of the build."""
    inner = _prepared(node)
    if not concerns_builds(node):
        return lambda build: inner(build, frozenset())
    return lambda build: inner(build, _values(build))


def concerns_builds(node: Node) -> bool:
    """Whether what a tree leaves depends on the build at all."""
    return any(term.field in (None, *BUILD_FIELDS) for term, _ in terms(node))


def _values(build: Build) -> _Values:
    """Field and value of everything a word or field is compared with; words have no field."""
    pairs: list[tuple[str | None, str]] = [
        ("package", build.package.lower()), ("os", build.os.lower()),
        ("platform", build.platform.lower()), ("target", build.target.lower()),
    ]  # fmt: skip
    pairs += (("compiler", value) for value in field_values(build, "compiler"))
    pairs += (("variant", variant.lower()) for variant in build.variants)
    pairs += [(None, value) for _, value in pairs]
    pairs += ((None, run) for run in name_runs(build.package))
    pairs += (("version", found) for found in versions.ranges_of(build.version.lower()))
    return frozenset(pairs)


def _prepared(node: Node) -> _Residue:
    if isinstance(node, Dag):
        return _prepared(node.plain)
    if isinstance(node, Term):
        return _term(node)
    if isinstance(node, Not):
        inside = _prepared(node.node)

        def excluded(build: Build, values: _Values) -> Node | bool:
            inner = inside(build, values)
            return not inner if isinstance(inner, bool) else Not(inner)

        return excluded
    if not concerns_builds(node):
        return lambda *_: node if node.nodes else isinstance(node, And)
    children = [_prepared(child) for child in dict.fromkeys(node.nodes)]
    kind = type(node)
    return lambda build, values: joined(kind, (child(build, values) for child in children))


def _term(term: Term) -> _Residue:
    if term.field == UNJUDGED:
        return lambda *_: False
    if term.field not in (None, *BUILD_FIELDS):
        return lambda *_: term
    otherwise: Node | bool = term if term.field is None else False
    if term.prefix or term.distance or term.spack:
        return lambda build, _: True if matches_build(term, build) else otherwise
    # A bare compiler may be written either way, as a field's is when it is read.
    known = {(term.field, term.value)}
    if term.field in (None, "variant"):
        known.update(("variant", text) for text in wanted_variants(term))
    if term.field is None:
        known.add(("compiler", term.value.replace("@=", "@", 1)))
    if term.field in (None, "version"):
        known.discard(("version", term.value))
        known.add(("version", versions.canonical(term.value)))
    keys = frozenset(known)
    return lambda _, values: True if not keys.isdisjoint(values) else otherwise
