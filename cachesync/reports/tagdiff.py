"""What distinguishes two sets of placed specs, such as those of two tags. Pure.

A build is what specs that differ only by hash have in common, so a build can be on both sides while
its specs are not. Which version is newer is judged by package and platform, operating system and
target, whatever the compiler and the variants: those change with the versions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ..model import Build
from ..spack import versions

__all__ = ["BuildDiff", "Side", "TagDiff", "VersionStep", "compare"]

Side = Mapping[int, Collection[str]]
"""Build id -> the hashes of its specs that are there."""


class BuildDiff(NamedTuple):
    """A build, and which of its specs are where; each list of hashes is sorted."""

    build: Build
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    both: tuple[str, ...]


class VersionStep(NamedTuple):
    """The newest version of a package for an architecture on both sides, where they differ."""

    package: str
    platform: str
    os: str
    target: str
    a: str
    b: str


class TagDiff(NamedTuple):
    """The difference between two sides. Builds are in the order of package, version, and the rest."""

    only_a: tuple[BuildDiff, ...]
    """Builds without a spec in B."""
    only_b: tuple[BuildDiff, ...]
    both: tuple[BuildDiff, ...]
    """Builds with specs on both sides, though perhaps not the same."""
    newer: tuple[VersionStep, ...]
    """Where B has the newer version."""
    older: tuple[VersionStep, ...]
    """Where B has the older version."""

    @property
    def changed(self) -> list[BuildDiff]:
        """Builds on both sides whose specs are not the same."""
        return [found for found in self.both if found.only_a or found.only_b]

    def specs(self) -> dict[str, int]:
        """How many specs are only in A, only in B, and in both."""
        every = (*self.only_a, *self.only_b, *self.both)
        return {side: sum(len(getattr(one, side)) for one in every) for side in _SIDES}


_SIDES = ("only_a", "only_b", "both")


def compare(described: Mapping[int, Build], a: Side, b: Side) -> TagDiff:
    """The difference between two sides; `described` has every build of both."""
    parts: dict[str, list[BuildDiff]] = {side: [] for side in _SIDES}
    order = sorted(a.keys() | b.keys(), key=lambda build_id: _order(described[build_id]))
    for build_id in order:
        here, there = set(a.get(build_id, ())), set(b.get(build_id, ()))
        found = BuildDiff(
            described[build_id],
            tuple(sorted(here - there)),
            tuple(sorted(there - here)),
            tuple(sorted(here & there)),
        )
        parts["both" if here and there else "only_a" if here else "only_b"].append(found)
    newer, older = _steps(_newest(described, a), _newest(described, b))
    return TagDiff(
        tuple(parts["only_a"]), tuple(parts["only_b"]), tuple(parts["both"]), newer, older
    )


def _order(build: Build) -> tuple[object, ...]:
    return build.package, versions.sort_key(build.version), build


_Place = tuple[str, str, str, str]


def _newest(described: Mapping[int, Build], side: Side) -> dict[_Place, str]:
    """Package, platform, os and target -> the newest version there is."""
    found: dict[_Place, str] = {}
    for build_id, hashes in side.items():
        build = described[build_id]
        place = (build.package, build.platform, build.os, build.target)
        best = found.get(place)
        if hashes and (best is None or _version(build.version) > _version(best)):
            found[place] = build.version
    return found


def _version(version: str) -> tuple[bytes, str]:
    """Equal versions that are written differently still have one order."""
    return versions.sort_key(version), version


def _steps(
    a: Mapping[_Place, str], b: Mapping[_Place, str]
) -> tuple[tuple[VersionStep, ...], tuple[VersionStep, ...]]:
    newer: list[VersionStep] = []
    older: list[VersionStep] = []
    for place in sorted(a.keys() & b.keys()):
        here, there = versions.sort_key(a[place]), versions.sort_key(b[place])
        if here != there:
            (newer if there > here else older).append(VersionStep(*place, a[place], b[place]))
    return tuple(newer), tuple(older)
