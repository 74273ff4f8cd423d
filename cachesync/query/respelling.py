"""A query as it is spelled elsewhere: `hdf5=1.14.5`, `hdf5-1.14.5`, `/BXJPBZP`. Pure.

Each means something in the language, so it is read otherwise only where the whole finds nothing. What there is
is asked of functions that are passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["Respelled", "respelled"]

_CHUNK = re.compile(r'"[^"]*"|[^\s()"]+')
_HASH = re.compile(r"(-?[\w.-]*/)([A-Za-z2-7]{1,32})")
_HEAD = re.compile(r"([-^%]*)([A-Za-z][\w-]*)")
_TAIL = re.compile(r"(\d[\w.-]*)([+~%^@].*)?")
_COMPILER = re.compile(r"compiler:([\w-]+)@([^=\s*]+)")
_VERSION = re.compile(r"[vV]\.?(\d[\w.-]*)")


class Respelled(NamedTuple):
    """A query spelled as it is here."""

    text: str
    words: tuple[tuple[str, str], ...]
    """What is spelled otherwise, as it was typed, and as what."""


Is = Callable[[str], bool]


def respelled(text: str, is_package: Is, is_value: Is, is_key: Is) -> Respelled | None:
    """The query with what is spelled as elsewhere in the spelling of here; None where there is no such word.

    `is_package` says whether a package or a compiler is called so, `is_value` whether anything has a word, and
    `is_key` whether a variant with values is called so.
    """
    words: list[tuple[str, str]] = []

    def replaced(match: re.Match[str]) -> str:
        chunk = match[0]
        new = next(_spellings(chunk, is_package, is_value, is_key), chunk)
        if new != chunk:
            words.append((chunk, new))
        return new

    found = _CHUNK.sub(replaced, text)
    return Respelled(found, tuple(dict.fromkeys(words))) if words else None


def _spellings(chunk: str, is_package: Is, is_value: Is, is_key: Is) -> Iterator[str]:
    if chunk[0] == '"':
        return
    hash_ = _HASH.fullmatch(chunk)
    if hash_ is not None and not hash_[2].islower():
        yield f"{hash_[1]}{hash_[2].lower()}"  # Spack's hashes are in lower case
    compiler = _COMPILER.fullmatch(chunk)
    if compiler is not None:
        yield f"%{compiler[1]}@{compiler[2]}"  # any version that begins so
    version = _VERSION.fullmatch(chunk)
    if version is not None and not is_value(chunk):
        yield version[1]
    for pair in _pairs(chunk):
        name = pair.name.lower()
        is_taken = is_key(pair.name) if pair.sign == "=" else is_value(chunk.lstrip("-^%"))
        if is_package(name) and not is_taken:
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
