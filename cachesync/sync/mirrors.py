"""One pass over a source of build caches: its cache indexes are read, and what they say is recorded.

An index says everything of one stack of one tag. Records whose bytes are known are not decoded again.
Additions of all indexes are committed before removals, in chunks; what is committed is true by itself, and
a pass that is cut off is finished by the next one, which finds the rest by comparing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing

from .. import diff, net
from ..buildcache import index
from ..errors import CacheIndexError
from ..ledger.leaving import Due
from ..ledger.outcomes import Base, SourceRow, StatementRow
from ..ledger.write import Writer
from ..model import SourceState
from ..selection import Selection
from ..sources.base import Failed, Gone, Missing, Unchanged
from ..system.garbage import garbage_collection
from . import telling
from .mirrorreads import closed, reads
from .mirrorsource import Got, MirrorSource, Seen, Statement
from .reading_index import CHUNK_SPECS, Reading
from .recorder import Progress
from .result import PassResult

__all__ = ["run_mirror_pass"]


def run_mirror_pass(
    writer: Writer,
    source: MirrorSource,
    row: SourceRow,
    *,
    selection: Selection,
    guard: diff.Guard,
    allow_mass_removal: bool = False,
    since: int | None = None,
    progress: Progress = lambda _name, _done, _total: None,
    counts: bool = True,
) -> PassResult:
    """Bring the ledger up to what the cache indexes of `source` say now, and say what that came to.

    The result counts cache indexes; what is held are specs. See `passes.run_pass` for the rest.
    """
    with garbage_collection(wanted=False):
        return _Pass(
            writer, source, row, selection, guard, allow_mass_removal, since, progress, counts
        ).run()


class _Pass:
    """One pass."""

    def __init__(
        self,
        writer: Writer,
        source: MirrorSource,
        row: SourceRow,
        selection: Selection,
        guard: diff.Guard,
        allow_mass_removal: bool,  # noqa: FBT001
        since: int | None,
        progress: Progress,
        counts: bool,  # noqa: FBT001
    ) -> None:
        self._writer = writer
        self._source = source
        self._row = row
        self._selection = selection
        self._guard = guard
        self._allow = allow_mass_removal
        self._since = since
        self._known_base = writer.base(row)
        self._begun_with: Base | None = None
        self._is_kept = self._known_base is not None
        self._is_waiting = False
        self._progress = progress
        self._counts = counts
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
        every = self._known(statements)
        some = reads(source, zip(statements, every, strict=True), self._memory)
        with closing(some):
            for statement, known, seen in some:
                try:
                    self._progress(row.name, 0, 0)
                    self._unread |= not self._record(statement, known, seen) and known.is_new
                finally:
                    closed(seen)
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
            base = self._base()
            reason = _held(held, gone=gone, specs=max(base.size, held)) + self._said_of_dropped()
            writer.hold(row, reason, base, told.memory)
            return result._replace(state=SourceState.HELD, error=reason)
        if self._failures or self._found.failure is not None:
            return self._failed(result, told.memory)
        is_waiting = self._is_waiting and self._is_kept
        writer.succeed(row, self._selection, told.memory, base=self._base() if is_waiting else None)
        return result

    def _failed(self, result: PassResult, memory: Mapping[str, str] | None) -> PassResult:
        """Record that indexes could not be read, or that it is not known which there are."""
        reason = self._found.failure
        if reason is None:
            reason = next(iter(self._failures.values()))
            if result.listed > 1:
                count = len(self._failures)
                reason = f"{count} of {result.listed} cache indexes could not be read; {reason}"
        self._writer.fail(self._row, reason, memory)
        if self._is_kept and self._known_base is None and not self._is_waiting:
            self._writer.drop_base(self._row)
        return result._replace(
            state=SourceState.FAILED, error=reason, retry_after=self._source.retry_after_seconds
        )

    def _known(self, statements: Sequence[Statement]) -> list[StatementRow]:
        """The row of each cache index, made or brought up to date."""
        known = {(one.tag, one.stack): one for one in self._writer.statements(self._row)}
        found = []
        for statement in statements:
            url, view = net.shown(statement.url), statement.view
            path = url if view is None else f"{url}/v3/manifests/index/{view}/index.manifest.json"
            row = known.get((statement.tag, statement.stack))
            if row is None or (row.url, row.view, row.path) != (url, view, path):
                row = self._writer.statement(
                    self._row,
                    url=url,
                    view=view,
                    tag=statement.tag,
                    stack=statement.stack,
                    path=path,
                )
            found.append(row)
        return found

    def _memory(self, known: StatementRow) -> Mapping[str, str]:
        return {} if self._again else known.memory

    # -- what is there

    def _record(self, statement: Statement, known: StatementRow, seen: Seen) -> bool:
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
        base = self._base()
        if base.size and not self._is_kept:  # for the next pass, if this one is cut off
            self._is_kept = True
            self._writer.keep_base(self._row, base)
        Reading(self._writer, self._row, known, split, carried, self._selection, self._progress,
                 again=self._again, base=base.size).record(got)  # fmt: skip

    def _base(self) -> Base:
        """What was there when the pass began, which is first asked before anything is recorded."""
        if self._begun_with is None:
            now = Base(self._writer.placed_count(self._row), self._since)
            self._begun_with = now.earlier(self._known_base)
        return self._begun_with

    # -- what is not

    def _remove(self) -> tuple[int, int]:
        """Remove what left, and return 0; or how many specs the guard holds, and how many went before."""
        writer, row = self._writer, self._row
        dropped = self._dropped()
        had_pages = writer.has_pages(row)
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
        leaving = self._leaving(sorted({*due, *emptied}))
        due = sorted(set(due) - emptied)
        is_held, gone = self._judge(len(leaving)) if leaving else (False, 0)
        held = len(leaving) if (is_held or emptied) and not self._allow else 0
        if held:
            due = [one for one in due if (one.page_id, one.spec_id) not in leaving]
        for chunk in _whole_specs(due):
            writer.evict_specs(row, chunk)
        if not held:
            for known in dropped:
                writer.drop_statement(row, known)
            if had_pages:
                writer.drop_pages(row)
        return held or len(emptied), gone  # of an emptied index that others make up for, too

    def _judge(self, leaving: int) -> tuple[bool, int]:
        """Whether the guard holds so many specs, and how many went before; additions count for nothing."""
        base, gone = self._base(), 0
        if base.since is not None:
            gone = self._writer.evicted_since(self._row, base.since)
        if leaving + gone > self._guard.removal_minimum:
            least = self._writer.least_base(self._row, self._settle)
            base = base._replace(size=min(base.size, base.size if least is None else least))
        self._begun_with = base
        size = max(base.size, leaving) + gone
        return self._guard.holds(retiring=leaving + gone, pages=size), gone

    def _dropped(self) -> list[StatementRow]:
        """The cache indexes that the source has no longer."""
        found = self._found
        there = {(statement.tag, statement.stack) for statement in found.statements} - self._gone
        return [
            known
            for known in self._writer.statements(self._row)
            if (known.tag, known.stack) not in there
            and (found.failure is None or (known.tag, known.stack) in self._gone)
            and known.tag not in found.kept
        ]

    def _said_of_dropped(self) -> str:
        """Which cache indexes are not read any more, and what is read instead; empty where there is none."""
        dropped = self._dropped()
        if not dropped:
            return ""
        let_go = ", ".join(telling.index_name(one.view, one.tag) for one in dropped)
        read = ", ".join(telling.index_name(one.view, one.tag) for one in self._found.statements)
        return f"; {let_go} would be let go, as {read} is read in its place"

    def _leaving(self, due: Sequence[Due]) -> set[tuple[int, int]]:
        """Page and id of the specs that no stack of a tag carries when everything due is gone."""
        lost: dict[tuple[int, int], set[str]] = {}
        for one in due:
            lost.setdefault((one.page_id, one.spec_id), set()).add(one.stack)
        carried = {
            (one.page_id, one.spec_id): one.stacks
            for tag in sorted({one.tag for one in due})
            for one in self._writer.stated(
                self._row, tag, [one.hash for one in due if one.tag == tag]
            ).values()
        }
        return {key for key, stacks in lost.items() if stacks.issuperset(carried[key])}


def _whole_specs(due: Sequence[Due]) -> Iterator[list[Due]]:
    """What is due, in chunks none of which ends between two stacks of one spec."""
    chunk: list[Due] = []
    for one in due:
        if len(chunk) >= CHUNK_SPECS and one.spec_id != chunk[-1].spec_id:
            yield chunk
            chunk = []
        chunk.append(one)
    if chunk:
        yield chunk


def _held(held: int, *, gone: int, specs: int) -> str:
    """Why removals are held: the share that the guard saw, with what was `gone` before it."""
    share = f"{held} of {specs} specs would be evicted; none was"
    if gone:
        share = (
            f"{held + gone} of {specs + gone} specs would be evicted;"
            f" {gone} of them were before, {held} stay"
        )
    return f"{share} (`guard:` in the config, or --allow-mass-removal to accept it once)"
