"""Words and cells on lines of so many columns: nothing is cut, what does not fit goes on below. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .wrapping import width

__all__ = ["GAP", "Columns", "Flowed", "flow", "partition", "placed"]

GAP = 2
"""Between columns."""
LEAST_GAP = 1
"""Where they do not fit so."""


class Flowed(NamedTuple):
    """Words on lines."""

    lines: list[str]
    left_out: int
    """So many of them are not there."""


def flow(
    words: Sequence[str],
    *,
    at: int,
    room: int,
    indent: int,
    most: int | None = None,
    more: int = 0,
    dots: str = "",
) -> Flowed:
    """Words on lines of `room` columns, the first from column `at` on, the others from `indent` on.

    Of more than `most` lines the end is left out: `dots` and how many words, those and the `more` that are left
    out anyway. Where not even that fits behind `at`, it stands on a second line.
    """
    lines = [""]
    counts = [0]
    """Words up to the end of each line."""
    column = at
    for word in words:
        wide = width(word)
        space = 1 if lines[-1] else 0
        if column + space + wide > room and (lines[-1] or (len(lines) == 1 and at > indent)):
            lines.append("")
            counts.append(counts[-1])
            column, space = indent, 0
        lines[-1] += " " * space + word
        counts[-1] += 1
        column += space + wide
    total = len(words) + more
    if (most is None or len(lines) <= most) and not more:
        return Flowed(lines if lines != [""] else [], 0)
    shown = counts[-1] if most is None or len(lines) <= most else counts[most - 1]
    while True:
        kept = flow(words[:shown], at=at, room=room, indent=indent).lines
        end = f"{dots} {total - shown} more" if kept else f"{dots} {total} more"
        last = kept[-1] if kept else ""
        begin = at if len(kept) <= 1 else indent
        if (
            len(kept) <= (most or len(kept))
            and begin + width(last) + bool(last) + width(end) <= room
        ):
            break
        if not shown:
            return Flowed(["", end] if at > indent else [end], total)
        shown -= 1
    return Flowed([*kept[:-1], f"{last} {end}".strip()], total - shown)


def placed(cells: Sequence[str], starts: Sequence[int]) -> str:
    """A line of cells, each where its column begins."""
    line = ""
    end = 0
    for cell, start in zip(cells, starts, strict=True):
        if cell:
            line += " " * (start - end) + cell
            end = start + width(cell)
    return line


class Columns(NamedTuple):
    """Where the cells of rows begin: the same columns for all of them."""

    parts: list[list[int]]
    """For each line of a row where its cells begin."""
    narrow: int
    """So many of these lines have little room between the columns."""


def partition(rows: Sequence[Sequence[str]], room: int, *, first: int, further: int) -> Columns:
    """Columns that take as few lines a row as can be, with as much as can be on the first.

    The first line begins at column `first`, the others at `further`. A cell that is longer than a line has one of
    its own, or more.
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    best: list[tuple[int, list[int], int, list[list[int]]]] = [(0, [], 0, [])]
    """For each number of cells: how many lines they take, how many cells less than none each of these has, how many
    are narrow, and where the cells begin."""
    for upto in range(1, len(widths) + 1):
        ways = []
        for begin in range(upto):
            lines, counts, narrow, parts = best[begin]
            line = _starts(widths[begin:upto], room, further if begin else first)
            if line is not None:
                starts, is_narrow = line
                way = lines + 1, [*counts, begin - upto], narrow + is_narrow, [*parts, starts]
                ways.append(way)
        best.append(min(ways))
    _, _, narrow, parts = best[-1]
    return Columns(parts, narrow)


def _starts(widths: Sequence[int], room: int, indent: int) -> tuple[list[int], bool] | None:
    """Where columns of these widths begin, and whether there is little between them; None where they do not fit.

    A single one always does.
    """
    for gap in (GAP, LEAST_GAP):
        starts = []
        end = at = indent
        for wide in widths:
            starts.append(at)
            if wide:
                end = at + wide
                at = end + gap
        if end <= room or len(widths) == 1:
            return starts, gap < GAP
    return None
