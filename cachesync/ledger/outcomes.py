"""What the writer is handed and hands back: what a pass found, and what the ledger knows. Values."""

from __future__ import annotations

from typing import NamedTuple

from ..model import LocationState, Page, SourceState
from ..selection import Selection

__all__ = [
    "Good",
    "KnownLocation",
    "Leaving",
    "Outcome",
    "Rejected",
    "Same",
    "Skipped",
    "SourceRow",
]


class Good(NamedTuple):
    """A page that was read and parsed."""

    path: str
    signature: str | None
    digest: bytes
    page: Page
    warnings: tuple[str, ...]


class Same(NamedTuple):
    """A page whose bytes are those already recorded; only its signature is new."""

    path: str
    signature: str | None


class Rejected(NamedTuple):
    """A page that is not accepted; what it last said when it was good stands."""

    path: str
    signature: str | None
    digest: bytes | None
    reason: str


class Skipped(NamedTuple):
    """A page that is recognised and passed over."""

    path: str
    signature: str | None
    digest: bytes | None
    reason: str


class Leaving(NamedTuple):
    """A page that was recorded and no longer lists some specs, which are still placed in it."""

    good: Good
    specs: list[int]


Outcome = Good | Same | Rejected | Skipped


class KnownLocation(NamedTuple):
    """What the ledger knows of a place where a page lies, or lay."""

    signature: str | None
    digest: bytes | None
    state: LocationState
    page_id: int | None


class SourceRow(NamedTuple):
    """What the ledger knows of a source."""

    id: int
    name: str
    type: str
    location: str
    configured: bool
    state: SourceState
    selection: Selection | None
    """The globs of the last complete pass; None when there was none."""
