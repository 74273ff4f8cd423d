"""What there is: packages, versions, tags, stacks, compilers, ..., of what is placed now, with counts.

Comes from the ledger, counted whole each time. The order is Spack's: names by letter, versions and
what ends with one from old to new, tags from old to new (see `spack.tags`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from ..ledger import connect, listing, read
from ..ledger.ids import unpack, unpack_compilers
from ..model import NO_COMPILER
from ..spack import tags, variants, versions

__all__ = ["Entry", "Kind", "listed"]


class Kind(StrEnum):
    """What can be listed."""

    PACKAGES = "packages"
    VERSIONS = "versions"
    TAGS = "tags"
    STACKS = "stacks"
    COMPILERS = "compilers"
    OSES = "oses"
    TARGETS = "targets"
    SOURCES = "sources"
    VARIANTS = "variants"


class Entry(NamedTuple):
    """One of what is listed, and how much there is of it."""

    name: str
    packages: int
    builds: int
    specs: int
    last_cached: int | None
    """When a spec of it last came to a tag, in microseconds since the epoch; None where none ever did."""
    versions: tuple[str, ...] = ()
    """Of a package, from old to new."""
    tags: tuple[str, ...] = ()
    """Of a source, from old to new."""
    sources: tuple[str, ...] = ()
    """Of a tag, those that have it."""
    source: read.SourceAge | None = None
    """How a source is."""


class _Count:
    """Sums up one entry."""

    def __init__(self) -> None:
        self.packages: set[str] = set()
        self.builds = 0
        self.specs = 0
        self.last: int | None = None

    def add(self, found: listing.Alike) -> None:
        self.packages.add(found.package)
        self.builds += found.builds
        self.specs += found.specs
        self.last = _later(self.last, found.last)

    def entry(self, name: str, **more: Any) -> Entry:
        return Entry(name, len(self.packages), self.builds, self.specs, self.last, **more)


def listed(db: connect.Connection, kind: Kind, packages: Sequence[str] | None) -> list[Entry]:
    """What there is of a kind, of some packages or (None) of all; the caller reads in a snapshot."""
    if kind is Kind.PACKAGES:
        return _packages(db, packages)
    if kind in _ATTRIBUTES:
        columns, values, order = _ATTRIBUTES[kind]
        counts: dict[str, _Count] = {}
        for found in listing.alike(db, columns, packages):
            for name in values(*found.values):
                counts.setdefault(name, _Count()).add(found)
        return [counts[name].entry(name) for name in sorted(counts, key=order)]
    places = _Places(db, packages)
    if kind is Kind.TAGS:
        return sorted(places.tags(), key=lambda entry: (tags.order(entry.name), entry.name))
    if kind is Kind.STACKS:
        return sorted(places.stacks())
    return places.sources(read.source_ages(db), of_all=packages is None)


def _packages(db: connect.Connection, packages: Sequence[str] | None) -> list[Entry]:
    counts: dict[str, _Count] = {}
    found: dict[str, list[str]] = {}
    for one in listing.alike(db, ("version",), packages):
        counts.setdefault(one.package, _Count()).add(one)
        found.setdefault(one.package, []).extend(one.values)
    return [
        counts[name].entry(name, versions=tuple(sorted(found[name], key=_by_version)))
        for name in sorted(counts)
    ]


def _by_version(name: str) -> tuple[bytes, str]:
    return versions.sort_key(name), name


def _by_name_and_version(name: str) -> tuple[str, bytes, str]:
    first, _, version = name.partition("@")
    return first, versions.sort_key(version), name


def _compilers(compiler: str, several: str) -> set[str]:
    """Those of C, and of languages that have others."""
    return {compiler, *dict(unpack_compilers(several)).values()} - {"", NO_COMPILER}


def _variants(packed: str) -> Iterable[str]:
    return variants.normal_set(unpack(packed))


def _by_variant(text: str) -> tuple[str, str]:
    return variants.name_of(text), text


def _itself(value: str) -> Iterable[str]:
    return (value,) if value else ()


_ATTRIBUTES: dict[
    Kind, tuple[tuple[str, ...], Callable[..., Iterable[str]], Callable[[str], Any]]
] = {
    Kind.VERSIONS: (("version",), _itself, _by_version),
    Kind.COMPILERS: (("compiler", "compilers"), _compilers, _by_name_and_version),
    Kind.OSES: (("os",), _itself, _by_version),
    Kind.TARGETS: (("target",), _itself, _by_version),
    Kind.VARIANTS: (("variants",), _variants, _by_variant),
}
"""What builds say themselves: columns, the values in them, and the order of those."""


class _Places:
    """Where what is placed of some packages is."""

    def __init__(self, db: connect.Connection, packages: Sequence[str] | None) -> None:
        self._names = read.Names(db)
        self._groups = listing.groups(db, packages)
        self._growth = listing.growth(db, packages)
        self._build_of = listing.builds_of(db, packages)
        self._package_of = listing.package_of_builds(db)

    def tags(self) -> Iterator[Entry]:
        """Tags by name, whichever source has them."""
        having: dict[str, set[str]] = {}
        for group in self._groups:
            source, tag = self._names.tags[group.tag_id]
            having.setdefault(tag, set()).add(source)
        for entry in self._by(lambda tag_id, _: (self._names.tags[tag_id][1],)):
            yield entry._replace(sources=tuple(sorted(having[entry.name])))

    def stacks(self) -> Iterator[Entry]:
        """Stacks by name, whichever tag has them."""
        return self._by(lambda _, stacks_id: self._names.stacks[stacks_id])

    def sources(self, known: Sequence[read.SourceAge], *, of_all: bool) -> list[Entry]:
        """Sources in the order of their names; with `of_all` also those that have nothing."""
        having: dict[str, set[str]] = {}
        for group in self._groups:
            source, tag = self._names.tags[group.tag_id]
            having.setdefault(source, set()).add(tag)
        counted = {
            entry.name: entry
            for entry in self._by(lambda tag_id, _: (self._names.tags[tag_id][0],))
        }
        return [
            counted.get(age.name, Entry(age.name, 0, 0, 0, None))._replace(
                tags=tuple(sorted(having.get(age.name, ()), key=lambda tag: (tags.order(tag), tag))),
                source=age,
            )
            for age in sorted(known)
            if of_all or age.name in counted
        ]  # fmt: skip

    def _by(self, names: Callable[[int, int], Iterable[str]]) -> Iterator[Entry]:
        """What is placed by the names that a tag and a set of stacks stand for."""
        found: dict[str, set[int]] = {}
        for group in self._groups:
            for name in names(group.tag_id, group.stacks_id):
                found.setdefault(name, set()).update(group.specs)
        last: dict[str, int] = {}
        for grown in self._growth:
            new = set(names(grown.tag_id, grown.stacks_id))
            if grown.before_id is not None:
                new.difference_update(names(grown.tag_id, grown.before_id))
            for name in new:
                last[name] = max(grown.at, last.get(name, 0))
        for name, specs in found.items():
            builds = set(map(self._build_of.__getitem__, specs))
            packages = set(map(self._package_of.__getitem__, builds))
            yield Entry(name, len(packages), len(builds), len(specs), last.get(name))


def _later(one: int | None, other: int | None) -> int | None:
    return max((time for time in (one, other) if time is not None), default=None)
