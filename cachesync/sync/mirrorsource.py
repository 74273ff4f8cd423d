"""What a source of build caches is to a pass: cache indexes, each read with what is remembered of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..sources.base import Failed, Unchanged

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = ["Got", "MirrorSource", "Statement", "is_of_mirrors"]


class Statement(Protocol):
    """A cache index of a source: everything of one stack of one tag."""

    @property
    def url(self) -> str:
        """That of the mirror, without a trailing slash."""

    @property
    def view(self) -> str | None:
        """The view of the mirror, or None for the mirror's own index."""

    @property
    def tag(self) -> str:
        """The tag that its specs are placed in."""

    @property
    def stack(self) -> str:
        """The stack that carries them."""


class Got(Protocol):
    """A cache index that has another content than before. It may have a `close`, which is called."""

    @property
    def data(self) -> Any:
        """The document: bytes, or anything with a buffer."""

    @property
    def checksum(self) -> str:
        """What tells this content from another."""

    @property
    def memory(self) -> Mapping[str, str]:
        """What the next pass is to be given, once this content is recorded."""


class MirrorSource(Protocol):
    """A place that cache indexes come from."""

    @property
    def name(self) -> str:
        """Its name in the config, or its URL."""

    @property
    def statements(self) -> Sequence[Statement]:
        """Its cache indexes."""

    @property
    def settle(self) -> int:
        """In how many passes running a spec has to be absent until it is evicted."""

    @property
    def retry_after_seconds(self) -> float | None:
        """How long it asked in this pass to be left alone."""

    def read(self, statement: Any, memory: Mapping[str, str], /) -> Got | Unchanged | Failed:
        """A cache index as it is now; `memory` is empty where it has to be read whatever it is."""


def is_of_mirrors(source: object) -> TypeIs[MirrorSource]:
    """Whether a source has cache indexes, and no pages."""
    return hasattr(source, "statements")
