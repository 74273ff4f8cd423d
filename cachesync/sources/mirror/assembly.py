"""Specs that were read one by one, put together as one index document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...buildcache.specfile import SpecFile
from .spool import Spool

__all__ = ["Assembly"]

_EMPTY = b'{"database":{"version":"8","installs":{}}}'
_PIECE = 1 << 20


class Assembly:
    """Specs put together as one index document, each node as the first of them has it."""

    def __init__(self, most_bytes: int) -> None:
        self._spool = Spool(most_bytes)
        self._pending = bytearray(b'{"database":{"installs":{')
        self._nodes: set[str] = set()
        self._database = 0
        self.read: list[str] = []

    def close(self) -> None:
        """Let go of it; what was mapped stays."""
        self._spool.close()

    def add(self, spec: SpecFile) -> None:
        """Add a spec and its dependencies. Raises SourceError where that is too much."""
        for piece in self._records(spec):
            self._pending += piece
        if len(self._pending) > _PIECE:
            self._spool.write(bytes(self._pending))
            self._pending.clear()
        # Only records of older databases do not say their own format, so the lowest is right for all.
        self._database = min(self._database or spec.database, spec.database)
        self.read.append(spec.hash)

    def _records(self, spec: SpecFile) -> Iterator[bytes]:
        for spec_hash, node in spec.nodes.items():
            if spec_hash not in self._nodes:
                comma = "," if self._nodes else ""
                self._nodes.add(spec_hash)
                yield b'%s"%s":{"spec":%s}' % (comma.encode(), spec_hash.encode(), bytes(node))

    def document(self) -> Any:
        """All of it, mapped."""
        if not self.read:
            return _EMPTY
        self._spool.write(bytes(self._pending) + b'},"version":"%d"}}' % self._database)
        return self._spool.mapped()
