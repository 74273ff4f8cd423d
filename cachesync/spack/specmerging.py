"""Two abstract nodes that are asked of one and the same dependency, as one node. Pure.

What is merged, and what excludes each other, is that of `Spec.constrain` for abstract specs in Spack's
`spec.py`, and of the variants, versions and targets that it asks.
"""

from __future__ import annotations

from typing import NamedTuple

from . import ranges
from .abstract import AbstractSpec, AskedVariant
from .spectokens import Dialect

__all__ = ["NO_TARGET", "ExcludedError", "merged", "said"]


class ExcludedError(ValueError):
    """Two nodes ask for what no node can be; the message says of what."""


def merged(first: AbstractSpec, second: AbstractSpec, dialect: Dialect) -> AbstractSpec:
    """What both ask for, without edges.

    An empty `target` is an architecture that is given and asks for nothing; it makes a difference to
    what is asked of a target beside it.

    Raises ExcludedError where the one excludes the other.
    """
    return AbstractSpec(
        name=first.name or second.name,
        namespace=_same("namespaces", first.namespace, second.namespace),
        hash=_hash(first.hash, second.hash),
        versions=_versions("versions", first.versions, second.versions),
        variants=_variants(first.variants, second.variants, dialect),
        platform=_same("platforms", first.platform, second.platform),
        os=_same("operating systems", first.os, second.os),
        target=_target(first, second),
        flags=_flags(first.flags, second.flags),
        compiler=_compiler(first.compiler, second.compiler),
    )


def _same(what: str, first: str | None, second: str | None) -> str | None:
    if first is not None and second is not None and first != second:
        raise ExcludedError(f"{what} {first} and {second}")
    return first if first is not None else second


def _hash(first: str | None, second: str | None) -> str | None:
    if first is None or second is None:
        return first or second
    if not first.startswith(second) and not second.startswith(first):
        raise ExcludedError(f"hashes {first} and {second}")
    return max(first, second, key=len)


def _versions(what: str, first: str | None, second: str | None) -> str | None:
    if first is None or second is None:
        return first or second
    common = ranges.common(first, second)
    if common is None:
        raise ExcludedError(f"{what} {first} and {second}")
    return common


def _compiler(first: str | None, second: str | None) -> str | None:
    if first is None or second is None:
        return first or second
    name, _, versions = first.partition("@")
    other, _, others = second.partition("@")
    if name != other:
        raise ExcludedError(f"compilers {first} and {second}")
    common = _versions(f"versions of {name}", versions or None, others or None)
    return name if common is None else f"{name}@{common}"


def _flags(
    first: tuple[tuple[str, tuple[str, ...]], ...], second: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = dict(first)
    for key, words in second:
        found[key] = tuple(dict.fromkeys((*found.get(key, ()), *words)))
    return tuple(found.items())


def _variants(
    first: tuple[AskedVariant, ...], second: tuple[AskedVariant, ...], dialect: Dialect
) -> tuple[AskedVariant, ...]:
    found = {asked.name: asked for asked in first}
    for asked in second:
        known = found.get(asked.name)
        found[asked.name] = asked if known is None else _variant(known, asked, dialect)
    return tuple(found.values())


def _variant(first: AskedVariant, second: AskedVariant, dialect: Dialect) -> AskedVariant:
    if _excludes(first, second) or _excludes(second, first):
        raise ExcludedError(f"values of the variant {first.name}")
    propagated = first.propagated and second.propagated
    if dialect == "0.23" and isinstance(first.values, bool) and second.values is None:
        propagated = first.propagated
    values = second.values if first.values is None else first.values
    if isinstance(first.values, tuple) and isinstance(second.values, tuple):
        values = tuple(dict.fromkeys((*first.values, *second.values)))
        if dialect == "0.23" and "none" in values and len(values) > 1:
            raise ExcludedError(f"values of the variant {first.name}")
    return AskedVariant(first.name, values, first.exact or second.exact, propagated)


def _excludes(first: AskedVariant, second: AskedVariant) -> bool:
    """Whether the first is met by values alone of which the second's are none."""
    if second.values is None or first.values is None:
        return False
    if isinstance(first.values, bool) or isinstance(second.values, bool):
        return first.values is not second.values
    return first.exact and (
        not set(second.values) <= set(first.values)
        or (second.exact and set(first.values) != set(second.values))
    )


# -- targets


class _Targets(NamedTuple):
    """One target, or a range of them; empty bounds are none."""

    low: str
    is_range: bool
    high: str


NO_TARGET = ","
"""A list of targets that none is in."""


def _target(first: AbstractSpec, second: AbstractSpec) -> str | None:
    """What both ask of the target.

    A range or list that meets a node which asks for something else of the architecture, and for no
    target, has nothing in common with that to Spack: no target will do.
    """
    one, other = first.target or None, second.target or None
    if one is None and other is None:
        return first.target if first.target is not None else second.target
    if one is not None and other is not None:
        found = dict.fromkeys(
            common
            for element in one.split(",")
            for beside in other.split(",")
            if (common := _common_targets(_targets(element), _targets(beside)))
        )
        if not found:
            raise ExcludedError(f"targets {one} and {other}")
    elif not _has_architecture(first) or not _has_architecture(second):
        return one or other
    else:
        found = {}
    for text in (one, other):
        if text is not None and ":" not in text and "," not in text:
            return text
    return ",".join(found) or NO_TARGET


def _has_architecture(spec: AbstractSpec) -> bool:
    return any(part is not None for part in (spec.platform, spec.os, spec.target))


def _targets(text: str) -> _Targets:
    low, colon, high = text.partition(":")
    return _Targets(low, bool(colon), high)


def _common_targets(one: _Targets, other: _Targets) -> str:
    """What two elements of target lists have in common, as Spack tells it; empty for nothing."""
    if not one.is_range and not other.is_range:
        return one.low if one.low == other.low else ""
    from .targets import ancestors, is_between

    if not one.is_range or not other.is_range:
        name, bounds = (one.low, other) if other.is_range else (other.low, one)
        return name if is_between(name, bounds.low, bounds.high) else ""

    def runs(machine: str, target: str) -> bool:
        return not target or ancestors(target) <= ancestors(machine)

    if one.high and other.high:
        high = one.high if runs(other.high, one.high) else other.high
        if not runs(one.high, high) or not runs(other.high, high):
            return ""
    else:
        high = one.high or other.high
    low = one.low if one.low and runs(one.low, other.low) else other.low or one.low
    if not runs(low, one.low) or not runs(low, other.low):
        return ""
    if low and high:
        return low if low == high else f"{low}:{high}" if runs(high, low) else ""
    return f"{low}:{high}" if low or high else ""


# -- conditions


def said(spec: AbstractSpec) -> tuple[object, ...]:
    """What a spec says, the same for two that differ in how they are written and where they stand only."""
    return (
        spec.name, spec.namespace, spec.hash, spec.platform, spec.os, spec.target, spec.compiler,
        ranges.said(spec.versions or ":"),
        frozenset(
            (one.name, one.exact or isinstance(one.values, bool), one.propagated,
             frozenset(one.values) if isinstance(one.values, tuple) else one.values)
            for one in spec.variants
        ),
        frozenset((key, frozenset(words)) for key, words in spec.flags),
        frozenset(
            (edge.sigil, edge.types, edge.virtuals, said(edge.spec), said(edge.when or AbstractSpec()))
            for edge in spec.edges
        ),
    )  # fmt: skip
