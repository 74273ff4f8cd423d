"""The lines above the builds of a group: what they have in common, and what comes along with what. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from . import grouping
from .cells import GAP, Flowed, flow
from .wrapping import width as width_of

__all__ = ["DEEPER", "INDENT", "Compact", "Line", "Piece", "head"]

INDENT = 2
DEEPER = 6
"""Where what belongs to a line goes on below it."""
USUAL = "unless said:"


class Piece(NamedTuple):
    """A part of a line, in a style such as `dim`."""

    text: str
    style: str = ""


Line = tuple[Piece, ...]


class Compact(NamedTuple):
    """What is shown."""

    lines: list[Line]
    is_whole: bool
    """Whether every variant of every build is told."""


def head(
    group: grouping.Group,
    lead: Sequence[str],
    width: int,
    *,
    most: int | None,
    dots: str,
    is_joined: bool = False,
) -> Compact:
    """What stands above the rows of a group: what all have in `most` lines, what else there is in one each.

    It begins with what is in `lead`. With `is_joined` what is usual stands at the end of the first line, if that is
    the only one so.
    """
    seldom = {key: texts for key, texts in group.along.items() if key not in group.hidden}
    unsaid = {text for texts in seldom.values() for text in texts} if most == 1 else set()
    name, *fields = lead
    gap = " " * GAP
    at = width_of(gap.join(lead)) + GAP

    def shared(end: str) -> Flowed:
        return flow(
            group.common, at=at, room=width - width_of(end), indent=DEEPER, most=most,
            more=len(unsaid), dots=dots,
        )  # fmt: skip

    end = gap + " ".join((USUAL, *group.usual)) if is_joined and group.usual else ""
    if end and len(shared(end).lines) != 1:
        end = ""
    flowed = shared(end)
    first, *others = flowed.lines or [""]
    lines: list[Line] = [
        (
            Piece(name, "cyan"),
            Piece("".join(gap + field for field in fields)),
            Piece(gap + first + end, "dim"),
        ),
        *((Piece(f"{' ' * DEEPER}{text}", "dim"),) for text in others),
    ]
    is_whole = not flowed.left_out
    usual = [(f"{' ' * INDENT}{USUAL}", group.usual)] if group.usual and not end else []
    for begin, texts in usual + _along(group, width, is_short=most == 1):
        flowed = flow(
            texts,
            at=width_of(begin) + 1,
            room=width,
            indent=DEEPER,
            most=None if most is None else 1,
            dots=dots,
        )
        is_whole = is_whole and not flowed.left_out
        first, *others = flowed.lines
        lines.append((Piece(begin), Piece(f" {first}", "dim")))
        lines += [(Piece(f"{' ' * DEEPER}{text}", "dim"),) for text in others]
    return Compact(lines, is_whole)


def _along(
    group: grouping.Group, width: int, *, is_short: bool
) -> list[tuple[str, tuple[str, ...]]]:
    """What comes along with what, a line each: where `is_short` only what differs from build to build."""
    found: list[tuple[str, tuple[str, ...]]] = []
    where: dict[tuple[str, ...], int] = {}
    for key, texts in group.along.items():
        if is_short and key not in group.hidden:
            continue
        number = where.get(texts)
        if number is not None and width_of(f"{found[number][0]} or {key}") <= width // 2:
            found[number] = f"{found[number][0]} or {key}", texts
        else:
            where[texts] = len(found)
            found.append((f"{' ' * INDENT}with {key}", texts))
    return [(f"{begin}:", texts) for begin, texts in found]
