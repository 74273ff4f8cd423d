"""One pass over a source: listing, reading, parsing, diffing, recording, and then removing.

Decides with `diff`, writes through `ledger.write`. Every chunk is committed by itself, so a pass
that is cut off loses at most one chunk of work and no change; the next pass finds the rest.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from . import diff
from .errors import SourceError
from .ledger.write import (
    Good,
    KnownLocation,
    Leaving,
    Outcome,
    Rejected,
    Skipped,
    SourceRow,
    Writer,
)
from .model import LocationState, SourceState
from .reading import look_at
from .sources.base import Entry, Listing, Source

__all__ = ["PassResult", "Progress", "run_pass"]

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
    progress: Progress = lambda _name, _done, _total: None,
) -> PassResult:
    """Bring the ledger up to what `source` holds now, and say what that came to.

    A source that cannot be listed, and removals that the guard holds, are results, not exceptions;
    LedgerError and everything SQLite raises is the caller's.
    """
    try:
        listing = source.listing()
    except SourceError as error:
        writer.fail(row, error.message)
        return PassResult(row.name, SourceState.FAILED, error=error.message)
    with _no_garbage_collection():
        return _pass_over(
            writer, source, row, listing, selection=selection, guard=guard,
            allow_mass_removal=allow_mass_removal, progress=progress,
        )  # fmt: skip


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A pass makes millions of objects and no cycles; looking for them would double its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _pass_over(
    writer: Writer,
    source: Source,
    row: SourceRow,
    listing: Listing,
    *,
    selection: diff.Selection,
    guard: diff.Guard,
    allow_mass_removal: bool,
    progress: Progress,
) -> PassResult:
    known = writer.locations(row)
    before = writer.present_pages(row)
    again = row.selection is not None and row.selection != selection
    plan = _plan(listing, known, again=again)
    recorder = _Recorder(writer, source, row, selection, listing, known, plan, progress)
    recorder.run()

    # Where nothing was recorded, what was known is what is known.
    now = writer.locations(row) if plan.read or plan.noted else known
    removal = _removal(writer, row, now, recorder, selection=selection if again else None)
    retiring = len(removal.pages) + len(removal.emptied)
    held = 0
    if guard.holds(retiring=retiring, pages=len(before)) and not allow_mass_removal:
        held = retiring
    else:
        recorder.evict(removal.emptied)
        for chunk in _chunks(removal.pages, CHUNK_PAGES):
            writer.retire(row, chunk)
        if removal.troubles:
            writer.drop_locations(row, removal.troubles)
    recorder.evict(removal.shrunk)

    result = PassResult(
        row.name,
        SourceState.HELD if held else SourceState.OK,
        listed=len(listing.entries) + len(listing.faults) + len(listing.notes),
        changed=recorder.changed,
        unchanged=plan.unchanged + recorder.same,
        removed=0 if held else len(removal.pages),
        rejected=writer.rejected(row),
        held=held,
    )
    if held:
        reason = (
            f"{held} of {len(before)} pages would be removed; nothing was"
            " (`guard:` in the config, or --allow-mass-removal to accept it once)"
        )
        writer.hold(row, reason)
        return result._replace(error=reason)
    writer.succeed(row, selection)
    return result


class _Plan(NamedTuple):
    """What to look at, in the order of tag and path."""

    read: list[Entry]
    noted: Sequence[Rejected | Skipped]
    unchanged: int


def _plan(listing: Listing, known: Mapping[str, KnownLocation], *, again: bool) -> _Plan:
    """Skip what has the signature it had. `again`: what was passed over by globs may now be wanted."""
    read, unchanged = [], 0
    get = known.get
    for entry in listing.entries:
        before = get(entry.path)
        if (
            before is None
            or before.signature != entry.signature
            or (again and before.state is LocationState.SKIPPED)
        ):
            read.append(entry)
        else:
            unchanged += 1
    read.sort(key=lambda entry: diff.page_order(entry.path))
    noted: list[Rejected | Skipped] = [
        Rejected(path, f"fault: {reason}", None, reason) for path, reason in listing.faults
    ]
    noted += [Skipped(path, f"note: {reason}", None, reason) for path, reason in listing.notes]
    news = [o for o in noted if o.path not in known or known[o.path].signature != o.signature]
    news.sort(key=lambda outcome: diff.page_order(outcome.path))
    return _Plan(read, news, unchanged)


class _Recorder:
    """Reads what is to be read and records it chunk by chunk; knows what is left to remove."""

    def __init__(
        self,
        writer: Writer,
        source: Source,
        row: SourceRow,
        selection: diff.Selection,
        listing: Listing,
        known: Mapping[str, KnownLocation],
        plan: _Plan,
        progress: Progress,
    ) -> None:
        self._writer = writer
        self._source = source
        self._row = row
        self._selection = selection
        self._known = known
        self._plan = plan
        self._progress = progress
        self._unlisted = listing.unlisted
        self.standing = {entry.path for entry in listing.entries}
        self.standing.update(fault.path for fault in listing.faults)
        self.standing.update(note.path for note in listing.notes)
        self.leaving: dict[int, Leaving] = {}
        self.changed = 0
        self.same = 0

    def stands(self, path: str) -> bool:
        """Whether the source still holds something at `path`, or might."""
        return path in self.standing or diff.covers(self._unlisted, path)

    def run(self) -> None:
        """Read and record everything in the plan."""
        for chunk in _chunks(self._plan.noted, CHUNK_PAGES):
            self._record(chunk)
        done, total, specs = 0, len(self._plan.read), 0
        outcomes: list[Outcome] = []
        for look in look_at(self._source, self._plan.read, self._known, self._selection):
            done += 1
            if look.gone:
                self.standing.discard(look.path)
                continue
            self.same += look.same
            self.changed += not look.same
            outcome = look.outcome
            if outcome is None:
                continue
            outcomes.append(outcome)
            specs += len(outcome.page.specs) if isinstance(outcome, Good) else 1
            if len(outcomes) >= CHUNK_PAGES or specs >= CHUNK_SPECS:
                self._record(outcomes)
                outcomes, specs = [], 0
                self._progress(self._row.name, done, total)
        self._record(outcomes)
        self._progress(self._row.name, done, total)

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        self.leaving.update(self._writer.record(self._row, outcomes, stands=self.stands))

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
    writer: Writer,
    row: SourceRow,
    now: Mapping[str, KnownLocation],
    recorder: _Recorder,
    *,
    selection: diff.Selection | None,
) -> _Removal:
    """What leaves: with new globs, `selection`, also what lies where it lay and is not wanted."""
    held = {
        location.page_id
        for path, location in now.items()
        if location.page_id is not None and recorder.stands(path)
    }
    present = writer.present_pages(row)
    if selection is not None:
        held = {page_id for page_id in held if selection.admits(*present[page_id])}
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
