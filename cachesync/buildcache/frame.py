"""A cache index that no decoder takes as a whole: the faulty records found, and taken out. Pure.

Only the frame is walked here, which is the objects that the records lie in; a record is a value between
its brackets, and what it is worth is told by the decoder, each by itself. It takes some hundred times as
long as decoding does: for documents that cannot be decoded otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ..errors import CacheIndexError
from .places import shown

__all__ = ["Mended", "mended", "without_place"]

MOST_BEGIN = 64
MOST_DEPTH = 64
"""Of braces and brackets; real records have 9 with those around them."""
RECORD_DEPTH = 4
"""Of a record's own brace: the document, `database`, `installs`, the record."""

_PLAIN = rb'[^"\[\]{}]*+'
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BRACKET = re.compile(rb"%b(?:%b%b)*+([\[\]{}])" % (_PLAIN, _TEXT, _PLAIN), re.DOTALL)
_STRING = re.compile(_TEXT, re.DOTALL)
_SCALAR = re.compile(rb'[^\s,:"\[\]{}]++')
_BLANKS = re.compile(rb"[ \t\n\r]*+")
_OPENING = (b"{", b"[")
_PLACE = re.compile(r" \(byte (\d+)\)")
_NAMES = {
    "unexpected end of hex escape": "half of a surrogate pair",
    "invalid utf-16 surrogate pair": "half of a surrogate pair",
}

_skim = msgspec.json.Decoder(msgspec.Raw).decode
_key = msgspec.json.Decoder(str).decode


class Mended(NamedTuple):
    """A document that can be decoded."""

    document: bytes
    reasons: dict[bytes, str]
    """What stands in the place of a faulty record -> what was wrong with that one."""


def mended(data: bytes | memoryview, most_members: int) -> Mended:
    """The document with a text in the place of every faulty record, and without what lies behind it.

    A key that is no text becomes one that is no hash. Raises CacheIndexError where the fault lies in
    the frame, with the byte of `data` it lies at, and for more than `most_members`.
    """
    walk = _Walk(memoryview(data), most_members)
    for name in walk.members():
        if name != b'"database"' or not walk.is_object():
            walk.pass_value()
            continue
        for inner in walk.members():
            if inner != b'"installs"' or not walk.is_object():
                walk.pass_value()
                continue
            for _key_of_record in walk.members(are_records=True):
                walk.pass_record()
    return walk.mended()


def without_place(said: str) -> str:
    """A complaint of msgspec without the byte, which counts from the start of what it was given."""
    return _PLACE.sub("", said)


