"""A source of build caches whose indexes are given as documents: what a pass sees of any such source."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from cachesync.sources.base import Failed, Unchanged
from cachesync.sources.mirror.discovered import Concluded, Discovered

__all__ = ["Got", "Stated", "StatedSource"]


class Stated(NamedTuple):
    """A cache index of the source."""

    url: str
    view: str | None
    tag: str
    stack: str


class Got(NamedTuple):
    """A document that is other than the one that is remembered."""

    data: bytes
    checksum: str
    memory: Mapping[str, str]


class StatedSource:
    """Answers with the document of each index; `fails` with a reason where there is none."""

    type = "buildcache"
    retry_after_seconds = None
    concurrency = 0

    def __init__(self, name: str, documents: Mapping[Stated, bytes | Failed], settle: int = 2):
        self.name = name
        self.documents = dict(documents)
        self.settle = settle
        self.reads: list[Stated] = []

    def discover(self, memory: Mapping[str, str], known: object, *, counts: bool) -> Discovered:
        return Discovered(tuple(self.documents))

    def conclude(self) -> Concluded:
        return Concluded()

    def read(self, statement: Stated, memory: Mapping[str, str]) -> Got | Unchanged | Failed:
        self.reads.append(statement)
        document = self.documents[statement]
        if isinstance(document, Failed):
            return document
        checksum = hashlib.sha256(document).hexdigest()
        if memory.get("checksum") == checksum:
            return Unchanged()
        return Got(document, checksum, {"checksum": checksum})
