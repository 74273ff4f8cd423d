"""One pass over a source: listing, reading, parsing, diffing, recording, and then removing.

Decides with `diff`, writes through `ledger.write`. Every chunk is committed by itself, so a pass
that is cut off loses at most one chunk of work and no change; the next pass finds the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

from .. import diff
from ..errors import SourceError
from ..ledger.outcomes import Base, KnownLocation, SourceRow
from ..ledger.write import Writer
from ..model import SourceState
from ..selection import Selection
from ..sources.base import Listing, Past, Source
from ..sources.directory import DirectorySource
from ..sources.remote import remark
from ..system.garbage import garbage_collection
from .beside import Looker
from .mirrorsource import ManifestSource, MirrorSource, is_by_manifests, is_of_mirrors
from .plan import Plan, Signatures
from .recorder import CHUNK_PAGES, Progress, Recorder, Removal, chunks, removal
from .result import PassResult, document

__all__ = ["PassResult", "Progress", "document", "run_part", "run_pass"]


def run_pass(
    writer: Writer,
    source: Source | MirrorSource | ManifestSource,
    row: SourceRow,
    *,
    selection: Selection,
    guard: diff.Guard,
    allow_mass_removal: bool = False,
    since: int | None = None,
    progress: Progress = lambda _name, _done, _total: None,
    counts: bool = True,
) -> PassResult:
    """Bring the ledger up to what `source` holds now, and say what that came to.

    What went after the change `since`, and is not back, the guard judges together with this pass. Whether
    it `counts` matters where a cache index is as it was: to how long something is absent from that.

    A source that cannot be listed, or does not deliver, and removals that the guard holds, are
    results, not exceptions; LedgerError and everything SQLite raises is the caller's.
    """
    if is_of_mirrors(source):
        from .mirrors import run_mirror_pass  # here: pages need none of it

        return run_mirror_pass(
            writer, source, row, selection=selection, guard=guard,
            allow_mass_removal=allow_mass_removal, since=since, progress=progress, counts=counts,
        )  # fmt: skip
    return _Pass(writer, source, row, selection, guard, allow_mass_removal, since, progress).run()


def run_part(
    writer: Writer,
    source: DirectorySource | ManifestSource,
    row: SourceRow,
    *,
    selection: Selection,
    guard: diff.Guard,
    since: int | None = None,
) -> PassResult:
    """Bring the ledger up to what the scope of `source` holds now.

    It says nothing of the rest, so the source's state and its last success stay as they are.
    """
    if is_by_manifests(source):
        from .mirrors import run_mirror_pass

        return run_mirror_pass(
            writer, source, row, selection=selection, guard=guard, since=since, is_part=True
        )
    scope = source.scope or ()

    def is_there(path: str) -> bool:
        """Whether something lies where this pass does not look; elsewhere the listing says it."""
        return path.partition("/")[0] not in scope and source.is_there(path)

    return _Pass(writer, source, row, selection, guard, since=since, is_there=is_there).run()


class _Pass:
    """One pass, or a part of one."""

    def __init__(
        self,
        writer: Writer,
        source: Source,
        row: SourceRow,
        selection: Selection,
        guard: diff.Guard,
        allow_mass_removal: bool = False,  # noqa: FBT001, FBT002
        since: int | None = None,
        progress: Progress = lambda _name, _done, _total: None,
        is_there: Callable[[str], bool] | None = None,
    ) -> None:
        self._writer = writer
        self._source = source
        self._row = row
        self._selection = selection
        self._guard = guard
        self._allow_mass_removal = allow_mass_removal
        self._since = since
        self._progress = progress
        self._is_there = is_there
        self._is_part = is_there is not None
        self._base = Base(0, since)
        self._is_kept = False
        self._gone = 0
        self._stated = 0
        self._has_statements = False
        self._again = row.selection is not None and row.selection != selection
        self._remarked: str | None = None

    def run(self) -> PassResult:
        writer, row, source = self._writer, self._row, self._source
        scope = source.scope if isinstance(source, DirectorySource) else None
        known = writer.locations(row, scope)
        before = writer.page_count(row)
        plan = Plan(known, again=self._again)
        past = Past(writer.memory(row), Signatures(known))
        self._remarked = remark(past.memory)
        quiet = garbage_collection(wanted=source.concurrency > 0)
        with quiet, closing(Looker(source, self._selection)) as looker:
            try:
                listing = source.listing(lambda entries: looker.offer(plan.take(entries)), past)
            except SourceError as error:
                self._progress(row.name, 0, 0)  # a pass that is abandoned is no failure
                if not self._is_part:
                    writer.fail(row, error.message)
                return PassResult(
                    row.name, SourceState.FAILED, error=error.message,
                    retry_after=error.retry_after_seconds,
                )  # fmt: skip
            recorder = Recorder(writer, row, listing, self._progress, self._is_there)
            self._keep_base(known, recorder, before)
            recorder.record(plan.news(listing))
            recorder.record_looks(looker.looks(), plan.to_look_at, known)
            removal = self._removal(known, recorder)
            self._count_stated(recorder, listing)
        held = self._remove(removal, recorder, before + self._stated, listing)
        as_before = recorder.count_as_before(known)
        unchanged = plan.unchanged + recorder.same + as_before
        result = PassResult(
            row.name,
            SourceState.OK,
            listed=recorder.listed + as_before,
            changed=recorder.changed,
            unchanged=unchanged - recorder.count_skipped_as_before(known),
            removed=0 if held else len(removal.pages),
            rejected=writer.rejected(row),
            held=held,
            skipped=writer.skipped(row),
            missing=tuple(recorder.missing),
        )
        return self._end(result, recorder)

    def _keep_base(
        self, known: Mapping[str, KnownLocation], recorder: Recorder, before: int
    ) -> None:
        """Where much may leave: keep what there is before it grows, for a pass that is cut off."""
        lacking = 0
        if not recorder.covers(known):
            lacking = sum(not recorder.stands(path) for path in known.keys() - recorder.standing)
        if lacking > self._guard.removal_minimum and self._writer.base(self._row) is None:
            self._is_kept = True
            self._writer.keep_base(self._row, Base(before, self._since))

    def _removal(self, known: Mapping[str, KnownLocation], recorder: Recorder) -> Removal:
        """What is to leave. Only what was looked at anew, or stands no more, can have left."""
        gone = [] if recorder.covers(known) else [p for p in known if not recorder.stands(p)]
        among = {
            place.page_id
            for path in (*gone, *recorder.recorded, *(known if self._again else ()))
            if (place := known.get(path)) is not None and place.page_id is not None
        }
        now: Mapping[str, KnownLocation] = {}
        present: Mapping[int, tuple[str, str]] = {}
        if among or gone:
            now = {**known, **self._writer.locations_at(self._row, recorder.recorded)}
            present = self._writer.present_pages(self._row, among)
        return removal(now, present, recorder, selection=self._selection if self._again else None)

    def _remove(self, removal: Removal, recorder: Recorder, before: int, listing: Listing) -> int:
        """Remove it, and return 0; or return how many pages the guard holds."""
        retiring = len(removal.pages) + len(removal.emptied) + self._stated
        if retiring:  # what was added since it began to leave counts for nothing
            self._base = Base(before, self._since).earlier(self._writer.base(self._row))
            self._gone = self._count_gone(self._base.since)
        is_held = retiring > 0 and (
            listing.is_void
            or self._guard.holds(
                retiring=retiring + self._gone,
                pages=max(self._base.size, retiring) + self._gone,
                is_replaced=listing.is_replaced,
            )
        )
        if is_held and not self._allow_mass_removal:
            recorder.evict(removal.shrunk)
            return retiring
        recorder.evict(removal.emptied)
        for chunk in chunks(removal.pages, CHUNK_PAGES):
            self._writer.retire(self._row, chunk)
        if removal.troubles:
            self._writer.drop_locations(self._row, removal.troubles)
        recorder.evict(removal.shrunk)
        if self._has_statements:
            self._writer.drop_statements(self._row)
        return 0

    def _count_stated(self, recorder: Recorder, listing: Listing) -> None:
        """What the source placed by cache indexes, before it had pages, leaves once all pages are read."""
        is_whole = not (self._is_part or recorder.failures or recorder.missing or listing.unlisted)
        self._has_statements = is_whole and bool(self._writer.statements(self._row))
        self._stated = self._writer.stated_packages(self._row) if self._has_statements else 0

    def _count_gone(self, since: int | None) -> int:
        return 0 if since is None else self._writer.gone_since(self._row, since)

    def _end(self, result: PassResult, recorder: Recorder) -> PassResult:
        """Record how the pass ended."""
        writer, row = self._writer, self._row
        if result.held:
            size = max(self._base.size, result.held)
            reason = _held(result.held, gone=self._gone, pages=size)
            if not (self._is_part and row.state is SourceState.HELD):
                # A part would take back what a whole pass said of more.
                writer.hold(row, reason, self._base)
            return result._replace(state=SourceState.HELD, error=reason)
        if self._is_kept:
            writer.drop_base(row)
        if self._is_part:
            return result
        memory = self._source.memory()
        said = remark(memory)
        result = result._replace(remark=None if said == self._remarked else said)
        if recorder.failures:
            path, reason = recorder.failures[0]
            count = len(recorder.failures)
            reason = f"{count} of {result.listed} pages could not be fetched; {path}: {reason}"
            writer.fail(row, reason, memory)
            return result._replace(
                state=SourceState.FAILED, error=reason, retry_after=self._source.retry_after_seconds
            )
        writer.succeed(row, self._selection, memory)
        return result


def _held(held: int, *, gone: int, pages: int) -> str:
    """Why removals are held: the share that the guard saw, with what was `gone` before it."""
    share = f"{held} of {pages} pages would be removed; nothing was"
    if gone:
        share = (
            f"{held + gone} of {pages + gone} pages would be removed;"
            f" {gone} of them were before, {held} stay"
        )
    return f"{share} (`guard:` in the config, or --allow-mass-removal to accept it once)"
