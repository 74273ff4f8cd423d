"""Words and cells on lines of so many columns: nothing is cut, what does not fit goes on below. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from .wrapping import width

__all__ = ["GAP", "Columns", "Flowed", "flow", "partition", "placed"]

GAP = 2
"""Between columns."""
LEAST_GAP = 1
"""Behind a cell that stands out of its column."""
LITTLE, MUCH = 1, 3
"""How bad it looks."""


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
    out anyway.
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


def placed(cells: Sequence[str], starts: Sequence[int], room: int) -> str:
    """A line of cells, each where its column begins, or further right behind one that is too long.

    The last moves to the left where it would not fit.
    """
    line = ""
    end = 0
    last = max(number for number, cell in enumerate(cells) if cell)
    for number, (cell, start) in enumerate(zip(cells, starts, strict=True)):
        if not cell:
            continue
        wide = width(cell)
        at = _at(start, end, wide, room, is_last=number == last)
        line += " " * (at - end) + cell
        end = at + wide
    return line


def _at(start: int, end: int, wide: int, room: int, *, is_last: bool) -> int:
    """The column where a cell of some width begins, behind one that ends at `end`."""
    least = end + LEAST_GAP if end else start
    at = max(start, least)
    return max(room - wide, least) if is_last and at + wide > room else at


class Columns(NamedTuple):
    """Where the cells of rows begin."""

    parts: list[list[int]]
    """For each line of a row where its cells begin."""
    ragged: int
    """How much of them does not stand in columns."""


def partition(rows: Sequence[Sequence[str]], room: int, *, first: int, further: int) -> Columns:
    """Columns that take as few lines a row as can be, and of those the straightest.

    The first line begins at column `first`, the others at `further`. A cell that is longer than a line has one of
    its own, or more.
    """
    widths = [[width(cell) for cell in row] for row in rows]
    count = len(rows[0])
    whole = _starts(Counter(map(tuple, widths)), room, first)
    if whole is not None:
        return Columns([whole[0]], whole[1])
    best: list[tuple[int, int, list[list[int]]]] = [(0, 0, [])]
    """For each number of cells: how many lines they take, how ragged these are, and where they begin."""
    for upto in range(1, count + 1):
        ways = []
        for begin in range(upto):
            lines, ragged, parts = best[begin]
            often = Counter(tuple(row[begin:upto]) for row in widths)
            line = _starts(often, room, further if begin else first)
            if line is not None:
                ways.append((lines + 1, ragged + line[1], [*parts, line[0]]))
        best.append(min(ways))
    return Columns(best[count][2], best[count][1])


def _starts(
    often: Counter[tuple[int, ...]], room: int, indent: int
) -> tuple[list[int], int] | None:
    """Where columns begin so that rows of these widths fit, and how much does not stand in them: the least.

    None where they do not fit. A single cell always does.
    """
    count = len(next(iter(often)))
    if count == 1:
        return [indent], 0
    if any(indent + sum(row) + LEAST_GAP * (count - row.count(0) - 1) > room for row in often):
        return None
    columns = [sorted(_counted(often, number).items(), reverse=True) for number in range(count - 1)]
    best: tuple[list[int], int] | None = None
    while True:
        starts = [indent]
        for (widest, _), *_ in columns:
            starts.append(starts[-1] + widest + (GAP if widest else 0))
        ragged = _ragged(often, starts, room)
        if ragged is not None and (best is None or ragged < best[1]):
            best = starts, ragged
        narrower = [lengths for lengths in columns if len(lengths) > 1]
        if (best is not None and not best[1]) or not narrower:
            return best
        lengths = min(narrower, key=lambda lengths: (lengths[0][1], -lengths[0][0]))
        (_, longest), (widest, others) = lengths[:2]
        lengths[:2] = [(widest, longest + others)]


def _ragged(often: Counter[tuple[int, ...]], starts: Sequence[int], room: int) -> int | None:
    ragged = 0
    for row, times in often.items():
        slant = _slant(row, starts, room)
        if slant is None:
            return None
        ragged += times * slant
    return ragged


def _counted(often: Counter[tuple[int, ...]], number: int) -> Counter[int]:
    found: Counter[int] = Counter()
    for row, times in often.items():
        found[row[number]] += times
    return found


def _slant(row: Sequence[int], starts: Sequence[int], room: int) -> int | None:
    """How far cells of these widths are from standing in their columns; None where they do not fit.

    It is nothing where they do, little where only the last is moved to the left, else more.
    """
    end = 0
    slant = 0
    last = max((number for number, wide in enumerate(row) if wide), default=0)
    for number, (wide, start) in enumerate(zip(row, starts, strict=True)):
        if wide:
            at = _at(start, end, wide, room, is_last=number == last)
            if at > start or 0 < end > at - GAP:
                slant = MUCH
            elif at < start:
                slant = max(slant, LITTLE)
            end = at + wide
    return slant if end <= room else None
