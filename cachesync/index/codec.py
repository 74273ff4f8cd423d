"""How the index is written: Whoosh's codec with postings as arrays, and checksums beside it.

`segment` reads it. Traps met in whoosh3 3.54, which is why it is pinned: the writer ignores
`poolclass`; merging hands over stored terms.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3LeafMatcher, W3PostingsWriter
from whoosh.columns import NumericColumn
from whoosh.fields import FieldType
from whoosh.filedb.filestore import FileStorage
from whoosh.formats import Frequency

from .layout import NAME, POSTING_FIELDS, checksum, manifest_name, with_checksum

__all__ = ["NUMBER", "BlockCodec", "Pool", "Storage", "new_schema"]


NUMBER = NumericColumn("I")


class Weights(FieldType):
    """A field of terms with weights, which `_put` puts in; nothing is analysed or stored."""

    indexed = True
    stored = scorable = unique = spelling = sortable = False
    vector = column_type = analyzer = None

    def __init__(self) -> None:
        self.format = Frequency()

    def to_bytes(self, value: bytes) -> bytes:
        """A term that is stored already, as merging hands it over."""
        return value

    def from_bytes(self, value: bytes) -> str:
        """A term as text."""
        return value.decode()


class Number(FieldType):
    """A number a document, in a column that can be read as one array."""

    indexed = stored = scorable = unique = spelling = sortable = False
    vector = analyzer = format = None

    def __init__(self) -> None:
        self.column_type = NUMBER

    def to_column_value(self, value: int) -> int:
        """The number itself."""
        return value


class BlockMatcher(W3LeafMatcher):
    """Whoosh's posting reader for such postings: merging reads them."""

    _ids: array[int]
    _weights: array[float]

    def _read_ids(self) -> None:
        if self._data is None:
            self._read_data()
        self._ids = array("I", self._data[0])

    def _read_weights(self) -> None:
        if self._data is None:
            self._read_data()
        self._weights = array("f", self._data[1] or _ONE * self._blocklength)

    def _read_values(self) -> None:
        self._values = (b"",) * self._blocklength


class _PostingsWriter(W3PostingsWriter):
    """Writes a term's postings as arrays; weights that are all one as nothing."""

    _ids: array[int]
    _weights: array[float]

    def add_all(self, ids: array[int], weights: array[float]) -> None:
        """Take every posting of the term that was started."""
        for start in range(0, len(ids), self._blocklimit):
            if self._ids:
                self._write_block()
            self._ids = ids[start : start + self._blocklimit]
            self._weights = weights[start : start + self._blocklimit]
            self._maxweight = max(self._weights)

    def _mini_ids(self) -> bytes:
        return bytes(self._ids)

    def _mini_weights(self) -> bytes:
        return b"" if self._weights.count(1.0) == len(self._weights) else bytes(self._weights)


_ONE = bytes(array("f", [1.0]))
_Terms = dict[str, tuple["array[int]", "array[float]"]]


class Pool:
    """Collects postings by field and term, where Whoosh would sort them one by one."""

    def __init__(self) -> None:
        self._fields: dict[str, _Terms] = {}

    def put(self, field: str, document: int, weights: Mapping[str, int]) -> None:
        """Take the postings of one field of a document: term -> weight."""
        terms = self._fields.setdefault(field, {})
        for term, weight in weights.items():
            postings = terms.get(term)
            if postings is None:
                postings = terms[term] = (array("I"), array("f"))
            postings[0].append(document)
            postings[1].append(weight)

    def add(self, item: tuple[str, bytes, int, float, bytes]) -> None:
        """Take one posting as Whoosh hands it over when it merges segments."""
        field, term, document, weight, _ = item
        self.put(field, document, {term.decode(): weight})  # type: ignore[dict-item]

    def iter_postings(self) -> Iterator[tuple[str, _Terms]]:
        """What was collected, by field in order, for `_FieldWriter`."""
        return iter(sorted(self._fields.items()))

    def cleanup(self) -> None:
        """Forget everything."""
        self._fields = {}

    cancel = cleanup


class _FieldWriter(W3FieldWriter):
    """Writes what `Pool` collected, a term at a time."""

    def add_postings(self, schema: Any, lengths: Any, items: Iterator[tuple[str, _Terms]]) -> None:
        """See Whoosh's FieldWriter; `items` are a pool's."""
        for field, terms in items:
            self.start_field(field, schema[field])
            for term in sorted(
                terms
            ):  # in the order of their bytes: UTF-8 keeps that of code points
                self.start_term(term.encode())
                self._postwriter.add_all(*terms[term])
                self.finish_term()
            self.finish_field()


class BlockCodec(W3Codec):
    """Whoosh's codec with postings as arrays, written and read a block at a time."""

    def __init__(self) -> None:
        super().__init__(blocklimit=4096, compression=1, inlinelimit=0)

    def field_writer(self, storage: Any, segment: Any) -> _FieldWriter:
        """See W3Codec."""
        return _FieldWriter(self, storage, segment)

    def postings_writer(self, dbfile: Any, *_: Any) -> _PostingsWriter:
        """See W3Codec."""
        return _PostingsWriter(
            dbfile, blocklimit=self._blocklimit, compression=self._compression, inlinelimit=0
        )

    def postings_reader(
        self, dbfile: Any, terminfo: Any, format_: Any, term: Any = None, scorer: Any = None
    ) -> BlockMatcher:
        """See W3Codec; nothing is inlined, so there is one kind of matcher."""
        offset, length = terminfo.extent()
        return BlockMatcher(dbfile, offset, length, format_, term=term, scorer=scorer)


class Storage(FileStorage):
    """A directory that writes the checksums of a generation just before it becomes the current one."""

    def rename_file(self, oldname: str, newname: str, **options: Any) -> None:
        """See FileStorage."""
        if newname.endswith(".toc"):
            folder = Path(self.folder)
            sums = {path.name: checksum(path) for path in folder.glob(f"{NAME}_*.seg")}
            sums[newname] = checksum(folder / oldname)
            lines = "".join(f"{value} {name}\n" for name, value in sorted(sums.items()))
            manifest = Path(self.folder, manifest_name(newname))
            manifest.write_text(with_checksum(lines), encoding="utf-8")
        super().rename_file(oldname, newname, **options)


def new_schema() -> Any:
    """The fields of every document."""
    from whoosh.fields import Schema

    fields: dict[str, FieldType] = {name: Weights() for name in POSTING_FIELDS}
    return Schema(id=Number(), specs=Number(), **fields)
