"""A query as it is spelled elsewhere: `hdf5=1.14.5`, `hdf5-1.14.5`, `/BXJPBZP`. Pure.

Each means something in the language, so it is read otherwise only where the whole finds nothing. What there is
is asked of functions that are passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["Known", "Respelled", "respelled"]

_CHUNK = re.compile(r'"[^"]*"|[^\s()"]+')
_HASH = re.compile(r"(-?[\w.-]*/)([A-Za-z2-7]{1,32})")
_HEAD = re.compile(r"([-^%]*)([A-Za-z][\w-]*)")
_TAIL = re.compile(r"(\d[\w.-]*)([+~%^@].*)?")
_COMPILER = re.compile(r"compiler:([\w-]+)@([^=\s*]+)")
_FIELD = re.compile(r"-?(os|target|platform|stack|tag|source):([\w.-]{3,})")
_VERSION = re.compile(r"[vV]\.?(\d[\w.-]*)")


class Respelled(NamedTuple):
    """A query spelled as it is here."""

    text: str
    words: tuple[tuple[str, str], ...]
    """What is spelled otherwise, as it was typed, and as what."""


class Known(NamedTuple):
    """What there is."""

    is_package: Callable[[str], bool]
    """Whether a package or a compiler is called so."""
    is_value: Callable[[str], bool] = lambda _word: False
    """Whether anything has a word."""
    is_key: Callable[[str], bool] = lambda _name: False
    """Whether a variant with values is called so."""
    is_beginning: Callable[[str, str], bool] = lambda _field, _value: False
    """Whether values of a field begin so, and none is this."""


def respelled(text: str, known: Known) -> Respelled | None:
    """The query with what is spelled as elsewhere in the spelling of here; None where there is no such word."""
    words: list[tuple[str, str]] = []

    def replaced(match: re.Match[str]) -> str:
        chunk = match[0]
        new = next(_spellings(chunk, known), chunk)
        if new != chunk:
            words.append((chunk, new))
        return new

    found = _CHUNK.sub(replaced, text)
    return Respelled(found, tuple(dict.fromkeys(words))) if words else None


def _spellings(chunk: str, known: Known) -> Iterator[str]:
    if chunk[0] == '"':
        return
    hash_ = _HASH.fullmatch(chunk)
    if hash_ is not None and not hash_[2].islower():
        yield f"{hash_[1]}{hash_[2].lower()}"  # Spack's hashes are in lower case
    compiler = _COMPILER.fullmatch(chunk)
    if compiler is not None:
        yield f"%{compiler[1]}@{compiler[2]}"  # any version that begins so
    field = _FIELD.fullmatch(chunk)
    if field is not None and known.is_beginning(field[1], field[2].lower()):
        yield f"{chunk}*"
    version = _VERSION.fullmatch(chunk)
    if version is not None and not known.is_value(chunk):
        yield version[1]
    for pair in _pairs(chunk):
        name = pair.name.lower()
        word = chunk.lstrip("-^%")
        is_taken = known.is_key(pair.name) if pair.sign == "=" else known.is_value(word)
        if known.is_package(name) and not is_taken:
            yield f"{pair.sigils}{name}@{pair.version}{pair.rest}"


class _Pair(NamedTuple):
    sigils: str
    name: str
    sign: str
    version: str
    rest: str


def _pairs(chunk: str) -> Iterator[_Pair]:
    """Names and versions that a chunk may have side by side, the longest name first."""
    for at in reversed(range(len(chunk))):
        if chunk[at] in "-_=":
            head = _HEAD.fullmatch(chunk[:at].removesuffix("="))
            tail = _TAIL.fullmatch(chunk[at + 1 :])
            if head is not None and tail is not None:
                yield _Pair(head[1], head[2], chunk[at], tail[1], tail[2] or "")
