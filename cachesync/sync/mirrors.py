"""One pass over a source of build caches: its cache indexes are read, and what they say is recorded.

An index says everything of one stack of one tag. Records whose bytes are known are not decoded again.
Additions of all indexes are committed before removals, in chunks; what is committed is true by itself, and
a pass that is cut off is finished by the next one, which finds the rest by comparing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import closing

from .. import diff
from ..buildcache import index
from ..errors import CacheIndexError
from ..ledger.outcomes import SourceRow, StatementRow
from ..ledger.write import Writer
from ..model import SourceState
from ..selection import Selection
from ..sources.base import Failed, Gone, Missing, Unchanged
from ..system.garbage import garbage_collection
from . import telling
from .leaving import dropped, held_because, leaving_specs, said_of_dropped, whole_specs
from .measure import Measure
from .mirrorreads import closed, reads, rows_of
from .mirrorsource import (
    Answer,
    Got,
    ManifestSource,
    MirrorSource,
    Seen,
    Statement,
    is_by_manifests,
)
from .reading_index import Reading
from .reading_manifests import ManifestReading, Placed, is_as_before
from .recorder import Progress
from .result import PassResult

__all__ = ["run_mirror_pass"]


def run_mirror_pass(
    writer: Writer,
    source: MirrorSource | ManifestSource,
    row: SourceRow,
    *,
    selection: Selection,
    guard: diff.Guard,
    allow_mass_removal: bool = False,
    since: int | None = None,
    progress: Progress = lambda _name, _done, _total: None,
    counts: bool = True,
    is_part: bool = False,
) -> PassResult:
    """Bring the ledger up to what the cache indexes of `source` say now, and say what that came to.

    The result counts cache indexes; what is held are specs. See `passes.run_pass` for the rest, and
    `passes.run_part` for what `is_part`, which reads spec manifests.
    """
    with garbage_collection(wanted=False):
        return _Pass(
            writer,
            source,
            row,
            selection,
            guard,
            allow_mass_removal,
            since,
            progress,
            counts,
            is_part,
        ).run()


class _Pass:
    """One pass."""

    def __init__(
        self,
        writer: Writer,
        source: MirrorSource | ManifestSource,
        row: SourceRow,
        selection: Selection,
        guard: diff.Guard,
        allow_mass_removal: bool,  # noqa: FBT001
        since: int | None,
        progress: Progress,
        counts: bool,  # noqa: FBT001
        is_part: bool,  # noqa: FBT001
    ) -> None:
        self._writer = writer
        self._source = source
        self._row = row
        self._selection = selection
        self._guard = guard
        self._allow = allow_mass_removal
        self._measure = Measure(writer, row, guard, since)
        self._is_waiting = False
        self._progress = progress
        self._counts = counts
        self._is_part = is_part
        self._again = row.selection is not None and row.selection != selection
        self._failures: dict[str, str] = {}
        self._emptied: list[StatementRow] = []
        self._unread = False
        self._settle = source.settle
        self._found = source.discover(writer.memory(row), writer.statements(row), counts=counts)
        self._gone: set[tuple[str, str]] = set()
        self.changed = 0
        self.unchanged = 0

    def run(self) -> PassResult:
        writer, row, source = self._writer, self._row, self._source
        statements = self._found.statements
        every = rows_of(writer, row, statements)
        pairs = zip(statements, every, strict=True)
        if is_by_manifests(source):
            for statement, known in pairs:
                self._progress(row.name, 0, 0)
                self._unread |= not self._look(source, statement, known) and known.is_new
        else:
            self._read(source, pairs)
        if not self._is_part:
            self._note_rejections(every)
        held, gone = self._remove()
        told = source.conclude()
        writer.warn(row, told.place, told.warnings)
        result = PassResult(
            row.name,
            SourceState.OK,
            listed=len(statements),
            changed=self.changed,
            unchanged=self.unchanged,
            rejected=writer.rejected(row),
            held=held,
        )
        if held:
            base = self._measure.base()
            reason = held_because(held, gone=gone, specs=max(base.size, held)) + said_of_dropped(
                self._dropped(), () if self._found.stand_alone else statements
            )
            if not (self._is_part and row.state is SourceState.HELD):
                # A part would take back what a whole pass said of more.
                writer.hold(row, reason, base, told.memory)
            return result._replace(state=SourceState.HELD, error=reason)
        if self._failures or self._found.failure is not None:
            return self._failed(result, told.memory)
        if self._is_part:
            self._measure.drop()
            return result
        is_waiting = self._is_waiting and self._measure.is_kept
        waiting = self._measure.base() if is_waiting else None
        writer.succeed(row, self._selection, told.memory, base=waiting)
        return result

    def _failed(self, result: PassResult, memory: Mapping[str, str] | None) -> PassResult:
        """Record that indexes could not be read, or that it is not known which there are."""
        reason = self._found.failure
        if reason is None:
            reason = next(iter(self._failures.values()))
            if result.listed > 1:
                count = len(self._failures)
                reason = f"{count} of {result.listed} cache indexes could not be read; {reason}"
        if not self._is_part:
            self._writer.fail(self._row, reason, memory)
        if not self._is_waiting:
            self._measure.drop()
        return result._replace(
            state=SourceState.FAILED, error=reason, retry_after=self._source.retry_after_seconds
        )

    def _memory(self, known: StatementRow) -> Mapping[str, str]:
        return {} if self._again else known.memory

    # -- what is there

    def _read(self, source: MirrorSource, pairs: Iterable[tuple[Statement, StatementRow]]) -> None:
        """Read indexes, and bring the ledger up to each."""
        with closing(reads(source, pairs, self._memory)) as some:
            for statement, known, seen in some:
                try:
                    self._progress(self._row.name, 0, 0)
                    self._unread |= not self._record(statement, known, seen) and known.is_new
                finally:
                    closed(seen)

    def _look(self, source: ManifestSource, statement: Statement, known: StatementRow) -> bool:
        """Bring the ledger up to the spec manifests of a mirror; false where these are not known."""
        if self._is_part and known.is_new:  # a baseline is not taken bit by bit
            self._failures[known.path] = "was not read as a whole yet"
            return False
        placed: Placed = self._writer.placed_specs(self._row, known, source.scope)
        packages = {spec_hash: package for spec_hash, (_, package) in placed.items()}
        among = None if source.scope is None else [spec_id for spec_id, _ in placed.values()]
        told = self._writer.signature_ids(known, among)
        unsigned = [one for one, (spec_id, _) in placed.items() if spec_id not in told]
        seen = source.read_manifests(
            statement,
            packages,
            self._memory(known),
            lambda: self._progress(self._row.name, 0, 0),
            unsigned,
        )
        failure = seen.reason if isinstance(seen, Failed) else seen.failure
        if not isinstance(seen, Failed):
            try:
                self._take_manifests(seen, known, placed, source.scope)
            finally:
                closed(seen)
        if failure is not None:
            self._failures[known.path] = telling.failure(statement.url, known.path, failure)
        return failure is None

    def _take_manifests(
        self, seen: Seen, known: StatementRow, placed: Placed, scope: Collection[str] | None
    ) -> None:
        """Record what the manifests of a mirror say."""
        writer, row = self._writer, self._row
        warnings = writer.index_warnings(row, known)
        is_rejected = writer.is_rejected(row, known)
        if not (self._again or is_rejected) and is_as_before(
            seen, known, warnings, is_part=self._is_part
        ):
            self.unchanged += 1
            if not self._is_part:
                writer.unchanged(row, known, seen.memory, counts=self._counts)
            return
        self.changed += 1
        gone = {spec_id for one, (spec_id, _) in placed.items() if one not in seen.standing}
        is_empty = bool(gone) and not (seen.read or seen.standing or self._allow)
        if is_empty and gone == writer.carried_ids(row, known.tag, known.stack):
            self._emptied.append(known)
            return
        if not self._is_part or len(gone) > self._guard.removal_minimum:
            self._measure.keep()
        try:
            split = index.split(seen.data)
        except CacheIndexError as error:
            self._failures[known.path] = telling.failure(known.url, known.path, error.message)
            return
        reading = ManifestReading(
            writer, row, known, split, {spec_id for spec_id, _ in placed.values()}, self._selection,
            self._progress, again=self._again, base=self._measure.base().size,
        )  # fmt: skip
        reading.record_manifests(seen, placed, warnings, scope=scope)

    def _record(self, statement: Statement, known: StatementRow, seen: Answer) -> bool:
        """Bring the ledger up to one index; false where what it says now is not known."""
        if isinstance(seen, Unchanged):
            self.unchanged += 1
            self._writer.unchanged(self._row, known, seen.memory, counts=self._counts)
            return not self._writer.is_rejected(self._row, known)
        if isinstance(seen, Missing | Gone):  # no list names it, and it answers no more
            self.unchanged += 1
            if isinstance(seen, Gone):
                self._gone.add((known.tag, known.stack))
            return True
        if isinstance(seen, Failed):
            if seen.is_passing:
                self._failures[known.path] = telling.failure(statement.url, known.path, seen.reason)
            else:
                reason = telling.rejection(statement.url, known.path, seen.reason)
                self._writer.reject_index(self._row, known, reason, seen.memory)
            return False
        self._take(seen, known)
        return not self._writer.is_rejected(self._row, known)

    def _note_rejections(self, every: Iterable[StatementRow]) -> None:
        """Note what is not accepted, also since a pass before: a source has failed that does not say it."""
        rejected = self._writer.rejections(self._row)
        for known in every:
            if known.path in rejected:
                reason = telling.failure(known.url, known.path, rejected[known.path])
                self._failures.setdefault(known.path, reason)

    def _take(self, got: Got, known: StatementRow) -> None:
        """Record an index that is there."""
        is_as_before = got.checksum == known.checksum and not known.is_new and not self._again
        if is_as_before and not self._writer.is_rejected(self._row, known):
            self.unchanged += 1
            self._writer.unchanged(self._row, known, got.memory, counts=self._counts)
            return
        self.changed += 1
        try:
            split = index.split(got.data)
        except CacheIndexError as error:
            self._writer.reject_index(self._row, known, error.message, got.memory)
            return
        carried = self._writer.carried_ids(self._row, known.tag, known.stack)
        if not split.records and not split.refused:
            if carried and not self._allow:
                self._emptied.append(known)
                return
            if carried:  # it is accepted, once: not held again when it has settled
                self._settle = 1
        self._measure.keep()
        Reading(self._writer, self._row, known, split, carried, self._selection, self._progress,
                 again=self._again, base=self._measure.base().size).record(got)  # fmt: skip

    # -- what is not

    def _remove(self) -> tuple[int, int]:
        """Remove what left, and return 0; or how many specs the guard holds, and how many went before."""
        writer, row = self._writer, self._row
        dropped = [] if self._is_part else self._dropped()
        had_pages = not self._is_part and writer.has_pages(row)
        if self._unread or self._found.failure is not None:
            # What comes in the place of something is not all there yet.
            self._is_waiting = had_pages or bool(dropped)
            had_pages = False
            if not self._found.stand_alone:
                dropped = []
        due = writer.due(row, self._settle)
        due += [one for known in dropped for one in writer.carried(row, known)]
        due += writer.unstated(row) if had_pages else ()
        emptied = {one for known in self._emptied for one in writer.carried(row, known)}
        leaving = leaving_specs(writer, row, sorted({*due, *emptied}))
        due = sorted(set(due) - emptied)
        is_held, gone = self._measure.judge(len(leaving), self._settle) if leaving else (False, 0)
        held = len(leaving) if (is_held or emptied) and not self._allow else 0
        if held:
            due = [one for one in due if (one.page_id, one.spec_id) not in leaving]
        for chunk in whole_specs(due):
            writer.evict_specs(row, chunk)
        if not held:
            for known in dropped:
                writer.drop_statement(row, known)
            if had_pages:
                writer.drop_pages(row)
        return held or len(emptied), gone  # of an emptied index that others make up for, too

    def _dropped(self) -> list[StatementRow]:
        """The cache indexes that the source has no longer."""
        return dropped(self._found, self._writer.statements(self._row), self._gone)
