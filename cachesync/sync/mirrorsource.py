"""What a source of build caches is to a pass: cache indexes, each read with what is remembered of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from typing_extensions import TypeIs

from ..sources.base import Failed, Unchanged

__all__ = ["Got", "MirrorSource", "Statement", "is_of_mirrors"]


class Statement(Protocol):
    """A cache index of a source."""

    @property
    def url(self) -> str: ...
    @property
    def view(self) -> str | None: ...
    @property
    def tag(self) -> str: ...
    @property
    def stack(self) -> str: ...


class Got(Protocol):
    """A cache index that has another content than before."""

    @property
    def data(self) -> Any: ...
    @property
    def checksum(self) -> str: ...
    @property
    def memory(self) -> Mapping[str, str]: ...


class MirrorSource(Protocol):
    """A place that cache indexes come from."""

    @property
    def name(self) -> str: ...
    @property
    def statements(self) -> Sequence[Statement]: ...
    @property
    def settle(self) -> int: ...
    @property
    def retry_after_seconds(self) -> float | None: ...

    def read(
        self, statement: Any, memory: Mapping[str, str], /
    ) -> Got | Unchanged | Failed: ...


def is_of_mirrors(source: object) -> TypeIs[MirrorSource]:
    """Whether a source has cache indexes, and no pages."""
    return hasattr(source, "statements")
