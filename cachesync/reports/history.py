"""When specs appeared and vanished, read off the change log. Pure.

A stay is one unbroken presence of a spec in a tag of a source. The stays that have not ended are the
current placements, because applying all changes in order gives those.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..model import Build, Change, ChangeKind
from ..spack import versions

__all__ = ["Moment", "Period", "Restacked", "Stay", "periods", "stays"]


class Moment(NamedTuple):
    """A change as a point in time."""

    seq: int
    at: int
    """Microseconds since the epoch, UTC."""
    baseline: bool = False
    """The change is of the source's first complete pass: it was so by then, since when is unknown."""


class Restacked(NamedTuple):
    """What became of the stacks of a spec at a moment."""

    moment: Moment
    before: tuple[str, ...]
    stacks: tuple[str, ...]


class Stay(NamedTuple):
    """One presence of a spec in a tag of a source."""

    source: str
    tag: str
    package: str
    """That of the page: now and then two pages list one spec."""
    hash: str
    build: Build
    """As the log describes the spec last."""
    appeared: Moment | None
    """None where the log does not reach back so far."""
    vanished: Moment | None
    """None while it lasts."""
    stacks: tuple[str, ...]
    """Which carry it, or carried it last."""
    restacked: tuple[Restacked, ...] = ()
    """Every change of its stacks since it appeared."""


_Key = tuple[str, str, str, str]


def stays(changes: Iterable[Change]) -> list[Stay]:
    """The stays that changes tell of, in the order in which they began.

    The changes are all those about the specs that are looked at, oldest first; others are ignored.
    """
    begun: list[Stay] = []
    current: dict[_Key, int] = {}
    builds: dict[str, Build] = {}
    for change in changes:
        if change.kind > ChangeKind.SPEC_REFINED or change.hash is None or change.build is None:
            continue
        builds[change.hash] = change.build
        if change.kind is ChangeKind.SPEC_REFINED or change.tag is None:
            continue
        key = (change.source, change.tag, change.package or "", change.hash)
        moment = Moment(change.seq, change.at, change.baseline)
        if key not in current:
            appeared = moment if change.kind is ChangeKind.SPEC_CACHED else None
            current[key] = len(begun)
            begun.append(Stay(*key, change.build, appeared, None, change.stacks or ()))
        at = current[key]
        begun[at] = _later(begun[at], change, moment)
        if change.kind is ChangeKind.SPEC_EVICTED:
            del current[key]
    return [stay._replace(build=builds[stay.hash]) for stay in begun]


def _later(stay: Stay, change: Change, moment: Moment) -> Stay:
    """The stay with what one change adds to it."""
    if change.kind is ChangeKind.SPEC_EVICTED:
        return stay._replace(vanished=moment)
    if change.kind is ChangeKind.SPEC_RESTACKED:
        stacks = change.stacks or ()
        restacked = (*stay.restacked, Restacked(moment, change.stacks_before or (), stacks))
        return stay._replace(stacks=stacks, restacked=restacked)
    return stay


class Period(NamedTuple):
    """The presence of a version of a package in a tag of a source."""

    source: str
    tag: str
    version: str
    appeared: Moment | None
    """When its first spec did."""
    vanished: Moment | None
    """When its last spec did; None while there is one."""
    specs: int
    """Different specs that are there, or ever were when it is over."""
    stacks: tuple[str, ...]


def periods(found: Iterable[Stay]) -> list[Period]:
    """Stays by source, tag and version, in the order in which they began.

    Stays that follow each other without a gap, or overlap, are one period.
    """
    groups: dict[tuple[str, str, str], list[Stay]] = {}
    for stay in sorted(found, key=_began):
        groups.setdefault((stay.source, stay.tag, stay.build.version), []).append(stay)
    runs = [run for group in groups.values() for run in _runs(group)]
    runs.sort(key=lambda run: (_began(run[0]), versions.sort_key(run[0].build.version)))
    return [_period(run) for run in runs]


def _began(stay: Stay) -> int:
    return 0 if stay.appeared is None else stay.appeared.seq


def _runs(group: list[Stay]) -> list[list[Stay]]:
    """Stays in the order in which they began, cut where nothing was there for a while.

    What vanished and what appeared in the same moment is no while: a rebuild replaces hashes.
    """
    runs: list[list[Stay]] = []
    until: int | None = 0  # None: until now
    for stay in group:
        began = 0 if stay.appeared is None else stay.appeared.at
        if runs and (until is None or began <= until):
            runs[-1].append(stay)
        else:
            runs.append([stay])
            until = 0
        if until is not None:
            until = None if stay.vanished is None else max(until, stay.vanished.at)
    return runs


def _period(run: list[Stay]) -> Period:
    present = [stay for stay in run if stay.vanished is None]
    ends = [stay.vanished for stay in run if stay.vanished is not None]
    counted = present or run
    return Period(
        run[0].source,
        run[0].tag,
        run[0].build.version,
        run[0].appeared,
        None if present else max(ends),
        len({stay.hash for stay in counted}),
        tuple(sorted({stack for stay in counted for stack in stay.stacks})),
    )
