"""What of a listing is to be looked at: whatever has another signature than the ledger knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .. import diff
from ..ledger.outcomes import KnownLocation, Outcome, Rejected, Skipped
from ..model import LocationState
from ..sources.base import Entry, Listing
from .reading import Place

__all__ = ["Plan", "Signatures"]


class Signatures(Mapping[str, str | None]):
    """The signatures of known places, without a copy of them."""

    def __init__(self, known: Mapping[str, KnownLocation]) -> None:
        self._known = known

    def __getitem__(self, path: str) -> str | None:
        return self._known[path].signature

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class Plan:
    """What to look at, in the order of tag and path; the rest has the signature it had."""

    def __init__(self, known: Mapping[str, KnownLocation], *, again: bool) -> None:
        self._known = known
        self._again = again  # what was passed over by globs may now be wanted
        self.unchanged = 0
        self.to_look_at = 0

    def take(self, entries: Sequence[Entry]) -> list[Place]:
        """Those of some listed entries that are to be looked at."""
        places, skipped = [], 0
        get, again = self._known.get, self._again
        for path, signature, *_ in entries:
            before = get(path)
            if before is None:
                places.append(Place(path, signature, None, None))
            elif before.signature != signature or (again and before.state is LocationState.SKIPPED):
                places.append(Place(path, signature, before.signature, before.digest))
            elif before.state is LocationState.SKIPPED:
                skipped += 1
        self.unchanged += len(entries) - len(places) - skipped
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
