"""What was seen in a pass goes to the writer in chunks; what is left to remove is known then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from .. import diff
from ..ledger.outcomes import Good, KnownLocation, Leaving, Outcome, Rejected, Skipped, SourceRow
from ..ledger.write import Writer
from ..model import LocationState
from ..selection import Selection
from ..sources.base import Listing, Missing
from .reading import Look

__all__ = ["CHUNK_PAGES", "Progress", "Recorder", "Removal", "chunks", "removal"]

_Item = TypeVar("_Item")

CHUNK_PAGES = 4_000
CHUNK_SPECS = 25_000


Progress = Callable[[str, int, int], None]
"""Called with the source's name, the pages done and the pages to do in this pass."""


class Recorder:
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
        self.missing: list[tuple[str, Missing]] = []
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

    def count_skipped_as_before(self, known: Mapping[str, KnownLocation]) -> int:
        """How many of them are passed over."""
        if not self._as_before:
            return 0
        skipped = (path for path, place in known.items() if place.state is LocationState.SKIPPED)
        return sum(diff.covers(self._as_before, path) for path in skipped)

    def record_looks(
        self, looks: Iterable[Look], total: int, known: Mapping[str, KnownLocation]
    ) -> None:
        """Record what was seen at all the places that were to be looked at.

        What is passed over, or was and is the same, counts neither as changed nor as the same.
        """
        done, specs = 0, 0
        outcomes: list[Outcome] = []
        garbage: list[Look] = []
        for look in looks:
            done += 1
            if look.garbage:
                garbage.append(look)
                continue
            if look.gone:
                self.standing.discard(look.path)
                continue
            if look.failure is not None:
                self.failures.append((look.path, look.failure))
                continue
            if look.missing is not None:
                self.missing.append((look.path, look.missing))
                continue
            if not _is_skipped(look, known.get(look.path)):
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
        if garbage and len(garbage) + len(self.failures) == done:
            # Nothing but garbage: a portal stands before the source, or its server is being mended.
            self.failures += [(look.path, _reason(look)) for look in garbage]
        else:
            outcomes += [look.outcome for look in garbage if look.outcome is not None]
            self.changed += len(garbage)
        self.record(outcomes)
        self._progress(self._row.name, done, total)

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Commit some outcomes."""
        for chunk in chunks(outcomes, CHUNK_PAGES):
            self.recorded += [outcome.path for outcome in chunk]
            self.leaving.update(self._writer.record(self._row, chunk, stands=self.stands))

    def evict(self, page_ids: Sequence[int]) -> None:
        """Commit what left the given pages."""
        for chunk in chunks(page_ids, CHUNK_PAGES):
            self._writer.evict(self._row, {page_id: self.leaving[page_id] for page_id in chunk})


def _reason(look: Look) -> str:
    return look.outcome.reason if isinstance(look.outcome, Rejected) else ""


def _is_skipped(look: Look, before: KnownLocation | None) -> bool:
    """Whether the page is passed over; one that was good before is rejected instead."""
    if look.same:
        return before is not None and before.state is LocationState.SKIPPED
    return isinstance(look.outcome, Skipped) and (before is None or before.page_id is None)


class Removal(NamedTuple):
    """What is to leave: pages as a whole, pages that keep nothing, pages that keep something."""

    pages: list[int]
    emptied: list[int]
    shrunk: list[int]
    troubles: list[str]


def removal(
    now: Mapping[str, KnownLocation],
    present: Mapping[int, tuple[str, str]],
    recorder: Recorder,
    *,
    selection: Selection | None,
) -> Removal:
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
    return Removal(
        [page_id for _, page_id in gone],
        [page_id for page_id, left in recorder.leaving.items() if not left.good.page.specs],
        [page_id for page_id, left in recorder.leaving.items() if left.good.page.specs],
        troubles,
    )


def chunks(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """The items, `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
