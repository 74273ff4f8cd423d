"""Reading the search index: postings by field and term, over documents numbered from 0.

Whatever is wrong with an index raises IndexUnusableError, and nothing else does: Whoosh has no
checksums and raises anything on damaged files. TOC and postings are pickles, so nothing is opened
before its checksum was verified.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC
from whoosh.reading import TermNotFound

from ..errors import IndexUnusableError
from .codec import (
    CURRENT,
    NAME,
    POSTING_FIELDS,
    SCHEMA,
    Storage,
    checksum,
    manifest_name,
    new_schema,
    read_manifest,
)
from .documents import CASED, SO, cased, postings

if TYPE_CHECKING:
    from ..ledger.documents import Document

__all__ = ["Mark", "SearchIndex"]

Mark = Callable[[int], str | None]
"""What tells the change with a seq from any other that had its number; None when there is none."""

SOME = 500
"""From this many documents on a column is read as a whole, and kept."""
LONGEST_MISSPELT = 40
"""Characters beyond which no word is taken for a misspelling: the automaton grows with each."""


class SearchIndex:
    """An opened index: postings by field and term, over documents numbered from 0."""

    def __init__(self, root: Path, *, ledger: str, mark: Mark) -> None:
        """Open and verify the index below `root` that belongs to `ledger`, at a change it has."""
        self._segments: list[_Segment] = []
        self._builds: dict[int, int] = {}
        self._planes: dict[str, dict[str, tuple[int, ...]]] = {}
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
        storage = Storage(os.fspath(self.folder), readonly=True)
        self.generation = TOC._latest_generation(storage, NAME)
        if self.generation < 0:
            raise IndexUnusableError("the search index is empty")
        toc_name = TOC._filename(NAME, self.generation)
        sums = read_manifest(self.folder / manifest_name(toc_name))
        self._verify(toc_name, sums)
        toc = TOC.read(storage, NAME, gen=self.generation, schema=new_schema())
        base = 0
        for segment in toc.segments:
            self._verify(segment.make_filename(".seg"), sums)
            opened = _Segment(storage, segment, base)
            self._segments.append(opened)
            base += opened.size
        self.bytes = sum(path.stat().st_size for path in self.folder.iterdir())
        self._read_cursor(ledger, mark)

    def _verify(self, name: str, sums: dict[str, int]) -> None:
        if sums.get(name) != checksum(self.folder / name):
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

    def terms(self, field: str, prefix: str, most: int | None = None) -> list[str]:
        """The terms of a field that begin with `prefix` and are in some document.

        Where they are `most` or more, `most` of them or more may be all that is returned.
        """
        found: set[str] = set()
        for segment in self._segments:
            found.update(islice(segment.terms(field, prefix), most))
        return sorted(found)

    def planes(self, field: str) -> dict[str, tuple[int, ...]]:
        """Of each term: its documents as the bits of an integer, then those by the bits of the weights.

        Made once and kept: the index that is open does not change.
        """
        if field not in self._planes:
            from .planes import planes_of  # few searches count facets

            weights = ((term, self.weights(field, term)) for term in self.terms(field, ""))
            self._planes[field] = {term: planes_of(found) for term, found in weights}
        return self._planes[field]

    def spelled(self, field: str, value: str) -> set[int]:
        """The documents with a value, capitals heeded."""
        if value != value.lower():
            return self.documents(CASED, cased(field, value))
        found: set[int] = set()
        for segment in self._segments:
            found |= segment.documents(field, value, weight=SO)
        return found

    def spellings(self, field: str, beginning: str) -> list[str]:
        """Values of a field that begin so, capitals heeded; there may be some that no document has."""
        start = len(field) + 1
        found = [term[start:] for term in self.terms(CASED, cased(field, beginning))]
        return found + (self.terms(field, beginning) if beginning == beginning.lower() else [])

    def suggestions(self, word: str, field: str, *, spelled: bool = False) -> list[str]:
        """Terms of a field within two edits of `word`, the nearest first, at most five.

        With `spelled` they are values as they are spelled; there may be some that no document has.

        This is the automaton of Whoosh's speller. It walks the field's terms as a list (1,476 names:
        2 ms, and 2 to 8 ms for a word): its `terms_within` steps through bytes as if they were text,
        and its `ReaderCorrector` ranks by frequency whatever the distance.
        """
        from whoosh.spelling import ListCorrector

        if not word or len(word) > LONGEST_MISSPELT:
            return []
        known = sorted(set(self.spellings(field, ""))) if spelled else self.terms(field, "")
        found: list[str] = ListCorrector(known).suggest(word, limit=5, maxdist=2)
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
        return postings(document)

    def builds(self) -> dict[int, int]:
        """Every build that has a document, and the document; made once and kept."""
        self._builds = self._builds or {
            build: document
            for segment in self._segments
            for document, build in segment.values("id", segment.everything()).items()
            if build
        }
        return self._builds


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
        self._schema = new_schema()
        self.size = segment.doc_count_all()

    def close(self) -> None:
        self._terms.close()
        self._documents.close()
        self._files.close()

    def _blocks(self, field: str, term: str) -> Iterator[tuple[array[int], array[float]]]:
        try:
            matcher = self._terms.matcher(field, term.encode(), self._schema[field].format)
        except TermNotFound:
            return
        yield from matcher.blocks()

    def documents(self, field: str, term: str, *, weight: int | None = None) -> set[int]:
        found: set[int] = set()
        for ids, weights in self._blocks(field, term):
            if weight is None or weights.count(weight) == len(weights):
                found.update(ids)
            else:
                found.update(n for n, w in zip(ids, weights, strict=True) if w == weight)
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


def _why(error: Exception) -> str:
    return f"the search index cannot be read ({type(error).__name__})"
