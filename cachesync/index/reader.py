"""Reading the search index: postings by field and term, over documents numbered from 0.

Whatever is wrong with an index raises IndexUnusableError, and nothing else does: what is damaged may
raise anything, so nothing is read before its checksum was verified.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import IndexUnusableError
from .documents import CASED, SO, cased, postings
from .layout import (
    CURRENT,
    MISMATCH,
    POSTING_FIELDS,
    SCHEMA,
    latest_generation,
    manifest_name,
    read_manifest,
    toc_name,
)
from .segment import Segment, segments_of

if TYPE_CHECKING:
    from ..ledger.documents import Document

__all__ = ["Mark", "SearchIndex"]

Mark = Callable[[int], str | None]
"""What tells the change with a seq from any other that had its number; None when there is none."""

LONGEST_MISSPELT = 40
"""Characters beyond which no word is taken for a misspelling: the automaton grows with each."""


class SearchIndex:
    """An opened index: postings by field and term, over documents numbered from 0."""

    def __init__(self, root: Path, *, ledger: str, mark: Mark) -> None:
        """Open and verify the index below `root` that belongs to `ledger`, at a change it has."""
        self._segments: list[Segment] = []
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
        except FileNotFoundError:
            raise IndexUnusableError("there is no search index") from None
        self.generation = latest_generation(self.folder)
        if self.generation < 0:
            raise IndexUnusableError("the search index is empty")
        name = toc_name(self.generation)
        sums = read_manifest(self.folder / manifest_name(name))
        toc = (self.folder / name).read_bytes()
        if sums.get(name) != zlib.crc32(toc):
            raise IndexUnusableError(MISMATCH)
        base = 0
        for stem, size, deleted in segments_of(toc):
            name = f"{stem}.seg"
            opened = Segment(
                self.folder / name, base=base, size=size, deleted=deleted, checksum=sums.get(name)
            )
            self._segments.append(opened)
            base += size
        self.bytes = sum(entry.stat().st_size for entry in os.scandir(self.folder))
        self._read_cursor(ledger, mark)

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
            newest = latest_generation(folder)
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

    def documents_of(self, builds: Collection[int]) -> dict[int, int]:
        """The documents of some builds, by build; of those that have one."""
        if self._builds:
            known = self._builds
            return {build: known[build] for build in builds if build in known}
        found: dict[int, int] = {}
        for segment in self._segments:
            found.update(segment.holding("id", builds))
        return found

    def builds(self) -> dict[int, int]:
        """Every build that has a document, and the document; made once and kept."""
        self._builds = self._builds or {
            build: document
            for segment in self._segments
            for document, build in segment.values("id", segment.everything()).items()
            if build
        }
        return self._builds


def _why(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else None
    return f"the search index cannot be read ({said or type(error).__name__})"
