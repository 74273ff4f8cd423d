"""Which changes of the log are wanted, and the SQL that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..model import Change, ChangeKind

__all__ = ["BASELINE", "DESCRIBED", "FLAG", "OF_INDEXES", "PACKAGE", "TAG", "Filter", "where"]

FLAG = 1  # first of spec.cached, last of spec.evicted
BASELINE = 2
DESCRIBED = int(ChangeKind.SPEC_DESCRIBED)
OF_INDEXES = ", ".join(str(int(kind)) for kind in ChangeKind if kind.label.startswith("index."))
PACKAGE = f"CASE WHEN c.kind = {DESCRIBED} THEN b.package ELSE g.package END"
TAG = f"CASE WHEN c.kind IN ({OF_INDEXES}) THEN json_extract(c.detail, '$.tag') ELSE t.name END"


class Filter(NamedTuple):
    """Which changes are wanted; an empty or None condition wants all."""

    after: int = 0
    """Only changes with a greater `seq`."""
    since: int | None = None
    """Only changes from this time on, in microseconds since the epoch."""
    kinds: Sequence[ChangeKind] = ()
    package: str | None = None
    tag: str | None = None
    source: str | None = None
    until: int | None = None
    """Only changes with no greater `seq`."""
    before: int | None = None
    """Only changes before this time, in microseconds since the epoch."""
    news_of: Sequence[str] | None = None
    """When given, no baselines but those of these sources; what nodes are described by is not left out."""
    about: Callable[[Change], bool] | None = None
    """What else a change must be."""
    flagged: bool = False
    """Only what is `first` or `last`, as it applies to the kind."""
    baseline: bool = True
    """Whether baselines are wanted."""


def where(wanted: Filter) -> tuple[str, list[Any]]:
    """The condition on `change c` with its source `s`, page `g`, tag `t` and build `b`, and the parameters.

    It says nothing of `about`.
    """
    conditions, parameters = ["c.seq > ?"], list[Any]([wanted.after])
    for condition, value in (
        ("c.at >= ?", wanted.since),
        (f"{PACKAGE} = ?", wanted.package),
        (f"{TAG} = ?", wanted.tag),
        ("s.name = ?", wanted.source),
        ("c.seq <= ?", wanted.until),
        ("c.at < ?", wanted.before),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    if wanted.news_of is not None:
        loud = ",".join("?" * len(wanted.news_of))
        conditions.append(
            f"(NOT c.flags & {BASELINE} OR s.name IN ({loud}) OR c.kind = {DESCRIBED})"
        )
        parameters.extend(wanted.news_of)
    if wanted.kinds:
        conditions.append(f"c.kind IN ({','.join(str(int(kind)) for kind in wanted.kinds)})")
    if wanted.flagged:
        conditions.append(f"c.flags & {FLAG}")
    if not wanted.baseline:
        conditions.append(f"NOT c.flags & {BASELINE}")
    return " AND ".join(conditions), parameters
