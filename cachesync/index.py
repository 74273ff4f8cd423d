"""The search index: the only Whoosh.

One document a build. A posting's weight is the number of the build's specs it stands for, so most
queries are counted without asking the ledger. The index is disposable: it carries the ledger's
identity, its own schema number and its cursor in the Whoosh commit, and a checksum of every file in
a manifest written just before the commit. Whatever is wrong with it raises IndexUnusableError, and
nothing else does: Whoosh has no checksums and raises anything on damaged files.

Traps met in whoosh3 3.54, which is why it is pinned: `Matcher.all_ids` costs a call a posting (the
codec below reads blocks); a killed commit leaves `*.toc.<time>` files that `clean_files` misses;
the writer ignores `poolclass`; `delete_by_term` runs a search (documents are deleted by number); TOC and postings are pickles, so
nothing is opened before its checksum was verified.
"""

from __future__ import annotations

import os
import shutil
import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3LeafMatcher, W3PostingsWriter
from whoosh.columns import NumericColumn
from whoosh.fields import FieldType
from whoosh.filedb.filestore import FileStorage
from whoosh.formats import Frequency
from whoosh.index import TOC
from whoosh.reading import TermNotFound

from . import query, versions
from .errors import IndexUnusableError

if TYPE_CHECKING:
    from .ledger.read import Document

__all__ = ["SCHEMA", "SearchIndex", "discard", "rebuild", "update", "write_segment"]

Mark = Callable[[int], str | None]
"""What tells the change with a seq from any other that had its number; None when there is none."""

SCHEMA = 1
"""Raised when what is indexed changes: an index with another number is rebuilt."""

NAME = "MAIN"
CURRENT = "current"
SOME = 500
"""From this many documents on a column is read as a whole, and kept."""
LONGEST_MISSPELT = 40
"""Characters beyond which no word is taken for a misspelling: the automaton grows with each."""
REBUILD_FRACTION = 0.5
"""From this part of the documents on, building anew is cheaper than replacing them."""

POSTING_FIELDS = (
    "cursor", "any", "package", "name", "version", "version_text", "compiler", "os",
    "platform", "target", "variant", "stack", "tag", "source",
)  # fmt: skip


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
    """Whoosh's posting reader, a block at a time instead of a posting at a time."""

    _ids: array[int]
    _weights: array[float]

    def blocks(self) -> Iterator[tuple[array[int], array[float]]]:
        """Document numbers and weights, in the order in which they are stored."""
        while self.is_active():
            self._read_ids()
            self._read_weights()
            yield self._ids, self._weights
            self._next_block()

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


class _Pool:
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
    """Writes what `_Pool` collected, a term at a time."""

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


class _Storage(FileStorage):
    """A directory that writes the checksums of a generation just before it becomes the current one."""

    def rename_file(self, oldname: str, newname: str, **options: Any) -> None:
        if newname.endswith(".toc"):
            folder = Path(self.folder)
            sums = {path.name: _checksum(path) for path in folder.glob(f"{NAME}_*.seg")}
            sums[newname] = _checksum(folder / oldname)
            lines = "".join(f"{value} {name}\n" for name, value in sorted(sums.items()))
            manifest = Path(self.folder, _manifest_name(newname))
            manifest.write_text(_with_checksum(lines), encoding="utf-8")
        super().rename_file(oldname, newname, **options)


def _manifest_name(toc: str) -> str:
    return f"{toc}-checksums"


def _with_checksum(lines: str) -> str:
    """A manifest's lines, and one with their own checksum."""
    return f"{lines}{zlib.crc32(lines.encode())}\n"


def _checksum(path: Path) -> int:
    return zlib.crc32(path.read_bytes())


def _schema() -> Any:
    from whoosh.fields import Schema

    fields: dict[str, FieldType] = {name: Weights() for name in POSTING_FIELDS}
    return Schema(id=Number(), specs=Number(), **fields)


