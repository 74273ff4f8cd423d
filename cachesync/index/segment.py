"""Reading what `codec` wrote, without Whoosh: importing it costs more than a search does.

The format is that of whoosh3 3.54 (`index.TOC`, `filedb.compound`, `filedb.filetables`,
`codec.whoosh3`): a table of contents names the segments; a segment is one file that holds others;
the terms (`.trm`) lie in order with an index of where each begins; a term leads to its postings
(`.pst`), whose blocks are arrays (see `codec`); a column (`.id.col`) is one number a document.
Numbers are big-endian, but for the arrays in blocks. What is not as it should be raises anything.

Pickles are read by a reader that makes values only: nothing in a file can run.
"""

from __future__ import annotations

import io
import mmap
import sys
import zlib
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from struct import Struct
from typing import Any

try:
    # What `pickle` has its own from; that loads half a dozen modules more.
    from _pickle import Unpickler, UnpicklingError
except ImportError:  # a Python that is not CPython
    from pickle import Unpickler, UnpicklingError

from ..errors import IndexUnusableError
from .layout import MISMATCH

__all__ = ["Segment", "segments_of"]

_DIRECTORY = Struct("!qi")
_INT = Struct("!i")
_FIELD = Struct("!H")
_LENGTHS = Struct("!ii")
_TERM = Struct("!BfIBBfIIqi")
_HEADER = b"W3Bl"
_ONE = bytes(array("f", [1.0]))


class _Stored:
    """Stands for an object in a file: its attributes, and none of what it could do."""


def _bytes(text: str, _encoding: str) -> bytes:
    """The bytes of a block, as pickles of the second protocol have them."""
    return text.encode("latin-1")


_CLASSES: dict[tuple[str, str], Any] = {
    ("_codecs", "encode"): _bytes,
    ("__builtin__", "bytes"): bytes,
    ("whoosh.codec.whoosh3", "W3Segment"): _Stored,
    ("cachesync.index.codec", "BlockCodec"): _Stored,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "int"): int,
    ("builtins", "set"): set,
}


class _Unpickler(Unpickler):
    """Makes values only."""

    def find_class(self, module: str, name: str) -> Any:
        """See pickle. Raises UnpicklingError for what the writer does not write."""
        if (module, name) not in _CLASSES:
            raise UnpicklingError(f"{module}.{name} in the search index")
        return _CLASSES[module, name]


def _unpickled(data: bytes) -> tuple[Any, int]:
    """The value that it begins with, and where that ends."""
    stream = io.BytesIO(data)
    return _Unpickler(stream).load(), stream.tell()


def segments_of(toc: bytes) -> list[tuple[str, int, frozenset[int]]]:
    """Of a table of contents: the name of each segment, its documents, and which are removed."""
    stream = io.BytesIO(toc)
    for _ in range(3):  # the sizes of three types of numbers
        _varint(stream)
    stream.seek(2 * _INT.size, io.SEEK_CUR)  # a sign of the byte order; the version of the format
    for _ in range(3):  # the release of Whoosh
        _varint(stream)
    stream.seek(_varint(stream), io.SEEK_CUR)  # the schema: it is known
    stream.seek(2 * _INT.size, io.SEEK_CUR)  # the generation; nothing
    return [
        (f"{found.indexname}_{found.segid}", found._doccount, frozenset(found._deleted or ()))
        for found in _Unpickler(stream).load()
    ]


def _varint(stream: io.BytesIO) -> int:
    """The next number: seven bits a byte, the lowest first."""
    found = shift = 0
    while True:
        (byte,) = stream.read(1)
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found
        shift += 7


