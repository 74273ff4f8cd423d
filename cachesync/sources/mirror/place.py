"""What lies under an address of a mirror, whatever it is reached by: files, each read or asked for again.

A file that is not there is a value; everything else that goes wrong is a SourceError with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from ..base import Unchanged
from .spool import Spool

__all__ = ["NOTHING", "Absent", "Arrived", "Place", "Small", "There"]

NOTHING: Final[Mapping[str, str]] = {}


class Absent(NamedTuple):
    """The file is not there."""

    reason: str
    is_certain: bool = True
    """False where the same is said of what may not be read: then nothing is gone."""


class Small(NamedTuple):
    """A small file, whole."""

    data: bytes
    validators: Mapping[str, str]
    """What to ask with the next time; empty where that cannot tell."""
    kind: Mapping[str, str] = {}
    """The headers it came with."""


class Arrived(NamedTuple):
    """A large file, which is in the spool now."""

    validators: Mapping[str, str]
    kind: Mapping[str, str] = {}
    is_joined: bool = False
    """Whether it came in several parts."""


class There(NamedTuple):
    """A file is there, which nobody read."""

    size: int | None
    """In bytes, as it is stored; None where nobody says."""
    modified: float | None = None
    """Unix time, or None likewise."""
    is_page: bool = False
    """Whether what answers calls it a page for people, which no file of a mirror is."""


class Place(Protocol):
    """A mirror that can be reached. All paths are relative to it."""

    @property
    def is_near(self) -> bool:
        """Whether asking for a file costs nothing."""

    def where(self, path: str) -> str:
        """The address of a file, for people."""

    def small(
        self, path: str, before: Mapping[str, str] = NOTHING, *, most_bytes: int
    ) -> Small | Unchanged | Absent:
        """A small file, if it changed since the answer with the validators `before`."""

    def large(
        self,
        path: str,
        spool: Spool,
        before: Mapping[str, str] = NOTHING,
        *,
        may_resume: bool = True,
    ) -> Arrived | Unchanged | Absent:
        """The same of a large one, which is written to `spool`."""

    def head(self, path: str) -> There | Absent:
        """Whether a file is there, and its size, without reading it."""
