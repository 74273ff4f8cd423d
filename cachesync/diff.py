"""What a pass has to do, decided before anything is done. Pure: no I/O, no clock.

Pages are compared as sets of specs, each with its set of stacks: two pages with the same specs are
equal, whatever the order. Nothing here knows where pages come from or where changes go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from .model import NO_COMPILER, Build, Compilers, Details, Edge, EdgeKind
from .spack import variants

__all__ = [
    "Guard",
    "PageDiff",
    "compare",
    "compilers_led_by",
    "contradicting",
    "differing",
    "join_details",
    "join_edges",
    "page_order",
    "reconcile",
    "renamed",
]

_Stacks = TypeVar("_Stacks")


class PageDiff(NamedTuple):
    """What distinguishes a page from what the ledger holds of it: hashes, each list sorted."""

    added: list[str]
    restacked: list[str]
    removed: list[str]


def compare(prior: Mapping[str, _Stacks], observed: Mapping[str, _Stacks]) -> PageDiff:
    """The difference between two pages, given as hash -> stacks (any values that compare equal)."""
    return PageDiff(
        sorted(observed.keys() - prior.keys()),
        sorted(h for h in observed.keys() & prior.keys() if observed[h] != prior[h]),
        sorted(prior.keys() - observed.keys()),
    )


class Guard(NamedTuple):
    """The mass-removal guard (CONFIG.md, `guard`)."""

    removal_fraction: float = 0.5
    removal_minimum: int = 20

    def holds(self, *, retiring: int, pages: int, is_replaced: bool = False) -> bool:
        """Whether a pass that would retire `retiring` of a source's `pages` must not.

        Few pages may go together, but not where the source `is_replaced` by another place.
        """
        least = 0 if is_replaced else self.removal_minimum
        return retiring > least and retiring > self.removal_fraction * pages


def page_order(path: str) -> tuple[str, ...]:
    """The key that puts paths in the order of tag, then the rest of the path.

    Compared by component: `develop/zlib` before `develop-2025/abc`, although `-` sorts before `/`.
    """
    return tuple(path.split("/"))


def reconcile(known: Build, seen: Build) -> Build:
    """One description of a hash that two pages describe differently: the more specific of each part.

    A compiler with a version beats a bare name beats `none`; a superset of variants beats the
    subset, a whole checksum of a patch its beginning; a value beats none. Where neither is more
    specific the known one stays. Who names one compiler says nothing of the other languages.
    """
    compiler = _more_specific_compiler(known.compiler, seen.compiler)
    return Build(
        known.package or seen.package,
        known.version or seen.version,
        compiler,
        known.os or seen.os,
        known.platform or seen.platform,
        known.target or seen.target,
        _more_specific_variants(known.variants, seen.variants),
        _joined_compilers(compiler, known.compilers, seen.compilers),
    )


def differing(known: Build, seen: Build) -> list[str]:
    """The fields in which two descriptions of a hash disagree; a shortened checksum agrees."""
    if known.variants != seen.variants:
        whole = variants.lengthened(known.variants, seen.variants)
        if whole == variants.lengthened(seen.variants, known.variants):
            seen = seen._replace(variants=known.variants)
    return [field for field in Build._fields if getattr(known, field) != getattr(seen, field)]


def contradicting(known: Build, seen: Build) -> list[str]:
    """The fields in which neither description says what the other does, and perhaps more.

    Of what a page and a cache index say; joining them is monotone, so it does not matter who tells
    first, but where they contradict each other: there the first stands.
    """
    one, other = reconcile(known, seen), reconcile(seen, known)
    if one.compiler != other.compiler:  # which leads the compilers: told once
        other = other._replace(compilers=one.compilers)
    return [field for field in Build._fields if getattr(one, field) != getattr(other, field)]


def join_details(known: Details, seen: Details) -> Details:
    """Everything that either says; where both speak, what `known` says."""
    if known == seen:
        return known
    more: dict[str, Any] = {
        field: theirs
        for field, ours, theirs in zip(Details._fields, known, seen, strict=True)
        if ours is None or (ours == () and theirs is not None)
    }
    return known._replace(**more)


def join_edges(known: tuple[Edge, ...], seen: Iterable[Edge]) -> tuple[Edge, ...]:
    """Every dependency that either has, for everything that either says it is for.

    `known` itself where `seen` adds nothing.
    """
    kinds = dict(known)
    is_more = False
    for dependency, kind in seen:
        ours = kinds.get(dependency)
        joined = kind if ours is None else _join_kinds(ours, kind)
        if joined != ours:
            kinds[dependency] = joined
            is_more = True
    return tuple(kinds.items()) if is_more else known


def _join_kinds(ours: EdgeKind, theirs: EdgeKind) -> EdgeKind:
    if ours == theirs:
        return ours
    return EdgeKind(
        tuple(sorted({*ours.types, *theirs.types})),
        tuple(sorted({*ours.virtuals, *theirs.virtuals})),
    )


def _more_specific_variants(known: tuple[str, ...], seen: tuple[str, ...]) -> tuple[str, ...]:
    if known == seen:
        return known
    ours, theirs = variants.lengthened(known, seen), variants.lengthened(seen, known)
    return theirs if set(theirs) > set(ours) else ours


def _more_specific_compiler(known: str, seen: str) -> str:
    if known == NO_COMPILER or (seen != known and seen.startswith(known + "@")):
        return seen
    return known


def _joined_compilers(compiler: str, known: Compilers, seen: Compilers) -> Compilers:
    if not known and not seen:
        return ()
    of_language = dict(known)
    for language, theirs in seen:
        of_language[language] = _more_specific_compiler(of_language.get(language, theirs), theirs)
    return compilers_led_by(compiler, tuple(sorted(of_language.items())))


def renamed(
    compiler: str,
    compilers: Compilers,
    ends: Iterable[tuple[str, str]],
    names: Mapping[str, tuple[set[str], str]],
) -> tuple[str, Compilers]:
    """The compilers of a build, those among them that are called otherwise by their new names.

    `ends` are the languages of a spec and the hashes of what compiles them, in the order of Compilers;
    `names` are by hash what a compiler was called and what it is. One that is called something else stays.
    """
    said = dict(compilers)
    by = []
    for language, to in ends:
        name = said.get(language, compiler)
        before, now = names.get(to, ((), name))
        by.append((language, now if name in before else name))
    return by[0][1], tuple(by) if len({name for _, name in by}) > 1 else ()


def compilers_led_by(compiler: str, compilers: Compilers) -> Compilers:
    """The compilers of a build whose own is the first of them; none where the languages do not differ."""
    led = ((compilers[0][0], compiler), *compilers[1:]) if compilers else ()
    return led if len({name for _, name in led}) > 1 else ()


def first_by_path(paths: Iterable[str]) -> str:
    """The path that stands when several pages claim the same tag and package."""
    return min(paths, key=page_order)


def covers(prefixes: Sequence[str], path: str) -> bool:
    """Whether `path` lies below one of `prefixes` (directories, each ending in `/`)."""
    return any(path.startswith(prefix) for prefix in prefixes)
