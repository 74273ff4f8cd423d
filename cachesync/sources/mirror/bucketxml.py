"""What servers of buckets (S3) say in XML: a page of a listing, the code of an error. Pure.

There are no entities but XML's own: a document that declares any is refused, and one that is deep or has
many elements. Forms: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_plus
from xml.parsers import expat

from ...errors import SourceError

__all__ = ["Fault", "Key", "Keys", "fault", "keys"]

MOST_DEPTH = 8
MOST_ELEMENTS = 50_000
"""A page has 1,000 keys at most, of some ten elements each."""
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{1,59}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_Fields = dict[str, str]


class Key(NamedTuple):
    """An object that is listed."""

    key: str
    etag: str
    """Without quotes, which lists of some servers have and of others not; it may be empty."""
    size: int
    """In bytes."""


class Keys(NamedTuple):
    """A page of a listing."""

    found: tuple[Key, ...]
    next_token: str | None
    """What the next page is asked for with; None at the end."""


class Fault(NamedTuple):
    """Why a server does not answer with an object."""

    code: str = ""
    """Empty where what it answers is no error of this form."""
    region: str = ""
    """Where the bucket is, if that is why."""


def keys(data: bytes) -> Keys:
    """The page of a listing. Raises SourceError where it is none, or not whole."""
    name, said, contents = _read(data)
    if name != "ListBucketResult":
        raise SourceError("answered with XML that is no listing")
    is_encoded = said.get("EncodingType") == "url"
    token = said.get("NextContinuationToken") or None
    if said.get("IsTruncated") not in ("true", "false"):
        raise SourceError("answered with a listing that does not say whether it is whole")
    if said["IsTruncated"] == "true" and token is None:
        raise SourceError("answered with a part of a listing, and not how to go on")
    found = tuple(_key(one, is_encoded=is_encoded) for one in contents)
    return Keys(found, token if said["IsTruncated"] == "true" else None)


def fault(data: bytes) -> Fault:
    """What an error says."""
    try:
        name, said, _ = _read(data)
    except SourceError:
        return Fault()
    code, region = said.get("Code", ""), said.get("Region", "")
    if name != "Error" or not _CODE.fullmatch(code):
        return Fault()
    return Fault(code, region if _REGION.fullmatch(region) else "")


def _key(said: _Fields, *, is_encoded: bool) -> Key:
    key, size = said.get("Key", ""), said.get("Size", "")
    if not key or not (size.isascii() and size.isdigit()):
        raise SourceError("answered with a listing of objects without key or size")
    etag = said.get("ETag", "").strip().removeprefix('"').removesuffix('"')
    return Key(unquote_plus(key) if is_encoded else key, etag, int(size[:18]))


def _read(data: bytes) -> tuple[str, _Fields, list[_Fields]]:
    """The name of the outermost element, its texts, and those of each `Contents`. Raises SourceError."""
    reading = _Reading()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = reading.declare
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise SourceError("answered with what is no XML") from None
    return reading.name, reading.said, reading.contents


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.name = ""
        self.said: _Fields = {}
        self.contents: list[_Fields] = []
        self._open: list[str] = []
        self._count = 0
        self._text: list[str] = []

    def start(self, name: str, _attributes: object) -> None:
        self._count += 1
        if len(self._open) >= MOST_DEPTH or self._count > MOST_ELEMENTS:
            raise SourceError("answered with XML that is too deep or too large")
        self._open.append(name)
        self._text.clear()
        if len(self._open) == 1:
            self.name = name
        elif len(self._open) == 2 and name == "Contents":
            self.contents.append({})

    def end(self, name: str) -> None:
        self._open.pop()
        if len(self._open) == 1:
            self.said[name] = "".join(self._text)
        elif len(self._open) == 2 and self._open[1] == "Contents":
            self.contents[-1][name] = "".join(self._text)
        self._text.clear()

    def text(self, data: str) -> None:
        self._text.append(data)

    def declare(self, *_declared: object) -> None:
        raise SourceError("answered with XML that declares entities")
