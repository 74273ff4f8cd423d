"""Builds in groups: what those of a package have in common is said once, then what each has of its own. Pure.

Nothing is lost: `variants_of` gives back all that a build has. Knows nothing of widths (see `compact`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...model import Build
from ...spack import variants

__all__ = ["Group", "Row", "group", "setting_apart", "split", "variants_of"]

FEWEST = 4
"""Rows, at least, of which something can be usual."""
MOSTLY = 0.75
"""What part of the rows has it."""
Value = tuple[str, ...]
"""What a build has of one variant: one text, none where it has no such variant, or what a page made of it."""


class Row(NamedTuple):
    """A build of a group."""

    position: int
    """Among the builds that were grouped."""
    own: tuple[Value, ...]
    """What it has of each variant that differs, in the order of the group."""
    apart: tuple[str, ...] = ()
    """Where it is not as the others are."""


class Group(NamedTuple):
    """Builds of one package."""

    package: str
    version: str | None
    """None where each row has to say its own."""
    common: tuple[str, ...]
    """The variants that all have."""
    along: Mapping[str, tuple[str, ...]]
    """The variants that always come with another one (`+mpi`), or with a version (`@1.14`)."""
    hidden: frozenset[str]
    """The keys of `along` with which comes what differs from build to build, and stands in no row."""
    rows: tuple[Row, ...]
    usual: tuple[str, ...] = ()
    """The variants of each row that does not have another value of them `apart`."""


def split(keys: Sequence[str], *, gather: bool) -> list[list[int]]:
    """The positions of equal keys (packages, versions): one list a key, where it first stands.

    Without `gather` only neighbours are together, so that the order stays what it was.
    """
    found: list[list[int]] = []
    where: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        together = where.get(key)
        if together is None:
            if not gather:
                where.clear()
            together = where[key] = []
            found.append(together)
        together.append(position)
    return found


def variants_of(group: Group, row: Row, version: str) -> tuple[str, ...]:
    """All variants of a build of a group, as `Build` has them."""
    named = {variants.name_of(text) for text in row.apart}
    usual = [text for text in group.usual if variants.name_of(text) not in named]
    own = [*(text for value in row.own for text in value), *row.apart, *usual]
    keys = {f"@{version}", *(text for text in own if text[:1] != "@")}
    along = [text for key in keys for text in group.along.get(key, ())]
    return tuple(sorted([*group.common, *own, *along]))


def group(builds: Sequence[Build], positions: Sequence[int], *, bundled: bool) -> Group:
    """The group of builds of one package that have these positions among all.

    Where `bundled`, of variants that differ together only one stands in the rows.
    """
    values = _by_name(builds)
    common = [every[0] for every in values.values() if len(set(every)) == 1]
    differing = {name: every for name, every in values.items() if len(set(every)) > 1}
    choices = {name: every for name, every in differing.items() if len(set(every) - {()}) > 1}
    versions = {build.version for build in builds}
    is_one = len(versions) == 1
    columns = _leaders(choices) if bundled else {name: [] for name in choices}
    keys = {name: values[name] for name in columns if _is_key(values[name])}
    if not is_one:
        keys = {"@": [(f"@{build.version}",) for build in builds], **keys}
    along: dict[str, list[str]] = {}
    hidden: set[str] = set()
    for leader, led in columns.items():
        for name in led:
            _bring(along, values[leader], values[name])
            hidden.update(key for (key,) in values[leader])
    for name, every in differing.items():
        if name in choices:
            continue
        key = next((key for key in keys.values() if _decides(key, every)), None)
        if key is None:
            columns[name] = []
        else:
            _bring(along, key, every)
    shown = [values[name] for name in values if name in columns]
    return Group(
        builds[0].package,
        versions.pop() if is_one else None,
        tuple(sorted(text for value in common for text in value)),
        {key: tuple(sorted(texts)) for key, texts in along.items()},
        frozenset(hidden),
        tuple(
            Row(position, tuple(every[number] for every in shown))
            for number, position in enumerate(positions)
        ),
    )


def setting_apart(group: Group) -> Group:
    """The group with what nearly all rows have told once, and in the rows only where it is not so."""
    usual: list[str] = []
    kept: list[list[Value]] = []
    apart: list[list[str]] = [[] for _ in group.rows]
    for every in zip(*(row.own for row in group.rows), strict=True):
        value, times = Counter(every).most_common(1)[0]
        if len(every) < FEWEST or times < MOSTLY * len(every) or not _is_key(every):
            kept.append(list(every))
            continue
        usual.extend(value)
        for number, (text,) in enumerate(every):
            if (text,) != value:
                apart[number].append(text)
    rows = (
        Row(row.position, tuple(every[number] for every in kept), tuple(apart[number]))
        for number, row in enumerate(group.rows)
    )
    return group._replace(rows=tuple(rows), usual=tuple(usual))


def _by_name(builds: Sequence[Build]) -> dict[str, list[Value]]:
    """What each build has of each variant: switches first, by name."""
    found: dict[str, dict[int, Value]] = {}
    switches = set()
    for number, build in enumerate(builds):
        for text in build.variants:
            name = variants.name_of(text)
            if text[:1] in ("+", "~"):
                switches.add(name)
            having = found.setdefault(name, {})
            having[number] = (*having.get(number, ()), text)
    names = sorted(found, key=lambda name: (name not in switches, name))
    everywhere = range(len(builds))
    return {name: [found[name].get(number, ()) for number in everywhere] for name in names}


def _is_key(every: Sequence[Value]) -> bool:
    return all(len(value) == 1 for value in every)


def _leaders(choices: Mapping[str, Sequence[Value]]) -> dict[str, list[str]]:
    """The variants that stand in the rows, and those that differ exactly as they do."""
    together: dict[tuple[int, ...], list[str]] = {}
    for name, every in choices.items():
        seen: dict[Value, int] = {}
        together.setdefault(tuple(seen.setdefault(value, len(seen)) for value in every), []).append(
            name
        )
    found: dict[str, list[str]] = {}
    for names in together.values():
        leader = next((name for name in names if _is_key(choices[name])), None)
        if leader is None:
            found |= {name: [] for name in names}
        else:
            found[leader] = [name for name in names if name != leader]
    return found


def _decides(key: Sequence[Value], every: Sequence[Value]) -> bool:
    """Whether of what a build has of one variant follows what it has of the other."""
    return len(set(zip(key, every, strict=True))) == len(set(key))


def _bring(along: dict[str, list[str]], key: Sequence[Value], every: Sequence[Value]) -> None:
    for (name,), value in dict.fromkeys(zip(key, every, strict=True)):
        if value:
            along.setdefault(name, []).extend(value)
