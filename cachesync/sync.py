"""One pass over a source: listing, reading, parsing, diffing, recording, and then removing.

Decides with `diff`, writes through `ledger.write`. Every chunk is committed by itself, so a pass
that is cut off loses at most one chunk of work and no change; the next pass finds the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from typing import Any, NamedTuple, TypeVar

from . import diff
from .beside import Looker
from .errors import SourceError
from .garbage import no_garbage_collection
from .ledger.outcomes import Good, KnownLocation, Leaving, Outcome, Rejected, Skipped, SourceRow
from .ledger.write import Writer
from .model import LocationState, SourceState
from .reading import Look, Place
from .sources.base import Entry, Listing, Past, Source
from .sources.directory import DirectorySource

__all__ = ["PassResult", "Progress", "document", "run_part", "run_pass"]

_Item = TypeVar("_Item")

CHUNK_PAGES = 4_000
CHUNK_SPECS = 25_000


class PassResult(NamedTuple):
    """What one pass over one source came to (CLI.md, `sync --json`)."""

    name: str
    state: SourceState
    listed: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0
    held: int = 0
    error: str | None = None
    retry_after: float | None = None
    """Seconds the source asks to be left alone."""


def document(result: PassResult) -> dict[str, Any]:
    """A result as `sync --json` shows it."""
    shown = {**result._asdict(), "state": result.state.value}
    del shown["retry_after"]
    if result.error is None:
        del shown["error"]
    return shown


Progress = Callable[[str, int, int], None]
"""Called with the source's name, the pages done and the pages to do in this pass."""


def run_pass(
    writer: Writer,
    source: Source,
    row: SourceRow,
    *,
    selection: diff.Selection,
    guard: diff.Guard,
    allow_mass_removal: bool = False,
    retired: int = 0,
    progress: Progress = lambda _name, _done, _total: None,
) -> PassResult:
    """Bring the ledger up to what `source` holds now, and say what that came to.

    `retired` pages went in passes before that the guard is to judge together with this one.

    A source that cannot be listed, or does not deliver, and removals that the guard holds, are
    results, not exceptions; LedgerError and everything SQLite raises is the caller's.
    """
    return _Pass(writer, source, row, selection, guard, allow_mass_removal, retired, progress).run()


def run_part(
    writer: Writer,
    source: DirectorySource,
    row: SourceRow,
    *,
    selection: diff.Selection,
    guard: diff.Guard,
    retired: int = 0,
) -> PassResult:
    """Bring the ledger up to what the scope of `source` holds now.

    It says nothing of the rest, so the source's state and its last success stay as they are.
    """
    is_there = source.is_there
    return _Pass(writer, source, row, selection, guard, retired=retired, is_there=is_there).run()


