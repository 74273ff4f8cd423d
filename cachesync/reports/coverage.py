"""How much of what a lock or a list asks for is cached. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from ..errors import UsageError
from ..spack.lockfile import Lock, LockSpec, Root

__all__ = ["Coverage", "RootCoverage", "Status", "count", "cover", "needed", "status_of"]

MOST_STEPS = 30_000_000
"""Dependencies followed for all roots together: some ten seconds."""


class Status(Enum):
    """What is known of one spec."""

    CACHED = "cached"
    MISSING = "missing"
    UNSUITABLE = "unsuitable"
    """It is cached, but the machine that was named cannot run it: as good as missing."""
    EXTERNAL = "external"
    """It is on the machine already: no build cache ever has it."""
    DEVELOPED = "developed"
    """It is built from somebody's directory: no build cache ever has it."""

    @property
    def is_expected(self) -> bool:
        """Whether a build cache could have it at all."""
        return self not in (Status.EXTERNAL, Status.DEVELOPED)


class Coverage(NamedTuple):
    """How many specs there are of each kind."""

    total: int
    cached: int
    missing: int
    """The unsuitable ones are among them."""
    unexpected: int
    """External and developed ones, which no build cache has."""

    @property
    def fraction(self) -> float:
        """The part that is cached of what a build cache could have, 0 to 1; 1 of nothing."""
        expected = self.cached + self.missing
        return self.cached / expected if expected else 1.0


class RootCoverage(NamedTuple):
    """A root, with all it depends on."""

    root: Root
    status: Status
    coverage: Coverage


def status_of(
    spec: LockSpec, cached: Collection[str], *, suitable: Collection[str] | None
) -> Status:
    """What is known of a spec of a lock, of which the hashes in `cached` are placed somewhere.

    `suitable` is the targets that the machine can run; None for any.
    """
    if spec.external:
        return Status.EXTERNAL
    if spec.developed:
        return Status.DEVELOPED
    if spec.hash not in cached:
        return Status.MISSING
    return Status.CACHED if suitable is None or spec.target in suitable else Status.UNSUITABLE


def count(statuses: Iterable[Status]) -> Coverage:
    """How many there are of each kind."""
    every = list(statuses)
    cached = every.count(Status.CACHED)
    unexpected = sum(every.count(status) for status in Status if not status.is_expected)
    return Coverage(len(every), cached, len(every) - unexpected - cached, unexpected)


def needed(lock: Lock, start: Iterable[str], *, builds: bool) -> set[str]:
    """The hashes of `start` and of all they depend on; with `builds` also to be built.

    What is external needs nothing more: Spack does not look behind it.
    """
    return _reached(_needs(lock, builds=builds), start)


def _needs(lock: Lock, *, builds: bool) -> dict[str, tuple[str, ...]]:
    """What each spec needs directly, by hash."""
    return {
        spec_hash: () if spec.external else spec.lasting + (spec.for_build if builds else ())
        for spec_hash, spec in lock.specs.items()
    }


def _reached(needs: Mapping[str, tuple[str, ...]], start: Iterable[str]) -> set[str]:
    found = set(start)
    waiting = list(found)
    while waiting:
        fresh = [one for one in needs[waiting.pop()] if one not in found]
        found.update(fresh)
        waiting += fresh
    return found


def cover(
    lock: Lock, statuses: Mapping[str, Status], *, builds: bool, most_steps: int = MOST_STEPS
) -> list[RootCoverage]:
    """The coverage of each root, in the order of the lock.

    Raises UsageError when following the dependencies of every root would take more than
    `most_steps`: a hostile lock can have as many roots as specs.
    """
    needs = _needs(lock, builds=builds)
    edges = {spec_hash: len(needed) + 1 for spec_hash, needed in needs.items()}
    steps = 0
    found = []
    for root in lock.roots:
        below = _reached(needs, (root.hash,))
        steps += sum(map(edges.__getitem__, below))
        if steps > most_steps:
            raise UsageError(
                f"the lock has too many dependencies to follow for each of its {len(lock.roots):,} roots"
            )
        coverage = count(map(statuses.__getitem__, below))
        found.append(RootCoverage(root, statuses[root.hash], coverage))
    return found
