"""What the writer is handed and hands back: what a pass found, and what the ledger knows. Values."""

from __future__ import annotations

from typing import NamedTuple

from ..model import LocationState, Page, SourceState
from ..selection import Selection

__all__ = [
    "Base",
    "Good",
    "KnownLocation",
    "Leaving",
    "Outcome",
    "Rejected",
    "Same",
    "Skipped",
    "SourceRow",
    "Stated",
    "StatementRow",
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


class StatementRow(NamedTuple):
    """What the ledger knows of a cache index of a source."""

    id: int
    url: str
    view: str | None
    tag: str
    stack: str
    path: str
    """Under which it is told of when something is wrong with it."""
    checksum: str | None
    """Of the content that was recorded last."""
    passes: int
    """That reached the mirror, could read the index, and count (`settle`)."""
    is_new: bool
    """Whether it never was recorded: what it brings is a baseline."""
    memory: dict[str, str]


class Base(NamedTuple):
    """What the guard measures removals against: what was there before they began."""

    size: int
    """Pages or specs of the source."""
    since: int | None
    """The change after which all that went counts as well; None: nothing does."""

    def earlier(self, known: Base | None) -> Base:
        """The earlier one of this and what is known of removals that no pass has carried out yet."""
        if known is None:
            return self
        changes = [one for one in (self.since, known.since) if one is not None]
        return Base(min(self.size, known.size), min(changes, default=None))


class Stated(NamedTuple):
    """What an index is known to say of one spec: where it is placed in the tag, and for which stacks."""

    page_id: int
    spec_id: int
    stacks: tuple[str, ...]


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