class _Pass:
    """One pass, or a part of one."""

    def __init__(
        self,
        writer: Writer,
        source: Source,
        row: SourceRow,
        selection: diff.Selection,
        guard: diff.Guard,
        allow_mass_removal: bool = False,  # noqa: FBT001, FBT002
        retired: int = 0,
        progress: Progress = lambda _name, _done, _total: None,
        is_there: Callable[[str], bool] | None = None,
    ) -> None:
        self._writer = writer
        self._source = source
        self._row = row
        self._selection = selection
        self._guard = guard
        self._allow_mass_removal = allow_mass_removal
        self._retired = retired
        self._progress = progress
        self._is_there = is_there
        self._is_part = is_there is not None
        self._again = row.selection is not None and row.selection != selection

    def run(self) -> PassResult:
        writer, row, source = self._writer, self._row, self._source
        scope = source.scope if isinstance(source, DirectorySource) else None
        known = writer.locations(row, scope)
        before = writer.page_count(row)
        plan = _Plan(known, again=self._again)
        past = Past(writer.memory(row), _Signatures(known))
        quiet = no_garbage_collection() if source.concurrency == 0 else nullcontext()
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
            recorder = _Recorder(writer, row, listing, self._progress, self._is_there)
            recorder.record(plan.news(listing))
            recorder.record_looks(looker.looks(), plan.to_look_at)
            removal = self._removal(known, recorder)
        held = self._remove(removal, recorder, before, is_void=listing.is_void)
        result = PassResult(
            row.name,
            SourceState.OK,
            listed=recorder.listed + recorder.count_as_before(known),
            changed=recorder.changed,
            unchanged=plan.unchanged + recorder.same + recorder.count_as_before(known),
            removed=0 if held else len(removal.pages),
            rejected=writer.rejected(row),
            held=held,
        )
        return self._end(result, recorder, before)

    def _removal(self, known: Mapping[str, KnownLocation], recorder: _Recorder) -> _Removal:
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
        return _removal(now, present, recorder, selection=self._selection if self._again else None)

    def _remove(self, removal: _Removal, recorder: _Recorder, before: int, *, is_void: bool) -> int:
        """Remove it, and return 0; or return how many pages the guard holds."""
        retiring = len(removal.pages) + len(removal.emptied)
        is_held = retiring > 0 and (
            is_void
            or self._guard.holds(retiring=retiring + self._retired, pages=before + self._retired)
        )
        if is_held and not self._allow_mass_removal:
            recorder.evict(removal.shrunk)
            return retiring
        recorder.evict(removal.emptied)
        for chunk in _chunks(removal.pages, CHUNK_PAGES):
            self._writer.retire(self._row, chunk)
        if removal.troubles:
            self._writer.drop_locations(self._row, removal.troubles)
        recorder.evict(removal.shrunk)
        return 0

    def _end(self, result: PassResult, recorder: _Recorder, before: int) -> PassResult:
        """Record how the pass ended."""
        writer, row = self._writer, self._row
        if result.held:
            reason = (
                f"{result.held} of {before} pages would be removed; nothing was"
                " (`guard:` in the config, or --allow-mass-removal to accept it once)"
            )
            writer.hold(row, reason)
            return result._replace(state=SourceState.HELD, error=reason)
        if self._is_part:
            return result
        memory = self._source.memory()
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


class _Signatures(Mapping[str, str | None]):
    """The signatures of known places, without a copy of them."""

    def __init__(self, known: Mapping[str, KnownLocation]) -> None:
        self._known = known

    def __getitem__(self, path: str) -> str | None:
        return self._known[path].signature

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class _Plan:
    """What to look at, in the order of tag and path; the rest has the signature it had."""

    def __init__(self, known: Mapping[str, KnownLocation], *, again: bool) -> None:
        self._known = known
        self._again = again  # what was passed over by globs may now be wanted
        self.unchanged = 0
        self.to_look_at = 0

    def take(self, entries: Sequence[Entry]) -> list[Place]:
        """Those of some listed entries that are to be looked at."""
        places = []
        get, again = self._known.get, self._again
        for path, signature, *_ in entries:
            before = get(path)
            if before is None:
                places.append(Place(path, signature, None, None))
            elif before.signature != signature or (again and before.state is LocationState.SKIPPED):
                places.append(Place(path, signature, before.signature, before.digest))
        self.unchanged += len(entries) - len(places)
        self.to_look_at += len(places)
        places.sort(key=lambda place: diff.page_order(place.path))
        return places

    def news(self, listing: Listing) -> list[Outcome]:
        """What the listing itself says is wrong, where that is not known already."""
        noted: list[Rejected | Skipped] = [
            Rejected(path, f"fault: {reason}", None, reason) for path, reason in listing.faults
        ]
        noted += [Skipped(path, f"note: {reason}", None, reason) for path, reason in listing.notes]
        news: list[Outcome] = [
            outcome
            for outcome in noted
            if (before := self._known.get(outcome.path)) is None
            or before.signature != outcome.signature
        ]
        news.sort(key=lambda outcome: diff.page_order(outcome.path))
        return news


