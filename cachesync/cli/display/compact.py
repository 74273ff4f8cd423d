"""The answer of `search` as a screen shows it: a head for each package, then a line a build. Pure.

A head has what the builds below it have in common, as far as there is room; a line has what is the build's own. A
word is never cut: what does not fit goes on in the next line. Text must be fit for a terminal already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...model import Build
from . import grouping
from .cells import GAP, Columns, flow, partition, placed
from .heads import DEEPER, INDENT, Compact, Line, Piece, head
from .wrapping import width as width_of
from .wrapping import words

__all__ = ["Entry", "compact"]

MOST = 3
"""Lines, at most, for what all of a group have where that is not whole in half the screen, and for what one has of
its own."""
TALK = 3
"""Lines of a screen that are not the table's: what was typed, what is said beside, the count."""
MANY = 200
"""With more builds than that not everything is tried: nobody waits long for what no screen holds."""
FORMS = ((2, "specs"), (1, "specs"), (1, "in"), (1, ""))
"""How where a build is can be told: so many tags by name, and the word before them."""


class Entry(NamedTuple):
    """A build, and what is shown of it besides."""

    build: Build
    compiler: str
    specs: int
    tags: tuple[str, ...]
    below: tuple[str, ...] = ()
    """Paragraphs of its own."""
    place: str = ""
    """What stands in place of how many specs there are, and where."""


class _Block(NamedTuple):
    """A group as it is to be drawn."""

    group: grouping.Group
    lead: tuple[str, ...]
    """What its head begins with: what it is, and the fields that all have in common, where they stand there."""
    cells: list[list[str]]
    """A row each: version, own variants, os, target, compiler, where it is and what is not as usual; as far as the
    group has them."""
    columns: Columns


def compact(
    entries: Sequence[Entry], *, width: int, height: int, gather: bool, dots: str
) -> Compact:
    """The lines that tell of these builds, best on a terminal of that many columns and lines.

    With `gather` all builds of a package stand where the first of them does, else only neighbours are together.
    `dots` stands before how many words are not shown.
    """
    blocks = _fitted(entries, width, gather=gather)
    below = [_below(entry, width) for entry in entries]
    drawn = [
        [_drawn(cells, block.columns, width, dots) for cells in block.cells] for block in blocks
    ]
    rows = sum(map(len, below)) + sum(len(one.lines) for some in drawn for one in some)
    for most, is_joined in ((None, False), (MOST, False), (2, False), (1, False), (1, True)):
        heads = [
            head(block.group, block.lead, width, most=most, dots=dots, is_joined=is_joined)
            for block in blocks
        ]
        room = height // 2 if most is None else height
        if rows + sum(len(above.lines) for above in heads) + TALK <= room:
            break
    lines: list[Line] = []
    is_whole = all(above.is_whole for above in heads)
    for block, above, some in zip(blocks, heads, drawn, strict=True):
        lines += above.lines
        for row, one in zip(block.group.rows, some, strict=True):
            lines += [*one.lines, *below[row.position]]
            is_whole = is_whole and one.is_whole
    return Compact(lines, is_whole)


def _fitted(entries: Sequence[Entry], width: int, *, gather: bool) -> list[_Block]:
    """The grouping of each package and the form of all that take the fewest lines, then say most."""
    forms = FORMS if len(entries) <= MANY else FORMS[-2:]
    places = [_places(entries, *form) for form in forms]
    drawn: list[list[_Block]] = [[] for _ in forms]
    for members in grouping.split([entry.build.package for entry in entries], gather=gather):
        best = _best(entries, places, members, width, gather=gather)
        for blocks, some in zip(drawn, best, strict=True):
            blocks.extend(some)
    costs = [_costs(blocks, width) for blocks in drawn]
    number = min(range(len(forms)), key=lambda one: (costs[one][0], not forms[one][1], costs[one]))
    return drawn[number] if len(entries) > MANY else _aligned(drawn[number], width)


def _best(
    entries: Sequence[Entry],
    places: Sequence[Sequence[str]],
    members: Sequence[int],
    width: int,
    *,
    gather: bool,
) -> list[list[_Block]]:
    """The best way to draw the builds of a package in each form; of equally good ones what is read most easily."""
    best: list[list[_Block]] = [[] for _ in places]
    least: list[tuple[int, int] | None] = [None for _ in places]
    tried: list[list[grouping.Group]] = []
    for way in _ways(entries, members, gather=gather):
        if way in tried:
            continue
        tried.append(way)
        lifts = (False, True)[: 1 + any(any(_lifted(entries, one)) for one in way)]
        for number, told in enumerate(places):
            for is_lifted in lifts:
                cost = least[number]
                if cost == (1 + len(members), 0):  # it cannot be better
                    break
                drawn = [_block(entries, told, one, width, is_lifted=is_lifted) for one in way]
                costs = _costs(drawn, width)
                if cost is None or costs < cost:
                    best[number], least[number] = drawn, costs
        if all(cost == (1 + len(members), 0) for cost in least):
            break
    return best


def _ways(
    entries: Sequence[Entry], members: Sequence[int], *, gather: bool
) -> Iterator[list[grouping.Group]]:
    """The ways to group the builds of a package, what is read most easily first."""
    builds = [entries[position].build for position in members]
    versions = grouping.split([build.version for build in builds], gather=gather)
    for is_apart in (False, True)[: 1 + (len(entries) <= MANY)]:
        for bundled in (False, True):
            for parts in ([range(len(builds))], versions)[: len(versions)]:
                way = [
                    grouping.group(
                        [builds[number] for number in part],
                        [members[number] for number in part],
                        bundled=bundled,
                    )
                    for part in parts
                ]
                yield list(map(grouping.setting_apart, way)) if is_apart else way


