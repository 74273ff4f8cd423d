"""The cache indexes that a source has at the moment, and what is to be said and remembered of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ...config.sourceconfigs import MirrorAccess

__all__ = ["Concluded", "Discovered", "Known", "Statement"]


class Statement(NamedTuple):
    """One cache index of a source: a complete statement about one stack of one tag."""

    url: str
    """Of the mirror, without a slash at its end."""
    view: str | None
    tag: str
    stack: str
    access: MirrorAccess = MirrorAccess()
    """As who, and where, the mirror is reached."""


class Known(Protocol):
    """A cache index that the ledger has of the source."""

    @property
    def url(self) -> str:
        """As it may be shown."""

    @property
    def tag(self) -> str:
        """See `Statement`."""

    @property
    def stack(self) -> str:
        """See `Statement`."""

    @property
    def is_new(self) -> bool:
        """Whether nothing of it was ever recorded."""


class Discovered(NamedTuple):
    """What a source has when a pass begins."""

    statements: tuple[Statement, ...]
    failure: str | None = None
    """Why it is not known what else there is, or what is not any more: then nothing leaves."""
    kept: frozenset[str] = frozenset()
    """Tags of what is there and cannot be read: nothing of them leaves."""
    stand_alone: bool = False
    """Whether what leaves does so by itself, and nothing else comes in its place."""


class Concluded(NamedTuple):
    """What a source has to say when everything was read."""

    memory: Mapping[str, str] | None = None
    """What the next pass is to be given; None for what is remembered already."""
    warnings: tuple[str, ...] = ()
    place: str = ""
    """Under which they are told."""