class _Recorder:
    """Records what was found, chunk by chunk; knows what is left to remove."""

    def __init__(
        self,
        writer: Writer,
        row: SourceRow,
        listing: Listing,
        progress: Progress,
        is_there: Callable[[str], bool] | None,
    ) -> None:
        self._writer = writer
        self._row = row
        self._progress = progress
        self._is_there = is_there
        self._unlisted = listing.unlisted
        self._as_before = listing.as_before
        self.standing = {entry.path for entry in listing.entries}
        self.standing.update(fault.path for fault in listing.faults)
        self.standing.update(note.path for note in listing.notes)
        self.listed = len(self.standing)
        self.leaving: dict[int, Leaving] = {}
        self.failures: list[tuple[str, str]] = []
        self.recorded: list[str] = []
        self.changed = 0
        self.same = 0

    def stands(self, path: str) -> bool:
        """Whether the source still holds something at `path`, or might."""
        return (
            path in self.standing
            or diff.covers(self._unlisted, path)
            or diff.covers(self._as_before, path)
            # Where only a part was listed, one has to look at the rest.
            or (self._is_there is not None and self._is_there(path))
        )

    def covers(self, known: Mapping[str, KnownLocation]) -> bool:
        """Whether everything that is known was listed, or is as it was."""
        return known.keys() <= self.standing or "" in self._as_before

    def count_as_before(self, known: Mapping[str, KnownLocation]) -> int:
        """How many known places need not be listed to be known."""
        if not self._as_before:
            return 0
        return sum(diff.covers(self._as_before, path) for path in known)

    def record_looks(self, looks: Iterable[Look], total: int) -> None:
        """Record what was seen at all the places that were to be looked at."""
        done, specs = 0, 0
        outcomes: list[Outcome] = []
        for look in looks:
            done += 1
            if look.gone:
                self.standing.discard(look.path)
                continue
            if look.failure is not None:
                self.failures.append((look.path, look.failure))
                continue
            self.same += look.same
            self.changed += not look.same
            outcome = look.outcome
            if outcome is None:
                continue
            outcomes.append(outcome)
            specs += len(outcome.page.specs) if isinstance(outcome, Good) else 1
            if len(outcomes) >= CHUNK_PAGES or specs >= CHUNK_SPECS:
                self.record(outcomes)
                outcomes, specs = [], 0
                self._progress(self._row.name, done, total)
        self.record(outcomes)
        self._progress(self._row.name, done, total)

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Commit some outcomes."""
        for chunk in _chunks(outcomes, CHUNK_PAGES):
            self.recorded += [outcome.path for outcome in chunk]
            self.leaving.update(self._writer.record(self._row, chunk, stands=self.stands))

    def evict(self, page_ids: Sequence[int]) -> None:
        """Commit what left the given pages."""
        for chunk in _chunks(page_ids, CHUNK_PAGES):
            self._writer.evict(self._row, {page_id: self.leaving[page_id] for page_id in chunk})


class _Removal(NamedTuple):
    """What is to leave: pages as a whole, pages that keep nothing, pages that keep something."""

    pages: list[int]
    emptied: list[int]
    shrunk: list[int]
    troubles: list[str]


def _removal(
    now: Mapping[str, KnownLocation],
    present: Mapping[int, tuple[str, str]],
    recorder: _Recorder,
    *,
    selection: diff.Selection | None,
) -> _Removal:
    """What leaves of `present`: with new globs, `selection`, also what lies there and is unwanted."""
    held = {
        location.page_id
        for path, location in now.items()
        if location.page_id is not None and recorder.stands(path)
    }
    if selection is not None:
        wanted = {page_id for page_id, claim in present.items() if selection.admits(*claim)}
        held &= wanted
    gone = sorted((claim, page_id) for page_id, claim in present.items() if page_id not in held)
    troubles = [
        path
        for path, location in now.items()
        if location.page_id is None and not recorder.stands(path)
    ]
    return _Removal(
        [page_id for _, page_id in gone],
        [page_id for page_id, left in recorder.leaving.items() if not left.good.page.specs],
        [page_id for page_id, left in recorder.leaving.items() if left.good.page.specs],
        troubles,
    )


def _chunks(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
