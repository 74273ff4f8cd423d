"""What a source is to a pass: a listing, and the content of what is listed.

A source does not know the ledger. It says what it saw, and what it could not see: `GONE` and
`Failed` are different observations, and what lies below `Listing.unlisted` is not absent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

__all__ = [
    "GONE",
    "Changed",
    "Entry",
    "Failed",
    "Fault",
    "Found",
    "Gone",
    "Listing",
    "Note",
    "Source",
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


class Changed(NamedTuple):
    """The content of a page, and the signature it was read under."""

    data: bytes
    signature: str
    settled: bool


class Gone(NamedTuple):
    """The page is not there any more."""


class Failed(NamedTuple):
    """The page could not be read; what was known of it stands."""

    reason: str


GONE: Final = Gone()


Found = Callable[[Sequence[Entry]], None]


def ignore(_entries: Sequence[Entry], /) -> None:
    """For those who want the whole listing only."""


class Source(Protocol):
    """A place that pages come from."""

    @property
    def name(self) -> str:
        """Its name in the config, or the absolute path given to `sync --pages`."""

    @property
    def type(self) -> str:
        """`directory`, `http`, ..."""

    @property
    def location(self) -> str:
        """The directory or address, for people."""

    def listing(self, found: Found = ignore) -> Listing:
        """Everything the source holds now. Raises SourceError when it cannot be listed at all.

        `found` is called with all entries of the result, some at a time, in the order of tag and
        path, as soon as they are known.
        """

    def read(self, path: str, listed_as: str) -> Changed | Gone | Failed:
        """The content of the page that was listed at `path` with the signature `listed_as`."""
