"""Text in lines that fit: they break between words, and a number stays with its unit.

A word that is longer than a line is left whole, for the terminal to wrap: what is copied from there is
one word again. Only a list without spaces is broken, behind its commas, and a spec before its variants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

__all__ = ["Word", "longest", "width", "words", "wrap", "wrapped"]

LEAST_TEXT = 24
"""Columns, at least, of what stands behind a name in a list; for less it goes on below the name."""

_WORD = re.compile(r"(\s*)(\S+)")
_NUMBER = re.compile(r"[(+-]?\d[\d.,]*")
_ITEM = re.compile(r"( +)\S.*?\s{2,}(?=\S)")
_UNIT = re.compile(r"[A-Za-z]")
_BEHIND_COMMA = re.compile(r"(?<=[^\d],)(?=\S)|(?<=,)(?=[^\d\s])")
_BEFORE_VARIANT = re.compile(r"(?<=\w)(?=[+~]\w)")
_MORE = re.compile(r"\+\d[\d,]*[,;:.)]*")

Word = tuple[str, str]
"""What stands before a word where the line does not begin with it, and the word."""


def width(text: str) -> int:
    """The columns of a terminal that `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrap(text: str, room: int, *, hang: int = 0) -> list[str]:
    """`text` in lines of at most `room` columns, as far as its words are not longer.

    It is set in as far as it begins with spaces, and from the second line on by `hang` more.
    """
    if width(text) <= room:
        return [text]
    body = text.lstrip(" ")
    indent = len(text) - len(body)
    lines = [" " * indent]
    is_begun = False
    for space, word in _fitting(body, room - indent - hang):
        if is_begun and width(lines[-1]) + width(space) + width(word) > room:
            lines.append(" " * (indent + hang))
            is_begun = False
        lines[-1] += f"{space}{word}" if is_begun else word
        is_begun = True
    return lines


def wrapped(text: str, room: int) -> list[str]:
    """The lines of a text of paragraphs and of lists that are set in, where some are longer than `room`."""
    lines = text.splitlines()
    if all(width(line) <= room for line in lines):
        return lines
    found: list[str] = []
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line and not line.startswith(" "):
            paragraph.append(line)
            continue
        found += wrap(" ".join(paragraph), room) if paragraph else []
        paragraph = []
        found += _wrapped_item(line, room)
    return found[:-1]


def _wrapped_item(line: str, room: int) -> list[str]:
    """A line of a list: what stands behind its name goes on below that, where there is room for it."""
    body = line.lstrip()
    if len(line) - len(body) > room - LEAST_TEXT:  # it goes on with what stood above
        return wrap(f"{' ' * 6}{body}", room)
    item = _ITEM.match(line)
    has_room = item is not None and len(item[0]) <= room - LEAST_TEXT
    return wrap(line, room, hang=len(item[0]) - len(item[1]) if item and has_room else 4)


def words(text: str) -> list[str]:
    """What `wrap` keeps together: words, and a number with its unit."""
    return [word for _, word in _words(text)]


def longest(text: str) -> int:
    """The columns of what `wrap` keeps in one line."""
    return max(map(width, words(text)), default=0)


def _fitting(text: str, room: int) -> Iterator[Word]:
    """The words of a text; what is too wide for a line in its parts, where it has some."""
    for space, word in _words(text):
        if width(word) <= room:
            yield space, word
            continue
        for before, single in _WORD.findall(word):
            parts = [single] if width(single) <= room else _parts(single)
            for number, part in enumerate(parts):
                yield ("" if number else before or space), part


def _parts(word: str) -> list[str]:
    """Where a word may break that is longer than a line; a path is left whole."""
    parts = _BEHIND_COMMA.split(word)
    if len(parts) > 1 or "/" in word:
        return parts
    return _BEFORE_VARIANT.split(word)


def _words(text: str) -> Iterator[Word]:
    """The words of a text; a number and its unit, and `+3` behind what it continues, are one."""
    found: Sequence[Word] = _WORD.findall(text)
    space, word = "", ""
    for before, following in found:
        last = word.rpartition(" ")[2]
        is_unit = _NUMBER.fullmatch(last) is not None and _UNIT.match(following) is not None
        if word and before == " " and (is_unit or _MORE.fullmatch(following)):
            word += f" {following}"
            continue
        if word:
            yield space, word
        space, word = before, following
    if word:
        yield space, word