class _Walk:
    """A way through the frame of a document."""

    def __init__(self, data: memoryview, most_members: int) -> None:
        self._data = data
        self._most = most_members
        self._at = self._kept = self._members = 0
        self._pieces: list[bytes | memoryview] = []
        self._reasons: dict[bytes, str] = {}

    def members(self, *, are_records: bool = False) -> Iterator[bytes]:
        """The keys of the object here, as they stand; the value of each is to be passed."""
        self._take(b"{")
        if self._has(b"}"):
            return
        while True:
            self._members += 1
            if self._members > self._most:
                raise CacheIndexError(f"the index has more than {self._most:,} records")
            yield self._name(is_of_record=are_records)
            if self._has(b"}"):
                return
            self._take(b",")

    def is_object(self) -> bool:
        """Whether the value that follows is an object."""
        return self._next() == b"{"

    def pass_value(self) -> None:
        """Go behind a value of the frame."""
        start, is_deep = self._value()
        if is_deep:
            raise CacheIndexError("the index is nested too deeply")
        if (fault := self._fault(start)) is not None:
            raise CacheIndexError(f"the index is no JSON: {fault}")

    def pass_record(self) -> None:
        """Go behind a record, and take it out if it is faulty."""
        start, is_deep = self._value()
        fault = self._fault(start) if not is_deep else None
        if is_deep or fault is not None:
            reason = "is nested too deeply" if is_deep else f"is no JSON: {fault}"
            mark = b'"faulty record %d"' % len(self._reasons)
            self._reasons[mark] = reason
            self._put(start, mark)

    def mended(self) -> Mended:
        """What came of it."""
        return Mended(b"".join((*self._pieces, self._data[self._kept : self._at])), self._reasons)

    def _put(self, start: int, instead: bytes) -> None:
        """Put something in the place of what began at `start` and ends here."""
        self._pieces += (self._data[self._kept : start], instead)
        self._kept = self._at

    def _name(self, *, is_of_record: bool) -> bytes:
        self._next()
        start = self._at
        found = _STRING.match(self._data, start)
        if found is None:
            raise self._broken("a key")
        self._at, name = found.end(), found[0]
        try:
            _key(name)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if not is_of_record:
                where = start + _within(name, error)
                said = f"{_said(error)} (byte {where:,} of the index)"
                raise CacheIndexError(f"the index is no JSON: {said}") from None
            self._put(start, msgspec.json.encode(name[1:-1].decode(errors="backslashreplace")))
        self._take(b":")
        return name

    def _value(self) -> tuple[int, bool]:
        """Go behind a value; where it begins, and whether it is nested too deeply."""
        first, start = self._next(), self._at
        if first in _OPENING:
            return start, self._nested()
        found = (_STRING if first == b'"' else _SCALAR).match(self._data, start)
        if found is None:
            raise self._broken("a value")
        self._at = found.end()
        return start, False

    def _nested(self) -> bool:
        depth, deepest, at = 0, 0, self._at
        while (found := _BRACKET.match(self._data, at)) is not None:
            at = found.end()
            if found[1] in _OPENING:
                depth += 1
                deepest = max(deepest, depth)
            else:
                depth -= 1
                if not depth:
                    self._at = at
                    return deepest + RECORD_DEPTH > MOST_DEPTH
        if deepest + RECORD_DEPTH > MOST_DEPTH:
            raise CacheIndexError("the index is nested too deeply")
        raise CacheIndexError(
            f"the index is no JSON: it ends (byte {len(self._data):,}) within what begins at byte"
            f" {self._at:,}"
        )

    def _fault(self, start: int) -> str | None:
        """Why the value from `start` to here cannot be decoded, and where; None where it can be."""
        value = self._data[start : self._at]
        if _refusal(value) is None:
            return None
        # An escape at the very end is told as one before it; what is in order needs no copy.
        padded = bytes(value) + b" " * 16
        error = _refusal(padded)
        if error is None:
            return None
        return f"{_said(error)} (byte {start + _within(padded, error):,} of the index)"

    def _next(self) -> bytes:
        """What follows behind blanks: one character, or nothing at the end."""
        found = _BLANKS.match(self._data, self._at)
        assert found is not None
        self._at = found.end()
        return bytes(self._data[self._at : self._at + 1])

    def _has(self, character: bytes) -> bool:
        is_so = self._next() == character
        self._at += is_so
        return is_so

    def _take(self, character: bytes) -> None:
        if not self._has(character):
            raise self._broken(f"`{character.decode()}`")

    def _broken(self, expected: str) -> CacheIndexError:
        where = f"byte {self._at:,} of the index"
        if self._at == len(self._data):
            where += ", which ends there"
        elif not self._members:
            begin = bytes(self._data[self._at : self._at + MOST_BEGIN]).decode(errors="replace")
            where += f", which begins with {shown(begin)}"
        return CacheIndexError(f"the index is no JSON: expected {expected} ({where})")


def _refusal(value: bytes | memoryview) -> Exception | None:
    """Why a decoder does not take a value; None where it does."""
    try:
        _skim(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return error
    return None


def _said(error: Exception) -> str:
    """The complaint of a decoder in plain words, and without its place."""
    if isinstance(error, UnicodeDecodeError):
        return "no UTF-8"
    words = without_place(str(error)).removeprefix("JSON is malformed: ")
    return _NAMES.get(words, words[:1].lower() + words[1:])


def _within(data: bytes, error: Exception) -> int:
    """The byte in `data` that a decoder complains of."""
    if isinstance(error, UnicodeDecodeError):
        try:
            data.decode()
        except UnicodeDecodeError as found:
            return found.start
    place = _PLACE.search(str(error))
    return int(place[1]) if place else 0
