"""What reaches standard output: tables for people, JSON for programs, nothing raw for terminals."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from . import terminal

__all__ = [
    "SCHEMA",
    "age",
    "heading",
    "number",
    "print_json",
    "print_line",
    "print_table",
    "print_text",
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
    "LEAVING",
    "ATTEMPTS",
    "CHANGES",
    "PENDING",
    "DEAD",
    "%",
    "EVICTED",
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
    "QUERY",
    "EVENTS",
    "TARGET",
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


def print_line(text: str, *, hang: int = 2, to: TextIO | None = None) -> None:
    """A line of prose; on a terminal in as many as it needs, the further ones set in by `hang`."""
    stream, shown = to or sys.stdout, visible(text)
    if stream.isatty():
        from .wrapping import wrap

        shown = "\n".join(wrap(shown, terminal.width(to), hang=hang))
    print(shown, file=stream)


def print_text(text: str) -> None:
    """A text of our own of many lines; on a terminal none is longer than it is wide."""
    if sys.stdout.isatty():
        from .wrapping import wrapped

        text = "".join(f"{line}\n" for line in wrapped(text, terminal.width()))
    print(text, end="")


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
    after: Sequence[str] = (),
    numbers: Sequence[str] = (),
    seldom: Sequence[str] = (),
    always_below: bool = False,
) -> None:
    """A table fitted to the terminal; tab-separated with a header where output is no terminal.

    Where the terminal is too narrow for all columns, those called `below` go below each row; with
    `always_below` they do on every terminal. Those called `after` stand below the table; `numbers` are such
    besides `NUMBERS`; on a terminal those that are `seldom` more than 0 are left out where none is. How words are kept whole: see `tables`.
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
    for position, name in enumerate(columns):
        if name in seldom and all(row[position] == "0" for row in cells):
            cells = [[*row[:position], "", *row[position + 1 :]] for row in cells]
    from .tables import Table, draw

    draw(Table(columns, cells, below, after, always_below, (*NUMBERS, *numbers), LONG))


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