class SearchIndex:
    """An opened index: postings by field and term, over documents numbered from 0."""

    def __init__(self, root: Path, *, ledger: str, mark: Mark) -> None:
        """Open and verify the index below `root` that belongs to `ledger`, at a change it has."""
        self._segments: list[_Segment] = []
        try:
            self._open(root, ledger, mark)
        except IndexUnusableError:
            self.close()
            raise
        except Exception as error:  # anything at all: see the module's docstring
            self.close()
            raise IndexUnusableError(_why(error)) from error

    def _open(self, root: Path, ledger: str, mark: Mark) -> None:
        try:
            self.folder = (root / CURRENT).resolve(strict=True)
        except OSError:
            raise IndexUnusableError("there is no search index") from None
        storage = _Storage(os.fspath(self.folder), readonly=True)
        self.generation = TOC._latest_generation(storage, NAME)
        if self.generation < 0:
            raise IndexUnusableError("the search index is empty")
        toc_name = TOC._filename(NAME, self.generation)
        sums = _read_manifest(self.folder / _manifest_name(toc_name))
        self._verify(toc_name, sums)
        toc = TOC.read(storage, NAME, gen=self.generation, schema=_schema())
        base = 0
        for segment in toc.segments:
            self._verify(segment.make_filename(".seg"), sums)
            opened = _Segment(storage, segment, base)
            self._segments.append(opened)
            base += opened.size
        self.bytes = sum(path.stat().st_size for path in self.folder.iterdir())
        self._read_cursor(ledger, mark)

    def _verify(self, name: str, sums: dict[str, int]) -> None:
        if sums.get(name) != _checksum(self.folder / name):
            raise IndexUnusableError("the search index is damaged (a checksum does not match)")

    def _read_cursor(self, ledger: str, mark: Mark) -> None:
        cursors = self.terms("cursor", "")
        if len(cursors) != 1:
            raise IndexUnusableError("the search index has no cursor")
        identity, schema, seq, marked = cursors[0].split(" ")
        if identity != ledger:
            raise IndexUnusableError("the search index belongs to another ledger")
        if int(schema) != SCHEMA:
            raise IndexUnusableError("the search index was written by another version of cachesync")
        if mark(int(seq)) != marked:
            # A restored backup writes other changes under numbers the index has seen.
            raise IndexUnusableError("the search index is of another past of the ledger")
        self.seq = int(seq)
        self.cursor = cursors[0]

    @property
    def is_current(self) -> bool:
        """Whether no newer commit or rebuild has replaced what is open."""
        try:
            folder = (self.folder.parent / CURRENT).resolve(strict=True)
            newest = TOC._latest_generation(FileStorage(os.fspath(folder), readonly=True), NAME)
        except OSError:
            return False
        return folder == self.folder and newest == self.generation

    def close(self) -> None:
        """Release the files."""
        for segment in self._segments:
            segment.close()
        self._segments = []

    def weights(self, field: str, term: str) -> dict[int, int]:
        """The documents a term is in, and how many specs of each it stands for."""
        found: dict[int, int] = {}
        for segment in self._segments:
            found.update(segment.weights(field, term))
        return found

    def documents(self, field: str, term: str) -> set[int]:
        """The documents a term is in."""
        found: set[int] = set()
        for segment in self._segments:
            found |= segment.documents(field, term)
        return found

    def terms(self, field: str, prefix: str) -> list[str]:
        """The terms of a field that begin with `prefix` and are in some document."""
        found = {term for segment in self._segments for term in segment.terms(field, prefix)}
        return sorted(found)

    def suggestions(self, word: str, field: str) -> list[str]:
        """Terms of a field within two edits of `word`, the nearest first, at most five.

        This is the automaton of Whoosh's speller. It walks the field's terms as a list (1,476 names:
        2 ms, and 2 to 8 ms for a word): its `terms_within` steps through bytes as if they were text,
        and its `ReaderCorrector` ranks by frequency whatever the distance.
        """
        from whoosh.spelling import ListCorrector

        if not word or len(word) > LONGEST_MISSPELT:
            return []
        found: list[str] = ListCorrector(self.terms(field, "")).suggest(word, limit=5, maxdist=2)
        return found

    def build_ids(self, documents: Collection[int]) -> dict[int, int]:
        """The build of each document."""
        return self._values("id", documents)

    def spec_counts(self, documents: Collection[int]) -> dict[int, int]:
        """How many placed specs the build of each document has."""
        return self._values("specs", documents)

    def _values(self, column: str, documents: Collection[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for segment in self._segments:
            found.update(segment.values(column, documents))
        return found

    def fields(self) -> tuple[str, ...]:
        """The fields that builds are found by."""
        return tuple(name for name in POSTING_FIELDS if name != "cursor")

    def postings_of(self, document: Document) -> dict[str, dict[str, int]]:
        """Field -> term -> weight, as a document is indexed."""
        return _postings(document)

    def builds(self) -> dict[int, int]:
        """Every build that has a document, and the document."""
        return {
            build: document
            for segment in self._segments
            for document, build in segment.values("id", segment.everything()).items()
            if build
        }


class _Segment:
    """One segment of the index, read through the codec."""

    def __init__(self, storage: FileStorage, segment: Any, base: int) -> None:
        codec = segment.codec()
        self._base = base
        self._files = segment.open_compound_file(storage) if segment.is_compound() else storage
        self._terms = codec.terms_reader(self._files, segment)
        self._documents = codec.per_document_reader(self._files, segment)
        self._deleted = set(segment.deleted_docs())
        self._columns: dict[str, array[int]] = {}
        self._schema = _schema()
        self.size = segment.doc_count_all()

    def close(self) -> None:
        self._terms.close()
        self._documents.close()
        self._files.close()

    def _blocks(self, field: str, term: str) -> Iterator[tuple[Iterable[int], Iterable[float]]]:
        try:
            matcher = self._terms.matcher(field, term.encode(), self._schema[field].format)
        except TermNotFound:
            return
        yield from matcher.blocks()

    def documents(self, field: str, term: str) -> set[int]:
        found: set[int] = set()
        for ids, _ in self._blocks(field, term):
            found.update(ids)
        found -= self._deleted
        return {self._base + document for document in found} if self._base else found

    def weights(self, field: str, term: str) -> dict[int, int]:
        found: dict[int, int] = {}
        for ids, weights in self._blocks(field, term):
            found.update(zip(ids, map(int, weights), strict=True))
        for document in self._deleted & found.keys():
            del found[document]
        return {self._base + d: w for d, w in found.items()} if self._base else found

    def terms(self, field: str, prefix: str) -> Iterator[str]:
        start = prefix.encode()
        for name, term in self._terms.terms_from(field, start):
            if name != field or not term.startswith(start):
                return
            text = term.decode()
            if not self._deleted or self.documents(field, text):
                yield text

    def everything(self) -> range:
        """Every document number, those of removed documents too."""
        return range(self._base, self._base + self.size)

    def values(self, column: str, documents: Collection[int]) -> dict[int, int]:
        """The column's values for those of `documents` that are alive in this segment."""
        here = [n for n in documents if self._base <= n < self._base + self.size]
        if len(here) > SOME and column not in self._columns:
            reader = self._reader(column)
            self._columns[column] = array("I", (reader[n] for n in range(self.size)))
        values = self._columns.get(column) or self._reader(column)
        return {n: values[n - self._base] for n in here if n - self._base not in self._deleted}

    def _reader(self, column: str) -> Any:
        if not self._documents.has_column(column):
            return array("I", bytes(4 * self.size))  # a segment of nothing but the cursor
        return self._documents.column_reader(column, self._schema[column].column_type)


def _read_manifest(path: Path) -> dict[str, int]:
    try:
        whole = path.read_bytes().decode("utf-8")
        lines = whole.removesuffix("\n").rpartition("\n")[0]
        if whole != _with_checksum(lines + "\n"):
            raise IndexUnusableError("the search index is damaged (its checksums are)")
        parts = (line.partition(" ") for line in lines.split("\n"))
        return {name: int(value) for value, _, name in parts}
    except (OSError, ValueError) as error:
        raise IndexUnusableError("the search index has no checksums") from error


def _why(error: Exception) -> str:
    return f"the search index cannot be read ({type(error).__name__})"


# -- writing; the caller holds the writer's lock


def update(
    root: Path,
    *,
    ledger: str,
    mark: Mark,
    seq: int,
    touched: set[int],
    documents: Iterable[Document],
) -> bool:
    """Replace the documents of the `touched` builds by `documents` and move the cursor to `seq`.

    Returns false, having changed nothing, when the index has to be rebuilt instead.
    """
    try:
        opened = SearchIndex(root, ledger=ledger, mark=mark)
    except IndexUnusableError:
        return False
    try:
        numbers = opened.builds()
        if len(touched) > REBUILD_FRACTION * max(1, len(numbers)):
            return False
        stale = [numbers[build] for build in touched if build in numbers]
        stale.extend(opened.documents("cursor", opened.cursor))
        folder = opened.folder
    finally:
        opened.close()
    writer = _writer(folder)
    try:
        for document in stale:
            writer.delete_document(document)
        _add(writer, documents)
        _put(writer, 0, 0, {"cursor": {_cursor(ledger, seq, mark): 1}})
        writer.commit()
    except BaseException:
        _cancel(writer)
        raise
    _sweep(folder)
    return True


def rebuild(
    root: Path,
    *,
    ledger: str,
    mark: Mark,
    seq: int,
    documents: Iterable[Document],
    more: Callable[[Path], Callable[[], Any]] | None = None,
) -> None:
    """Build an index beside the current one and swap it in; the old one answers until then.

    `more` is called with the new index's folder before the documents are taken, and what it
    returns is called afterwards: for another segment, which `write_segment` wrote there meanwhile.
    """
    from whoosh.index import FileIndex

    if root.is_symlink() or root.is_file():
        root.unlink()
    root.mkdir(parents=True, exist_ok=True)
    serial = 1 + max((int(p.name) for p in root.iterdir() if p.name.isdecimal()), default=0)
    folder = root / str(serial)
    folder.mkdir()
    FileIndex.create(_Storage(os.fspath(folder)), _schema(), indexname=NAME)
    writer = _writer(folder)
    try:
        other = more(folder) if more is not None else None
        _add(writer, documents)
        _put(writer, 0, 0, {"cursor": {_cursor(ledger, seq, mark): 1}})
        if other is not None:
            writer.segments.append(other())
        writer.commit(merge=False)
    except BaseException:
        _cancel(writer)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _swap(root, folder)


def write_segment(folder: Path, documents: Iterable[Document]) -> Any:
    """Write documents as a segment of their own, for a `rebuild` in another process to include."""
    from whoosh.index import FileIndex
    from whoosh.writing import SegmentWriter

    index = FileIndex(_Storage(os.fspath(folder)), schema=_schema(), indexname=NAME)
    writer = SegmentWriter(index, codec=BlockCodec(), _lk=False)  # the other process has the lock
    writer.pool = _Pool()
    _add(writer, documents)
    return writer._finalize_segment()


def _swap(root: Path, folder: Path) -> None:
    link = root / f"{CURRENT}.new"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    target = root / CURRENT
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    link.replace(target)
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name != folder.name:
            shutil.rmtree(path, ignore_errors=True)


def discard(root: Path) -> None:
    """Remove the index altogether."""
    shutil.rmtree(root, ignore_errors=True)


def _writer(folder: Path) -> Any:
    from whoosh.index import FileIndex

    index = FileIndex(_Storage(os.fspath(folder)), schema=_schema(), indexname=NAME)
    writer = index.writer(codec=BlockCodec())
    writer.pool = _Pool()
    return writer


def _put(writer: Any, build_id: int, specs: int, postings: Mapping[str, Mapping[str, int]]) -> None:
    """Add a document as it is. Whoosh's own `add_document` takes twice the time to analyse nothing."""
    number, columns = writer.docnum, writer.perdocwriter
    columns.start_doc(number)
    columns.add_column_value("id", NUMBER, build_id)
    columns.add_column_value("specs", NUMBER, specs)
    columns.finish_doc()
    for field, weights in postings.items():
        writer.pool.put(field, number, weights)
    writer.docnum = number + 1
    writer._added = True


def _cancel(writer: Any) -> None:
    try:
        writer.cancel()
    except Exception:  # noqa: S110 - the error that led here is the one to report
        pass


def _sweep(folder: Path) -> None:
    """Remove what killed commits left behind and what only older generations needed."""
    storage = FileStorage(os.fspath(folder), readonly=True)
    newest = TOC._filename(NAME, TOC._latest_generation(storage, NAME))
    for path in folder.iterdir():
        if ".toc" in path.name and path.name not in (newest, _manifest_name(newest)):
            path.unlink(missing_ok=True)


def _cursor(ledger: str, seq: int, mark: Mark) -> str:
    return f"{ledger} {SCHEMA} {seq} {mark(seq)}"


def _add(writer: Any, documents: Iterable[Document]) -> None:
    for document in documents:
        _put(writer, document.build_id, document.specs, _postings(document))


def _postings(document: Document) -> dict[str, dict[str, int]]:
    build = document.build
    one = dict.fromkeys
    return {
        "any": {"": document.specs},
        "package": {build.package.lower(): 1},
        "name": one(query.name_runs(build.package), 1),
        "version": one(versions.ranges_of(build.version.lower()), 1),
        "version_text": {build.version.lower(): 1},
        "compiler": one(query.compiler_values(build.compiler), 1),
        "os": {build.os.lower(): 1},
        "platform": {build.platform.lower(): 1},
        "target": {build.target.lower(): 1},
        "variant": one(query.field_values(build, "variant"), 1),
        "tag": document.tags,
        "stack": document.stacks,
        "source": document.sources,
    }
