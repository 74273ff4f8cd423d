"""What a source is to a pass: a listing, and the content of what is listed.

A source does not know the ledger. It says what it saw, and what it could not see: `GONE` and
`Failed` are different observations, and what lies below `Listing.unlisted` is not absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from ..errors import CachesyncError, SourceError

__all__ = [
    "GONE",
    "NOTHING",
    "UNCHANGED",
    "Changed",
    "Entry",
    "Failed",
    "Fault",
    "Found",
    "Gone",
    "Listing",
    "Missing",
    "Note",
    "Past",
    "Source",
    "Unchanged",
    "Unopened",
    "ignore",
]


class Entry(NamedTuple):
    """A page that is there."""

    path: str
    """Relative to the source, `/` between components."""
    signature: str
    """Equal signatures mean unchanged content; opaque to everybody but the source."""


class Fault(NamedTuple):
    """A place that should hold a page, or pages, and is not accepted, with the reason."""

    path: str
    reason: str


class Note(NamedTuple):
    """A place that is passed over on purpose, with the reason."""

    path: str
    reason: str


class Listing(NamedTuple):
    """Everything a source holds, as far as it could be seen."""

    entries: Sequence[Entry]
    faults: Sequence[Fault] = ()
    notes: Sequence[Note] = ()
    unlisted: Sequence[str] = ()
    """Prefixes, ending in `/`, whose content could not be listed: nothing below is known to be gone."""
    as_before: Sequence[str] = ()
    """Prefixes, ending in `/` or empty, below which everything is as the ledger has it."""
    is_void: bool = False
    """Whether the place is there with nothing at all in it: sooner not mounted than emptied."""
    is_replaced: bool = False
    """Whether it is another place than after the last complete pass: perhaps what was mounted over."""


class Past(NamedTuple):
    """What the ledger remembers of a source when a pass begins."""

    memory: Mapping[str, str] = {}
    """What `Source.memory` gave after the last pass that was recorded under the same settings."""
    signatures: Mapping[str, str | None] = {}
    """The signature of each known path; None where it is to be read again whatever it is now."""


class Changed(NamedTuple):
    """The content of a page, and the signature it was read under."""

    data: bytes
    signature: str
    settled: bool = True
    """False when the content may still change without the signature changing (written just now)."""
    torn: bool = False
    """True when it changed while it was read: it may be what never was there, such as NUL on Linux
    for what was cut off just then."""


class Unchanged(NamedTuple):
    """The page is as the ledger has it, or has to be taken for that."""

    memory: Mapping[str, str] | None = None
    """Of a cache index: what to remember from now on; None for what is remembered already."""


class Missing(NamedTuple):
    """The page is not there, which is not believed yet: what was known of it stands."""

    passes: int
    """Passes running in which it was not there, this one included."""
    of: int
    """In how many it has to be."""


class Gone(NamedTuple):
    """The page is not there any more."""


class Failed(NamedTuple):
    """The page could not be read; what was known of it stands."""

    reason: str
    is_passing: bool = False
    """True when the source failed to deliver, not the page: the pass fails, the page is not rejected."""
    is_garbage: bool = False
    """True for an answer that is no page at all: the page is rejected, but where nothing else is
    delivered in a pass, it is the source that fails."""
    memory: Mapping[str, str] | None = None
    """Of a cache index that is not accepted: what to remember from now on; None for what is already."""


UNCHANGED: Final = Unchanged()
GONE: Final = Gone()

Found = Callable[[Sequence[Entry]], None]


def ignore(_entries: Sequence[Entry], /) -> None:
    """For those who want the whole listing only."""


NOTHING: Final = Past()


class Unopened:
    """A source that cannot be asked at all, such as one whose secret is missing: every pass fails."""

    concurrency = 0
    retry_after_seconds = None

    def __init__(self, name: str, type_: str, why: CachesyncError) -> None:
        self.name = name
        self.type = type_
        self._why = why

    def listing(self, found: Found = ignore, past: Past = NOTHING) -> Listing:
        """Raises SourceError, always."""
        raise SourceError(self._why.message, hint=self._why.hint)

    def read(self, path: str, listed_as: str, before: str | None = None) -> Failed:
        """Nothing was listed, so nothing is read."""
        return Failed(self._why.message, is_passing=True)

    def memory(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


class Source(Protocol):
    """A place that pages come from."""

    @property
    def name(self) -> str:
        """Its name in the config, or the absolute path given to `sync --pages`."""

    @property
    def type(self) -> str:
        """`directory`, `http`, ..."""

    @property
    def concurrency(self) -> int:
        """How many `read` may run at one time, each in a thread of its own; 0: only in this one."""

    @property
    def retry_after_seconds(self) -> float | None:
        """How long the source asked in this pass to be left alone."""

    def listing(self, found: Found = ignore, past: Past = NOTHING) -> Listing:
        """Everything the source holds now. Raises SourceError when it cannot be listed at all.

        `found` is called with all entries of the result, some at a time, in the order of tag and
        path, as soon as they are known.
        """

    def read(
        self, path: str, listed_as: str, before: str | None = None
    ) -> Changed | Unchanged | Missing | Gone | Failed:
        """The content of the page that was listed at `path` with the signature `listed_as`.

        `before` is the signature the ledger has; None when it has to be read.
        """

    def memory(self) -> Mapping[str, str]:
        """After a pass: what the next one is to be given. Only what is true of pages delivered."""