class Segment:
    """One segment of the index, in memory as far as it is read."""

    def __init__(
        self, path: Path, *, base: int, size: int, deleted: frozenset[int], checksum: int | None
    ) -> None:
        """Open the file of `size` documents, numbered from `base` on.

        Raises IndexUnusableError where it has another checksum: what was summed is what will be read.
        """
        self._base = base
        self._deleted = deleted
        self._columns: dict[str, array[int]] = {}
        self.size = size
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if zlib.crc32(self._bytes) != checksum:
            self.close()
            raise IndexUnusableError(MISMATCH)
        start, length = _DIRECTORY.unpack_from(self._bytes)
        files, _ = _unpickled(self._bytes[start : start + length])
        self._files = {
            name.partition(".")[2]: (at["offset"], at["length"]) for name, at in files.items()
        }
        self._open_terms()

    def _open_terms(self) -> None:
        """Find the index of where each term begins: behind the table's last pickle."""
        self._terms, length = self._files["trm"]
        end = self._terms + length - _INT.size
        start = end - _INT.unpack_from(self._bytes, end)[0]
        extras, behind = _unpickled(self._bytes[start:end])
        self._fields: dict[str, int] = extras["fieldmap"]
        width = Struct(f"!{extras['indextype']}").size
        self._starts = array(extras["indextype"])
        self._starts.frombytes(
            self._bytes[start + behind : start + behind + width * extras["indexlen"]]
        )
        if sys.byteorder == "little":
            self._starts.byteswap()

    def close(self) -> None:
        """Release the file."""
        self._bytes.close()

    def _key_at(self, number: int) -> bytes:
        start = self._terms + self._starts[number]
        length, _ = _LENGTHS.unpack_from(self._bytes, start)
        start += _LENGTHS.size
        return self._bytes[start : start + length]

    def _first_from(self, key: bytes) -> int:
        """The number of the first term that is not before `key`."""
        low, high = 0, len(self._starts)
        while low < high:
            middle = (low + high) // 2
            if self._key_at(middle) < key:
                low = middle + 1
            else:
                high = middle
        return low

    def _key(self, field: str, term: bytes) -> bytes | None:
        number = self._fields.get(field)
        return None if number is None else _FIELD.pack(number) + term

    def _blocks(self, field: str, term: str) -> Iterator[tuple[array[int], array[float]]]:
        """Document numbers and weights, in the order in which they are stored."""
        key = self._key(field, term.encode())
        if key is None:
            return
        number = self._first_from(key)
        if number == len(self._starts) or self._key_at(number) != key:
            return
        value = self._terms + self._starts[number] + _LENGTHS.size + len(key)
        offset, _ = _TERM.unpack_from(self._bytes, value)[-2:]
        position = self._files["pst"][0] + offset
        if self._bytes[position : position + len(_HEADER)] != _HEADER:
            raise ValueError("no postings where a term has them")
        position += len(_HEADER)
        is_last = False
        while not is_last:
            (length,) = _INT.unpack_from(self._bytes, position)
            is_last = length < 0
            position += _INT.size
            block = self._bytes[position : position + abs(length)]
            position += abs(length)
            (count, _, _, is_compressed, _, _), start = _unpickled(block)
            data = zlib.decompress(block[start:]) if is_compressed else block[start:]
            (ids, weights, _), _ = _unpickled(data)
            yield array("I", ids), array("f", weights or _ONE * count)

    def documents(self, field: str, term: str, *, weight: int | None = None) -> set[int]:
        """The documents a term is in; with `weight` those that have just that."""
        found: set[int] = set()
        for ids, weights in self._blocks(field, term):
            if weight is None or weights.count(weight) == len(weights):
                found.update(ids)
            else:
                found.update(n for n, w in zip(ids, weights, strict=True) if w == weight)
        found -= self._deleted
        return {self._base + document for document in found} if self._base else found

    def weights(self, field: str, term: str) -> dict[int, int]:
        """The documents a term is in, and its weight in each."""
        found: dict[int, int] = {}
        for ids, weights in self._blocks(field, term):
            found.update(zip(ids, map(int, weights), strict=True))
        for document in self._deleted & found.keys():
            del found[document]
        return {self._base + d: w for d, w in found.items()} if self._base else found

    def terms(self, field: str, prefix: str) -> Iterator[str]:
        """The terms of a field that begin so and are in some document, in order."""
        key = self._key(field, prefix.encode())
        if key is None:
            return
        for number in range(self._first_from(key), len(self._starts)):
            found = self._key_at(number)
            if not found.startswith(key):
                return
            text = found[_FIELD.size :].decode()
            if not self._deleted or self.documents(field, text):
                yield text

    def everything(self) -> range:
        """Every document number, those of removed documents too."""
        return range(self._base, self._base + self.size)

    def values(self, column: str, documents: Collection[int]) -> dict[int, int]:
        """The column's values for those of `documents` that are alive in this segment."""
        here = [n for n in documents if self._base <= n < self._base + self.size]
        if not here:
            return {}
        values = self._column(column)
        return {n: values[n - self._base] for n in here if n - self._base not in self._deleted}

    def holding(self, column: str, wanted: Collection[int]) -> dict[int, int]:
        """The documents that are alive and have one of some values in a column, by value."""
        values, deleted, base = self._column(column), self._deleted, self._base
        return {
            value: base + place
            for place, value in enumerate(values)
            if value in wanted and place not in deleted
        }

    def _column(self, name: str) -> array[int]:
        """One number a document; kept. Zeros at the end are not stored."""
        if name not in self._columns:
            start, length = self._files.get(f"{name}.col", (0, 0))
            found = array("I", self._bytes[start : start + length])
            if sys.byteorder == "little":
                found.byteswap()
            found.frombytes(bytes(found.itemsize * (self.size - len(found))))
            self._columns[name] = found
        return self._columns[name]
