"""Text in lines that fit: they break between words, and a number stays with its unit.

A word that is longer than a line is left whole, for the terminal to wrap: what is copied from there is
one word again. Only a list without spaces is broken, behind its commas, and a spec before its variants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

__all__ = ["Word", "longest", "width", "words", "wrap"]

_WORD = re.compile(r"(\s*)(\S+)")
_NUMBER = re.compile(r"[(+-]?\d[\d.,]*")
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
