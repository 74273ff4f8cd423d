"""A cache index split into its records, none of which is decoded. Pure.

The document is `{"database": {"version": "8", "installs": {HASH: {"spec": ..., "in_buildcache": ...}}}}`
in both layouts (BUILDCACHE, 3.1); bytes after it are tolerated, as Spack does. What is wrong with a
record refuses that record; what is wrong with the document is a CacheIndexError.

Database versions 6 to 8 are Spack's 0.17 to 1.2 and were read from files that it wrote (7 and 8); 9 is
that of Spack 1.3 and is known from BUILDCACHE, 1.3 alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha1
from typing import Any, NamedTuple

import msgspec

from ..errors import CacheIndexError
from .frame import mended, without_place
from .places import Wrong, at_place, shown

__all__ = [
    "MAX_RECORDS",
    "VERSIONS",
    "Record",
    "Refused",
    "Split",
    "are_hashes",
    "checksum",
    "is_hash",
    "split",
    "wrong_version",
]

VERSIONS = range(6, 10)
"""The database versions that are read."""
MAX_RECORDS = 1_000_000
"""Of one index; the largest public ones have some 60,000."""
CHECKSUM_BYTES = 8

_ALPHABET = b"abcdefghijklmnopqrstuvwxyz234567"
_HASH = re.compile(r"[a-z2-7]{32}")
_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_NUMBER = re.compile(r"[0-9]{1,9}")
_FILLED = re.compile(rb"\S")
_NO_JSON = (RecursionError, msgspec.DecodeError, UnicodeDecodeError)


class Record(msgspec.Struct, gc=False):
    """A record as it stands in the index. It holds on to the bytes it was split from."""

    spec: msgspec.Raw
    cached: bool = msgspec.field(default=False, name="in_buildcache")


_decode_record = msgspec.json.Decoder(Record).decode


class Refused(NamedTuple):
    """A record that is not accepted, with the place and what is wrong there."""

    hash: str
    """Its key in the index, which may be no hash."""
    reason: str


class Split(NamedTuple):
    """An index, its specs still undecoded."""

    version: int
    records: dict[str, Record]
    """By hash, in the order of the index, which means nothing."""
    refused: tuple[Refused, ...] = ()
    """What is no record, has a key that is no hash, or stands there twice."""


class _Head(msgspec.Struct):
    version: int | str | None = None


class _HeadDocument(msgspec.Struct):
    database: _Head


def split(data: bytes | memoryview) -> Split:
    """The records of an index by their hashes.

    `data` is anything with a buffer, a mapped file too; the records refer to it as long as they live.
    Raises CacheIndexError for what is no index, for a database version that is not understood, and
    for more than MAX_RECORDS.
    """
    try:
        return _split(data, {})
    except _NO_JSON:  # where one record is at fault the others are read without it
        pass
    if _FILLED.search(data) is None:
        raise CacheIndexError("the index is empty")
    document, reasons = mended(data, MAX_RECORDS)
    try:
        return _split(document, reasons)
    except RecursionError:
        raise CacheIndexError("the index is nested too deeply") from None
    except _NO_JSON as error:
        raise CacheIndexError(f"the index is no JSON: {without_place(str(error))}") from None


def checksum(record: Record) -> bytes:
    """What tells whether a record says the same of its spec as before: 8 bytes.

    It is over the bytes of `spec`: how many dependents a spec has in this index and whether it is
    cached are no matter, but every other way of writing the same counts as a change.
    """
    return sha1(record.spec, usedforsecurity=False).digest()[:CHECKSUM_BYTES]


def are_hashes(texts: Iterable[str]) -> bool:
    """Whether every text is 32 characters of a-z and 2-7; one pass in C for all."""
    joined = " ".join(texts)
    if not joined.isascii():
        return False
    data = joined.encode()
    gaps = b" " * (len(data) // 33)
    return len(data) % 33 == 32 and data[32::33] == gaps and data.translate(None, _ALPHABET) == gaps


def wrong_version(said: str, version: int) -> CacheIndexError:
    """The error for database versions that are not read; `version` is the highest of them."""
    if version < VERSIONS[0]:
        return CacheIndexError(
            f"the index has database version {said}, which is older than {VERSIONS[0]}",
            hint="rebuild it with Spack 0.21 or later: spack buildcache update-index",
        )
    return CacheIndexError(
        f"the index has database version {said}; this cachesync reads"
        f" {VERSIONS[0]} to {VERSIONS[-1]}",
        hint="upgrade cachesync",
    )


def _split(data: bytes | memoryview, reasons: Mapping[bytes, str]) -> Split:
    """Raises _NO_JSON; `reasons` are those of `frame.Mended`."""
    try:
        return _at_once(data) or _one_by_one(data, reasons)
    except msgspec.ValidationError as error:
        raise CacheIndexError(f"this is no cache index: {at_place(error)}") from None
    except msgspec.DecodeError as error:
        trailing = _TRAILING.search(str(error))
        if trailing is None:
            raise
        return _split(memoryview(data)[: int(trailing[1]) - 1], reasons)


def _at_once(data: bytes | memoryview) -> Split | None:
    """The way of every index that is in order; None where something is not."""
    seen = 0

    class Counted(Record, gc=False):
        """A record that is counted, one whose key comes again too."""

        def __post_init__(self) -> None:
            nonlocal seen
            seen += 1
            if seen > MAX_RECORDS:
                raise _too_many()

    try:
        database = msgspec.json.decode(data, type=_document_of(Counted)).database
    except msgspec.ValidationError:
        return None
    version, installs = _version(database.version), database.installs
    if seen == len(installs) and (not installs or are_hashes(installs)):
        return Split(version, installs)
    return None


def _document_of(record: type[Record]) -> Any:
    database = msgspec.defstruct(
        "Database",
        [("installs", dict[str, record]), ("version", int | str | None, None)],  # type: ignore[valid-type]
    )
    return msgspec.defstruct("Document", [("database", database)])


def _version(said: int | str | None) -> int:
    """The database version: text in all files of Spack's (SPACK, 3), a number is as good."""
    text = str(said)
    if _NUMBER.fullmatch(text) is None:
        if said is None:
            raise CacheIndexError("the index names no database version")
        head = _NUMBER.match(text)
        raise wrong_version(shown(text), int(head[0]) if head else 0)
    if int(text) not in VERSIONS:
        raise wrong_version(text, int(text))
    return int(text)


