"""What reaches standard output: tables for people, JSON for programs, nothing raw for terminals."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from . import terminal

__all__ = [
    "SCHEMA",
    "age",
    "heading",
    "number",
    "print_json",
    "print_table",
    "timestamp",
    "visible",
]

SCHEMA = 1
"""The version of every JSON document (CLI.md)."""
NUMBERS = (
    "PACKAGES",
    "SPECS",
    "BUILDS",
    "SEQ",
    "PAGES",
    "REJECTED",
    "SCORE",
    "CACHED",
    "MISSING",
    "TOTAL",
    "%",
    "FIRST",
    "EVICTED",
    "LAST",
    "OTHER",
)
"""Columns that are aligned to the right."""
LONG = (
    "TAG",
    "TAGS",
    "VARIANTS",
    "SOURCE",
    "SOURCES",
    "STACKS",
    "HASHES",
    "VERSIONS",
    "ERROR",
    "ROOT",
    "MIRROR",
    "WHAT",
)
"""Columns that give way first where the terminal is narrow."""


def visible(text: str) -> str:
    """`text` with everything that is not printable written as an escape (`\\x1b`).

    So is what standard output has no character for.
    """
    if text.isprintable() and (text.isascii() or terminal.carries(text)):
        return text
    return "".join(
        c if c.isprintable() and terminal.carries(c) else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def heading(text: str) -> str:
    """What stands above a table, so that it is seen."""
    return terminal.paint(visible(text), "bold")


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on one line, its schema first; ASCII, so no terminal can be reached by it."""
    import json

    print(json.dumps({"schema": SCHEMA, **document}))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    below: Sequence[str] = (),
    always_below: bool = False,
) -> None:
    """A table fitted to the terminal; tab-separated with a header where output is no terminal.

    Where the terminal is too narrow for all columns, those called `below` go below each row; with
    `always_below` they do on every terminal. How words are kept whole besides: see `tables`.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    every = "".join(map("".join, cells))
    if not (every.isprintable() and every.isascii()):
        cells = [[visible(cell) for cell in row] for row in cells]
    if not sys.stdout.isatty():
        print("\t".join(terminal.paint(column, "bold") for column in columns))
        if terminal.is_colored():
            cells = [[terminal.paint(row[0], "cyan"), *row[1:]] for row in cells]
        sys.stdout.writelines("\t".join(row) + "\n" for row in cells)
        return
    from .tables import draw

    draw(columns, cells, below=below, always_below=always_below, numbers=NUMBERS, long=LONG)


def timestamp(microseconds: int | None, *, fraction: bool = False) -> str | None:
    """`2026-11-22T16:00:00Z` (UTC), with milliseconds if wanted; None for None."""
    if microseconds is None:
        return None
    from ...documents import timestamp as shown

    return shown(microseconds, fraction=fraction)


def number(count: int, noun: str) -> str:
    """`1 spec`, `2 specs`, `1,234 specs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def age(seconds: float) -> str:
    """A duration for people: `40 s`, `12 min`, `3 h`, `2 days`."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
