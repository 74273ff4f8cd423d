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
    `always_below` they do on every terminal.
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
    from rich.cells import cell_len

    console = terminal.console()
    widths = [max(map(cell_len, values)) for values in zip(columns, *cells, strict=True)]
    lower = [columns.index(name) for name in below if name in columns]
    if lower and (always_below or sum(widths) + 3 * len(widths) > console.width):
        _print_with_lines_below(console, columns, cells, lower)
    else:
        _draw(console, columns, cells)


def _draw(console: Any, columns: Sequence[str], cells: list[list[str]]) -> None:
    from rich.box import SIMPLE_HEAD, Box
    from rich.table import Table
    from rich.text import Text

    lines = str(SIMPLE_HEAD)
    if terminal.is_ascii():
        lines = lines.replace("\u2500", "-")
    table = Table(box=Box(lines, ascii=terminal.is_ascii()), pad_edge=False, show_edge=False)
    for position, column in enumerate(columns):
        table.add_column(
            column,
            justify="right" if column in NUMBERS else "left",
            overflow="fold",
            no_wrap=column not in LONG,
            style="" if position else "cyan",
        )
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _print_with_lines_below(
    console: Any, columns: Sequence[str], cells: list[list[str]], below: Sequence[int]
) -> None:
    """The table without some columns, whose values go below their rows."""
    from textwrap import wrap

    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    kept = [position for position in range(len(columns)) if position not in below]
    lines = [[row[position] for position in kept] for row in [list(columns), *cells]]
    widths = [max(map(cell_len, values)) for values in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        padded = (
            cell.rjust(width) if columns[position] in NUMBERS else set_cell_size(cell, width)
            for cell, width, position in zip(line, widths, kept, strict=True)
        )
        text = Text("  ".join(padded).rstrip(), style="" if number else "bold")
        if number:
            text.stylize("cyan", 0, len(line[0]))
        console.print(text, soft_wrap=True)
        for position in below if number else ():
            cell = cells[number - 1][position]
            for paragraph in cell.split("; ") if columns[position] == "WHY" else [cell]:
                for part in wrap(paragraph, max(20, console.width - 4), break_on_hyphens=False):
                    console.print(Text(f"    {part}", style="dim"), soft_wrap=True)


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
