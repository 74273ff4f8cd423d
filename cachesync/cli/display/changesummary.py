"""How many changes there are, by tag and by package: tables for people, one document for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import islice
from typing import Any

from ...model import ChangeKind
from ...reports.tallied import Counts, Summary
from . import output, terminal
from .changes import wrapped

__all__ = ["document", "print_summary"]

_COLUMNS = ("CACHED", "FIRST", "EVICTED", "LAST", "OTHER")
"""As programs read them in a pipe."""
_HEADINGS = ("CACHED", "NEW", "EVICTED", "GONE", "OTHER CHANGES")
"""As people read them."""


def document(summary: Summary) -> dict[str, Any]:
    """The summary as JSON."""
    return {
        **_counts(summary.whole),
        "tags": [{"tag": name, **_counts(counts)} for name, counts in summary.tags.items()],
        "packages": [{"package": name, **_counts(c)} for name, c in summary.packages.items()],
    }


def _counts(counts: Counts) -> dict[str, Any]:
    kinds = {kind.label: count for kind, count in counts.kinds.items()}
    return {"changes": counts.changes, "kinds": kinds, "first": counts.first, "last": counts.last}


def print_summary(summary: Summary, *, packages: int, more: str) -> None:
    """The whole, and two tables; in a pipe one, of which the first column says what a line is.

    On a terminal the first so many packages are listed (0: all), and `more` says how to see the others.
    """
    parts = {"tag": summary.tags, "package": summary.packages}
    if not sys.stdout.isatty():
        rows = [(part, *row) for part, counts in parts.items() for row in _rows(counts)]
        output.print_table(("OF", "NAME", *_COLUMNS), [*rows, ("all", "", *_row(summary.whole))])
        return
    listed = dict(islice(summary.packages.items(), packages or None))
    print(wrapped(_told(summary.whole)))
    for part, counts in {"tag": summary.tags, "package": listed}.items():
        if counts:
            print()
            output.print_table((part.upper(), *_HEADINGS), _rows(counts), numbers=_HEADINGS)
    if left := len(summary.packages) - len(listed):
        dots = "..." if terminal.is_ascii() else "\u2026"
        print(wrapped(f"{dots} {output.number(left, 'more package')} ({more})"))


def _rows(counts: Mapping[str, Counts]) -> list[tuple[object, ...]]:
    return [(name, *_row(found)) for name, found in counts.items()]


def _row(counts: Counts) -> tuple[int, ...]:
    other = counts.changes - counts.cached - counts.evicted
    return counts.cached, counts.first, counts.evicted, counts.last, other


def _told(counts: Counts) -> str:
    """`5 changes: 3 spec.cached (2 new), 1 spec.evicted (1 gone), 1 page.added`."""
    flags = {
        ChangeKind.SPEC_CACHED: (counts.first, "new"),
        ChangeKind.SPEC_EVICTED: (counts.last, "gone"),
    }
    told = []
    for kind, count in counts.kinds.items():
        flagged, word = flags.get(kind, (0, ""))
        told.append(f"{count:,} {kind.label}" + (f" ({flagged:,} {word})" if word else ""))
    return output.number(counts.changes, "change") + (f": {', '.join(told)}" if told else "")
