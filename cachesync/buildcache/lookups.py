"""What was seen before, by its key, and never more of it than allowed. Pure."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["Lookup"]

MAX_ENTRIES = 200_000
MAX_BYTES = 32 << 20
"""Of the keys of one lookup; those of a big index have less than 1 MB."""

_K = TypeVar("_K")
_V = TypeVar("_V")


class Lookup(dict[_K, _V]):
    """A dictionary that is emptied before it holds more than MAX_ENTRIES or MAX_BYTES."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def learn(self, key: _K, value: _V, length: int = 0) -> _V:
        """Remember a value under a key of so many bytes, and return it."""
        self._bytes += length
        if len(self) >= MAX_ENTRIES or self._bytes > MAX_BYTES:
            self.clear()
            self._bytes = length
        self[key] = value
        return value
