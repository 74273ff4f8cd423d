"""How a table is fitted to a terminal: no word is cut, no number, and no value is lost.

What columns there is no room for wrap between words, or go below their rows, the longest first. On a
narrow terminal, and where nothing else is left, rows become lines of `name: value`. Pure but for `draw`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import NamedTuple

from . import terminal
from .wrapping import longest, width, wrap

__all__ = ["NARROW", "Fit", "Line", "Table", "draw", "draw_row", "fitted", "layout", "shared_out"]

GAP = 3
"""Between the columns of a table that has room."""
NARROW_GAP = 2
INDENT = 4
"""Of values that stand below their row."""
NARROW = 60
"""Columns of a terminal; on a narrower one rows that do not fit whole become lines."""
LEAST = 16
"""No column is made narrower than that by wrapping: it would grow tall."""

OFTEN = 0.8
"""So many rows have to have a name that fits, for a table with lines of their own for the others."""

Line = list[tuple[str, str]]
"""Pieces of text, each with a style or none."""


class Table(NamedTuple):
    """What is to be shown, and how its columns are."""

    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    below: Collection[str] = ()
    """These go below their rows first, without their names."""
    after: Collection[str] = ()
    """These stand below the table, each on lines of its own."""
    always_below: bool = False
    numbers: Collection[str] = ()
    """Aligned to the right."""
    long: Collection[str] = ()
    """These may wrap, or go below their rows."""
    over: Sequence[str] = ()
    """A line above each row, or nothing."""


class Grid(NamedTuple):
    """The columns that stand side by side."""

    positions: Sequence[int]
    widths: Sequence[int]
    gap: int


class Fit(NamedTuple):
    """How a table is fitted to a terminal."""

    room: int
    shown: Sequence[int]
    """The columns that have something to say."""
    grid: Grid | None = None
    """The columns that stand side by side; None where each row becomes lines of `name: value`."""
    lower: Sequence[int] = ()
    """The columns that go below their rows."""


def draw(table: Table) -> Fit:
    """Print a table on a terminal; returns how it is fitted."""
    fit = fitted(table, terminal.width())
    _print(_lines(table, fit, "-" if terminal.is_ascii() else "\u2500"))
    return fit


def draw_row(table: Table, fit: Fit, row: Sequence[str]) -> Fit | None:
    """Print one more row below a table, whose columns may have to grow: returns how it is fitted then.

    None where it does not fit, and nothing is printed.
    """
    if terminal.width() < fit.room or any(
        cell for position, cell in enumerate(row) if position not in fit.shown
    ):
        return None
    if fit.grid is not None:
        *widths, last = [
            max(wide, (longest if table.columns[position] in table.long else width)(row[position]))
            for position, wide in zip(fit.grid.positions, fit.grid.widths, strict=True)
        ]
        left = fit.room - sum(widths) - fit.grid.gap * len(widths)
        if last > left:
            return None
        widths.append(max(last, min(left, width(row[fit.grid.positions[-1]]))))
        fit = fit._replace(grid=fit.grid._replace(widths=widths))
    _print(_of_row(table, fit, row))
    return fit


def layout(table: Table, room: int, *, rule: str = "-") -> list[Line]:
    """The lines of a table on a terminal of `room` columns."""
    return _lines(table, fitted(table, room), rule)


def fitted(table: Table, room: int) -> Fit:
    """How a table is best fitted to a terminal of `room` columns."""
    shown = [
        position
        for position in range(len(table.columns))
        if not position or not table.cells or any(row[position] for row in table.cells)
    ]  # an empty column says nothing
    after = [position for position in shown if table.columns[position] in table.after]
    below = [position for position in shown if table.columns[position] in table.below]
    lower = below if table.always_below else []
    kept = [position for position in shown if position not in after and position not in lower]
    most = [_widest(table, position) for position in range(len(table.columns))]
    while True:
        found = _widths(
            table, kept, most, room,
            gaps=(NARROW_GAP,) if lower else (GAP, NARROW_GAP),
            wraps=room >= NARROW and (bool(lower) or not below),
        )  # fmt: skip
        if found is not None:
            return Fit(room, shown, Grid(kept, *found), lower)
        if room < NARROW:
            return Fit(room, shown)
        if lower == [] and below:
            lower, kept = below, [position for position in kept if position not in below]
            continue
        movable = [position for position in kept[1:] if table.columns[position] in table.long]
        if not movable:
            apart = _apart(table, kept, most, room)
            return Fit(room, shown) if apart is None else Fit(room, shown, apart, lower)
        longest_one = max(movable, key=most.__getitem__)
        lower = sorted([*lower, longest_one])
        kept = [position for position in kept if position != longest_one]


def shared_out(least: Sequence[int], most: Sequence[int], room: int) -> list[int] | None:
    """A width for each column, between the least and the most it can have; None where there is no room."""
    left = room - sum(least)
    if left < 0:
        return None
    widths = list(least)
    wanting = sorted(range(len(least)), key=lambda position: most[position] - least[position])
    for number, position in enumerate(wanting):
        more = min(most[position] - least[position], left // (len(wanting) - number))
        widths[position] += more
        left -= more
    return widths


def _widest(table: Table, position: int) -> int:
    return max(width(text) for text in (table.columns[position], *_column(table, position)))


def _column(table: Table, position: int) -> list[str]:
    return [row[position] for row in table.cells]


def _widths(
    table: Table,
    kept: Sequence[int],
    most: Sequence[int],
    room: int,
    *,
    gaps: Sequence[int],
    wraps: bool,
) -> tuple[list[int], int] | None:
    """Widths of columns that stand side by side, and what is between them; None if they do not fit."""
    wanted = [most[position] for position in kept]
    for gap in gaps:
        if sum(wanted) + gap * (len(kept) - 1) <= room:
            return wanted, gap
    if not wraps:
        return None
    least = [
        max(min(most[position], LEAST), *map(longest, (table.columns[position], *_column(table, position))))
        if table.columns[position] in table.long
        else most[position]
        for position in kept
    ]  # fmt: skip
    fitted = shared_out(least, wanted, room - NARROW_GAP * (len(kept) - 1))
    return None if fitted is None else (fitted, NARROW_GAP)


def _apart(table: Table, kept: Sequence[int], most: Sequence[int], room: int) -> Grid | None:
    """A table of which few rows have so long a name that it stands on a line of its own, if that fits."""
    others = [most[position] for position in kept[1:]]
    left = room - sum(others) - NARROW_GAP * len(others)
    fitting = [size for size in map(width, _column(table, kept[0])) if size <= left]
    if left < width(table.columns[kept[0]]) or len(fitting) < OFTEN * len(table.cells):
        return None
    first = max(width(table.columns[kept[0]]), *fitting)
    return Grid(kept, [first, *others], NARROW_GAP)


def _print(lines: Sequence[Line]) -> None:
    for line in lines:
        print("".join(terminal.paint(text, style) if style else text for text, style in line))


def _lines(table: Table, fit: Fit, rule: str) -> list[Line]:
    """The heads of the columns, a rule where nothing stands below a row, the rows, and what stands after them."""
    lines: list[Line] = []
    if fit.grid is not None:
        lines += _row(table, fit.grid, table.columns, "bold")
        if not fit.lower:
            widths = fit.grid.widths
            lines.append([(rule * (sum(widths) + fit.grid.gap * (len(widths) - 1)), "")])
    for row, over in zip_longest(table.cells, table.over, fillvalue=""):
        lines += [[(text, "bold")] for text in wrap(over, fit.room, hang=2) if over]
        lines += _of_row(table, fit, row)
    return lines if fit.grid is None else lines + _told_after(table, fit)


def _of_row(table: Table, fit: Fit, row: Sequence[str]) -> list[Line]:
    """A row, and what stands below it."""
    if fit.grid is None:
        return _record(table, row, fit.shown, fit.room)
    lines: list[Line] = []
    if is_apart := longest(row[0]) > fit.grid.widths[0]:
        lines += [[(text, "cyan")] for text in wrap(row[0], fit.room, hang=2)]
    lines += _row(table, fit.grid, ["", *row[1:]] if is_apart else row, "")
    for position in fit.lower:
        lines += [[(text, "dim")] for text in _lowered(table, row, position, fit.room)]
    return lines


def _row(table: Table, grid: Grid, row: Sequence[str], style: str) -> list[Line]:
    """A row of cells, in as many lines as its highest one has."""
    cells = [
        wrap(row[position], wide)
        for position, wide in zip(grid.positions, grid.widths, strict=True)
    ]
    lines: list[Line] = []
    for number in range(max(map(len, cells))):
        line: Line = []
        for cell, position, wide in zip(cells, grid.positions, grid.widths, strict=True):
            text = cell[number] if number < len(cell) else ""
            space = " " * (wide - width(text))
            is_number = table.columns[position] in table.numbers
            own = style or ("" if line else "cyan")
            gap = " " * grid.gap if line else ""
            line += [(gap + (space if is_number else ""), ""), (text, own)]
            line += [] if is_number else [(space, "")]
        lines.append(_trimmed(line))
    return lines


def _trimmed(line: Line) -> Line:
    """A line without the spaces at its end."""
    while line and not line[-1][0].strip():
        line = line[:-1]
    return line


def _lowered(table: Table, row: Sequence[str], position: int, room: int) -> list[str]:
    """A value as lines below its row; each of several reasons begins one."""
    name, cell = table.columns[position], row[position]
    if not cell:
        return []
    if name not in table.below:
        cell = f"{name.lower()}: {cell}"
    paragraphs = cell.split("; ") if name == "WHY" else [cell]
    return [line for text in paragraphs for line in wrap(" " * INDENT + text, room, hang=0)]


def _told_after(table: Table, fit: Fit) -> list[Line]:
    return [
        [(text, "")]
        for row in table.cells
        for position in fit.shown
        if table.columns[position] in table.after and row[position]
        for text in wrap(f"{row[0]}: {row[position]}", fit.room, hang=2)
    ]


def _record(table: Table, row: Sequence[str], shown: Sequence[int], room: int) -> list[Line]:
    """A row as lines: what its first column says, then the others by name, as many as fit on each."""
    *whole, flowing = wrap(row[0], room, hang=2)
    lines = [*whole]
    heads = len(lines) + 1
    for position in shown[1:]:
        if not row[position]:
            continue
        pair = f"{table.columns[position].lower()}: {row[position]}"
        if flowing and width(flowing) + NARROW_GAP + width(pair) <= room:
            flowing += " " * NARROW_GAP + pair
            continue
        lines += [flowing] * bool(flowing)
        *whole, flowing = wrap(f"  {pair}", room, hang=2)
        if whole:  # what follows shall not look like a part of it
            lines += [*whole, flowing]
            flowing = ""
    lines += [flowing] * bool(flowing)
    return [_headed(text, row[0]) if n < heads else [(text, "")] for n, text in enumerate(lines)]


def _headed(text: str, head: str) -> Line:
    """The beginning of a record, of which what its first column says is seen first."""
    length = len(head) if text.startswith(head) else len(text)
    return [(text[:length], "cyan"), (text[length:], "")] if text[length:] else [(text, "cyan")]