def is_hash(text: str) -> bool:
    """Whether this is a DAG hash."""
    return _HASH.fullmatch(text) is not None


class _Key(str):
    __slots__ = ()


class _Loose(msgspec.Struct):
    installs: dict[_Key, msgspec.Raw]


class _LooseDocument(msgspec.Struct):
    database: _Loose


def _one_by_one(data: bytes | memoryview, reasons: Mapping[bytes, str]) -> Split:
    """Key by key and record by record: those that are none are refused, the others stand."""
    version = _version(msgspec.json.decode(data, type=_HeadDocument).database.version)
    seen: set[str] = set()
    twice: set[str] = set()

    def note(_type: type, key: Any) -> Any:
        (twice if key in seen else seen).add(key)
        if len(seen) > MAX_RECORDS:
            raise _too_many()
        return _Key(key)

    document = msgspec.json.Decoder(_LooseDocument, dec_hook=note).decode(data)
    records: dict[str, Record] = {}
    refused: list[Refused] = []
    for key, raw in document.database.installs.items():
        try:
            records[str(key)] = _record(str(key), raw, reasons, is_twice=key in twice)
        except Wrong as wrong:
            refused.append(Refused(str(key), wrong.below("installs", str(key))))
        except msgspec.ValidationError as error:
            refused.append(Refused(str(key), at_place(error, "installs", str(key))))
    return Split(version, records, tuple(refused))


def _record(key: str, raw: msgspec.Raw, reasons: Mapping[bytes, str], *, is_twice: bool) -> Record:
    if not is_hash(key):
        raise Wrong("the key is not a hash (32 characters of a-z, 2-7)")
    if is_twice:
        raise Wrong("the key is there twice")
    if reasons and (reason := reasons.get(bytes(raw))) is not None:
        raise Wrong(reason)
    return _decode_record(raw)


def _too_many() -> CacheIndexError:
    return CacheIndexError(f"the index has more than {MAX_RECORDS:,} records")
