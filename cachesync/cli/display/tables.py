"""How a table is fitted to a terminal, so that no word is cut where there is a way around it.

Columns of long values wrap between words. Where that is not enough they go below their rows, the
longest first; where that is not either, the first column stands on lines of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from . import terminal

__all__ = ["draw", "shared_out"]

GAP = 3
"""Between the columns of a table that is drawn."""
NARROW_GAP = 2
"""Between those of one with lines below its rows."""
INDENT = 4
LEAST = 20


def draw(
    columns: Sequence[str],
    cells: list[list[str]],
    *,
    below: Collection[str],
    always_below: bool,
    numbers: Collection[str],
    long: Collection[str],
) -> None:
    """Print a table; `numbers` are aligned to the right, `long` columns may wrap or go below their rows."""
    console = terminal.console()
    widths = [max(map(_width, values)) for values in zip(columns, *cells, strict=True)]
    lower = [position for position, name in enumerate(columns) if name in below]
    is_whole = sum(widths) + GAP * len(widths) <= console.width
    if not (lower and (always_below or not is_whole)):
        words = [
            max(_longest_word(value) for value in values) if name in long else width
            for name, width, values in zip(
                columns, widths, zip(columns, *cells, strict=True), strict=True
            )
        ]
        fitted = shared_out(words, widths, console.width - GAP * (len(widths) - 1))
        if fitted is not None:
            _draw_box(console, columns, cells, fitted, numbers)
            return
    lower = _lowered(columns, widths, lower, console.width, long)
    _print_with_lines_below(console, columns, cells, lower, below=below, numbers=numbers)


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


def _lowered(
    columns: Sequence[str],
    widths: Sequence[int],
    lower: Sequence[int],
    room: int,
    long: Collection[str],
) -> list[int]:
    """The columns that go below their rows, so that the others fit, if that can be."""
    lowered = list(lower)
    while True:
        kept = [position for position in range(len(columns)) if position not in lowered]
        if sum(widths[position] for position in kept) + NARROW_GAP * (len(kept) - 1) <= room:
            break
        movable = [position for position in kept[1:] if columns[position] in long]
        if not movable:
            break
        lowered.append(max(movable, key=lambda position: widths[position]))
    return lowered


def _draw_box(
    console: Any,
    columns: Sequence[str],
    cells: list[list[str]],
    widths: Sequence[int],
    numbers: Collection[str],
) -> None:
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
            justify="right" if column in numbers else "left",
            overflow="fold",
            width=widths[position],
            style="" if position else "cyan",
        )
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _print_with_lines_below(
    console: Any,
    columns: Sequence[str],
    cells: list[list[str]],
    lower: Sequence[int],
    *,
    below: Collection[str],
    numbers: Collection[str],
) -> None:
    """The table without some columns, whose values go below their rows: by name if not called `below`."""
    from textwrap import wrap

    from rich.text import Text

    kept = [position for position in range(len(columns)) if position not in lower]
    lines = [[row[position] for position in kept] for row in [list(columns), *cells]]
    every = [[_width(cell) for cell in column] for column in zip(*lines, strict=True)]
    is_apart = _total(map(max, every)) > console.width < 3 * max(every[0])
    widths = [*([0] if is_apart else []), *_narrowed(every[is_apart:], console.width)]
    for number, line in enumerate(lines):
        if is_apart:
            console.print(Text(line[0], style="cyan" if number else "bold"), soft_wrap=True)
            line[0] = ""
        padded = [
            _padded(cell, width, right=columns[position] in numbers)
            for cell, width, position in zip(line, widths, kept, strict=True)
        ]
        for part in _broken(padded, console.width):
            text = Text(part, style="" if number else "bold")
            if number and not part.startswith(" "):
                text.stylize("cyan", 0, len(line[0]))
            console.print(text, soft_wrap=True)
        for position in lower if number else ():
            name, cell = columns[position], cells[number - 1][position]
            if cell and name not in below:
                cell = f"{name.lower()}: {cell}"
            for paragraph in cell.split("; ") if name == "WHY" else [cell]:
                for part in wrap(
                    paragraph, max(LEAST, console.width - INDENT),
                    break_on_hyphens=False, break_long_words=False,
                ):  # fmt: skip
                    console.print(Text(f"{' ' * INDENT}{part}", style="dim"), soft_wrap=True)


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _total(widths: Iterable[int]) -> int:
    """How wide a row is."""
    found = list(widths)
    return sum(found) + NARROW_GAP * (len(found) - 1)


def _narrowed(every: Sequence[Sequence[int]], room: int) -> list[int]:
    """The widths of columns, so narrow that rows fit: the longest values of the widest stand out of theirs."""
    widths = list(map(max, every))
    while _total(widths) > room:
        widest = max(range(len(widths)), key=widths.__getitem__)
        shorter = [width for width in every[widest] if width < widths[widest]]
        if not shorter:
            break
        widths[widest] = max(shorter)
    return widths


def _broken(cells: Sequence[str], room: int) -> list[str]:
    """A row as lines that fit where its values do: it goes on set in."""
    lines = [cells[0]]
    for cell in cells[1:]:
        padded = f"{lines[-1]}{' ' * NARROW_GAP}{cell}"
        closer = f"{lines[-1].rstrip()}{' ' * NARROW_GAP}{cell.lstrip()}"
        if _width(padded.rstrip()) <= room or not lines[-1].strip():
            lines[-1] = padded
        elif _width(closer.rstrip()) <= room:
            lines[-1] = closer
        else:
            lines.append(f"{' ' * INDENT}{cell.lstrip()}")
    return [line.rstrip() for line in lines]


def _longest_word(text: str) -> int:
    return max(map(_width, text.split()), default=0)
