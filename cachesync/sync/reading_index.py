"""Reading one cache index: what it says that the ledger does not have is decoded, and recorded in chunks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..buildcache import index
from ..buildcache.nodes import nodes
from ..ledger.outcomes import SourceRow, StatementRow
from ..ledger.signatures import NOTHING_SIGNED
from ..ledger.write import Writer
from ..model import Doubt, Node
from ..selection import Selection
from .mirrorsource import Got
from .order import dependencies_first
from .recorder import Progress, chunks

__all__ = ["CHUNK_SPECS", "HASH", "Reading", "not_too_many"]

CHUNK_SPECS = 15_000
MOST_WARNINGS = 100
"""Of one index."""
HASH = re.compile(r"\b[a-z2-7]{32}\b")


class Reading:
    """Recording one index."""

    def __init__(
        self,
        writer: Writer,
        row: SourceRow,
        known: StatementRow,
        split: index.Split,
        carried: set[int],
        selection: Selection,
        progress: Progress,
        *,
        again: bool,
        base: int,
    ) -> None:
        """`base` is how many specs the source had when the pass began."""
        self._writer = writer
        self._row = row
        self._known = known
        self._split = split
        self._records = split.records
        self._refused = list(split.refused)
        self._total = len(split.records) + len(split.refused)
        self._carried = carried
        self._told: dict[str, tuple[int, bytes | None]] = {}
        self._is_first = not writer.is_stated(row, known.tag)
        self._selection = None if selection == Selection() else selection
        self._progress = progress
        self._is_baseline = known.is_new or again
        self._base = base
        self._signed = NOTHING_SIGNED
        self._warnings: list[str] = []

    def record(self, got: Got) -> None:
        """Commit everything that the index says, unless most of it is refused: then nothing.

        So nothing is committed before half of it is known to be good; what the ledger has already is.
        """
        writer, known = self._writer, self._known
        unknown = self._unknown()
        refused = {one.hash for one in self._refused}
        done, good = 0, len(self._records) - len(unknown)
        waiting: list[list[Node]] = []
        for chunk in self._chunks(unknown):
            waiting.append(chunk)
            good += len(chunk)
            if 2 * good < self._total:
                continue
            for ready in waiting:
                self._commit(ready, self._wanted(ready))
                done += len(ready)
                self._progress(self._row.name, done, len(unknown))
            waiting.clear()
        decoded = set(unknown)
        refused.update(one.hash for one in self._refused)
        if (reason := self._garbage()) is not None:
            # What is not in it says nothing of what left: that it once was there is all one knows.
            writer.reject_index(self._row, known, reason, got.memory)
            return
        told, carried = self._told, self._carried
        cached = [
            spec_hash
            for spec_hash, record in self._records.items()
            if record.cached and spec_hash not in decoded and told[spec_hash][0] not in carried
        ]
        if self._selection is not None:
            packages = writer.packages_of(cached)
            cached = [one for one in cached if self._is_wanted(packages[one])]
        for some in chunks(sorted(cached), CHUNK_SPECS):
            self._commit((), some)
        self._conclude(got, refused)

    def _conclude(self, got: Got, refused: set[str]) -> None:
        self._writer.conclude(
            self._row, self._known, checksum=got.checksum, memory=got.memory,
            absent=self._absent(refused), warnings=self._all_warnings(), base=self._base,
        )  # fmt: skip

    def _wanted(self, ready: Sequence[Node]) -> list[str]:
        """The hashes of those that are cached and wanted; a wrong record is of the package that is known."""
        if self._selection is None:
            return [node.hash for node in ready if node.cached]
        wrong = [node.hash for node in ready if node.doubt is Doubt.WRONG]
        known = self._writer.packages_of(wrong) if wrong else {}
        return [
            node.hash
            for node in ready
            if node.cached and self._is_wanted(known.get(node.hash, node.build.package))
        ]

    def _is_wanted(self, package: str) -> bool:
        return self._selection is None or self._selection.admits(self._known.tag, package)

    def _commit(self, some: Sequence[Node], cached: Sequence[str]) -> None:
        known = self._known
        stated = {} if self._is_first else self._writer.stated(self._row, known.tag, cached)
        if stated:
            cached = [
                one for one in cached if one not in stated or known.stack not in stated[one].stacks
            ]
        if some or cached:
            self._warnings += self._writer.record_index(
                self._row, known, some, cached, stated, baseline=self._is_baseline,
                signed=self._signed,
            )  # fmt: skip

    def _unknown(self) -> list[str]:
        """The hashes of records that say something the ledger does not have.

        With those that were warned of: whether there is still a reason to is seen by reading them again.
        """
        self._told = self._writer.told(self._records.keys())
        if not self._told:
            return list(self._records)
        known_as, checksum = self._told.get, index.checksum
        warnings = self._writer.index_warnings(self._row, self._known)
        warned = {found[0] for found in map(HASH.search, warnings) if found is not None}
        unknown = [
            spec_hash
            for spec_hash, record in self._records.items()
            if (told := known_as(spec_hash)) is None
            or told[1] != checksum(record)
            or spec_hash in warned
        ]
        forms = self._writer.forms() if any(map(self._told.__contains__, unknown)) else set()
        if not forms:
            return unknown
        return [
            one
            for one in unknown
            if one in warned or (one, checksum(self._records[one])) not in forms
        ]

    def _chunks(self, unknown: Sequence[str]) -> Iterator[list[Node]]:
        found = dependencies_first(
            nodes(self._split, unknown, self._writer.compiler, self._doubt), unknown
        )
        chunk: list[Node] = []
        for one in found:
            if isinstance(one, index.Refused):
                self._refused.append(one)
                continue
            chunk.append(one)
            if len(chunk) == CHUNK_SPECS:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _garbage(self) -> str | None:
        """Why the whole index is not believed: more than half of it is refused; None where it is."""
        if 2 * len(self._refused) <= self._total:
            return None
        return f"{len(self._refused):,} of {self._total:,} records are refused; {self._refused[0].reason}"

    def _doubt(self, _hash: str, reason: str) -> None:
        self._warnings.append(reason)

    def _absent(self, refused: set[str]) -> list[int]:
        """The ids of what the index has placed and has not any more.

        None where a record is refused whose key is no hash: it may be any of them.
        """
        if not all(map(HASH.fullmatch, refused)):
            return []
        told = self._told
        there = {
            told[spec_hash][0]
            for spec_hash, record in self._records.items()
            if record.cached and spec_hash in told
        }
        there.update(told[one][0] for one in refused if one in told)
        return sorted(self._carried - there)

    def _all_warnings(self) -> list[str]:
        """What there is to warn of in the whole index."""
        refused = (f"refused: {one.reason}" for one in self._refused)
        return not_too_many(dict.fromkeys([*self._warnings, *refused]))


def not_too_many(warnings: Iterable[str]) -> list[str]:
    """At most MOST_WARNINGS, and how many more there are."""
    found = list(warnings)
    if len(found) > MOST_WARNINGS:
        more = len(found) - MOST_WARNINGS
        found = [*found[:MOST_WARNINGS], f"and {more:,} more"]
    return found