def _costs(blocks: Sequence[_Block], width: int) -> tuple[int, int]:
    """The lines of groups, with the shortest heads, and how many of them are narrow."""
    return sum(_lines(block, width) for block in blocks), sum(
        block.columns.narrow * len(block.cells) for block in blocks
    )


def _lines(block: _Block, width: int) -> int:
    rows = len(block.cells)
    if len(block.columns.parts) > 1:
        rows = sum(len(_drawn(cells, block.columns, width, "").lines) for cells in block.cells)
    above = head(block.group, block.lead, width, most=1, dots="")
    return rows + len(above.lines)


def _places(entries: Sequence[Entry], names: int, word: str) -> list[str]:
    """How many specs of each build there are, and where: `3 specs  develop +3`, `3 in develop +3`, `3 develop +3`."""
    digits = max((len(f"{entry.specs:,}") for entry in entries), default=0)
    several = any(entry.specs != 1 for entry in entries)
    found = []
    for entry in entries:
        if entry.place:
            found.append(entry.place)
            continue
        between = f" {word} " if word else " "
        if word == "specs":
            between = " specs  " if entry.specs != 1 else " spec   " if several else " spec  "
        more = f" +{len(entry.tags) - names}" if len(entry.tags) > names else ""
        found.append(f"{entry.specs:>{digits},}{between}{', '.join(entry.tags[:names])}{more}")
    return found


def _block(
    entries: Sequence[Entry],
    places: Sequence[str],
    group: grouping.Group,
    width: int,
    *,
    is_lifted: bool,
) -> _Block:
    own = _own([row.own for row in group.rows])
    fields = _fields(entries, group)
    name = group.package if group.version is None else f"{group.package}@{group.version}"
    lifted = _lifted(entries, group)
    lead = (name, *(cell for cell, up in zip(fields[0], lifted, strict=True) if up))
    if not is_lifted or width_of((" " * GAP).join(lead)) > width:
        lifted, lead = [False] * len(lifted), (name,)
    is_apart = any(row.apart for row in group.rows)
    cells = []
    for row, text, some in zip(group.rows, own, fields, strict=True):
        begin = [] if group.version is not None else [f"@{entries[row.position].build.version}"]
        begin += [text] if any(own) else []
        kept = [cell for cell, up in zip(some, lifted, strict=True) if not up]
        end = [(" " * GAP).join(row.apart)] if is_apart else []
        cells.append([*begin, *kept, places[row.position], *end])
    return _Block(group, lead, cells, partition(cells, width, first=INDENT, further=DEEPER))


def _fields(entries: Sequence[Entry], group: grouping.Group) -> list[tuple[str, ...]]:
    some = (entries[row.position] for row in group.rows)
    return [(entry.build.os, entry.build.target, entry.compiler) for entry in some]


def _lifted(entries: Sequence[Entry], group: grouping.Group) -> list[bool]:
    """Which of the fields can stand in the head, as several rows have them all."""
    columns = zip(*_fields(entries, group), strict=True)
    return [len(group.rows) > 1 and len(set(column)) == 1 for column in columns]


def _own(rows: Sequence[tuple[grouping.Value, ...]]) -> list[str]:
    """What the rows have of their own, variants below each other."""
    columns = [[" ".join(value) for value in column] for column in zip(*rows, strict=True)]
    widths = [max(map(width_of, column)) for column in columns]
    found = []
    for row in zip(*columns, strict=True) if columns else [()] * len(rows):
        padded = [
            text + " " * (wide - width_of(text)) for text, wide in zip(row, widths, strict=True)
        ]
        found.append(" ".join(padded).rstrip())
    return found


def _aligned(blocks: list[_Block], width: int) -> list[_Block]:
    """The groups with the cells of all that have the same ones below each other, where that costs nothing."""
    alike: dict[tuple[int, int, bool], list[int]] = {}
    for number, block in enumerate(blocks):
        shape = len(block.cells[0]), len(block.lead), block.group.version is None
        alike.setdefault(shape, []).append(number)
    aligned = list(blocks)
    for numbers in alike.values():
        cells = [row for number in numbers for row in blocks[number].cells]
        columns = partition(cells, width, first=INDENT, further=DEEPER)
        together = [blocks[number]._replace(columns=columns) for number in numbers]
        if _costs(together, width) <= _costs([blocks[number] for number in numbers], width):
            for number, block in zip(numbers, together, strict=True):
                aligned[number] = block
    return aligned


def _drawn(cells: Sequence[str], columns: Columns, width: int, dots: str) -> Compact:
    """A row as lines."""
    lines: list[Line] = []
    is_whole = True
    done = 0
    for starts in columns.parts:
        some = cells[done : done + len(starts)]
        done += len(starts)
        indent = starts[0]
        if len(some) == 1 and indent + width_of(some[0]) > width:
            flowed = flow(
                words(some[0]), at=indent, room=width, indent=indent, most=MOST, dots=dots
            )
            is_whole = is_whole and not flowed.left_out
            lines += [(Piece(" " * indent + text),) for text in flowed.lines]
        elif any(some):
            lines.append((Piece(placed(some, starts)),))
    return Compact(lines, is_whole)


def _below(entry: Entry, width: int) -> list[Line]:
    return [
        (Piece(f"{' ' * DEEPER}{text}", "dim"),)
        for paragraph in entry.below
        for text in flow(paragraph.split(" "), at=DEEPER, room=width, indent=DEEPER).lines
    ]
