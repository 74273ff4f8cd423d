"""What the ledger knows of builds and hashes, for searches of one connection (see `candidates`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from .. import query
from ..ledger import connect, read
from ..model import Build

if TYPE_CHECKING:
    from ..index.reader import SearchIndex
    from .dags import Found

__all__ = ["KnownBuilds", "LedgerRecords"]

FEW = 2_000
"""Builds up to which they are looked up one by one; beyond, all are, and kept."""


class KnownBuilds:
    """The attributes of builds. Builds never change; there are only more."""

    def __init__(self, db: connect.Connection) -> None:
        self._db = db
        self._all: dict[int, read.Attributes] = {}

    def of(self, build_ids: Collection[int]) -> Mapping[int, read.Attributes]:
        """The attributes of some builds, perhaps of others too."""
        if len(build_ids) < FEW and not self._all:
            return read.attributes_of(self._db, build_ids)
        if not all(build_id in self._all for build_id in build_ids):
            self._all.update(read.attributes_of(self._db, None))
        return self._all


class LedgerRecords:
    """Answers for the documents of one index."""

    def __init__(self, db: connect.Connection, index: SearchIndex, known: KnownBuilds) -> None:
        self._db = db
        self._index = index
        self._known = known
        self._versions: dict[str, set[int]] = {}
        self._described: dict[int, Build] = {}

    def with_hash(self, beginning: str) -> dict[int, int]:
        """See `candidates.Records`."""
        found = read.builds_with_hash(self._db, beginning)
        known = self._index.builds() if found else {}
        return {known[build]: count for build, count in found.items() if build in known}

    def with_version(self, wanted: str, within: set[int] | None) -> set[int]:
        """See `candidates.Records`."""
        from ..spack import ranges  # few searches need it, and every one would load it

        if within is None or len(within) > FEW:
            known = self._all_by_version()
            found = set().union(*(d for v, d in known.items() if ranges.contains(wanted, v)))
            return found if within is None else found & within
        by_version = self._by_version(within)
        return set().union(*(d for v, d in by_version.items() if ranges.contains(wanted, v)))

    def met(self, verdicts: query.Verdicts) -> dict[int, int]:
        """See `candidates.Records`."""
        return self._of_documents(_made(verdicts).met())

    def known(self, verdicts: query.Verdicts) -> dict[int, int] | None:
        """See `candidates.Records`."""
        found = _made(verdicts)
        if not found.undecided and not read.has_pages(self._db):
            return None
        return self._of_documents(found.known())

    def _of_documents(self, counts: Mapping[int, int]) -> dict[int, int]:
        documents = self._index.documents_of(counts.keys())
        return {document: counts[build] for build, document in documents.items()}

    def satisfying(self, term: query.Term, within: set[int]) -> set[int]:
        """See `candidates.Records`."""
        ids = self._index.build_ids(within)
        if not self._described.keys() >= set(ids.values()):
            self._described.update(read.builds(self._db, ids.values()))
        return {
            document
            for document, build_id in ids.items()
            if query.matches_build(term, self._described[build_id])
        }

    def _all_by_version(self) -> dict[str, set[int]]:
        if not self._versions:
            self._versions = self._by_version(self._index.documents("any", ""))
        return self._versions

    def _by_version(self, documents: set[int]) -> dict[str, set[int]]:
        builds = self._index.build_ids(documents)
        attributes = self._known.of(builds.values())
        found: dict[str, set[int]] = {}
        for document, build in builds.items():
            found.setdefault(attributes[build][1], set()).add(document)
        return found


def _made(verdicts: query.Verdicts) -> Found:
    """What `dags` makes, as what it is."""
    from .dags import Found

    assert isinstance(verdicts, Found), "nobody else makes any"
    return verdicts
