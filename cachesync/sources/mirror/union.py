"""Two cache indexes of one mirror as one: Spack lists the union of both layouts (SPACK, 25)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from ...buildcache import index
from .spool import Spool

__all__ = ["union"]


def union(documents: Iterable[bytes | memoryview], most_bytes: int) -> Spool:
    """An index that has what any of the documents has, each record as the first says that has it.

    It is cached where one says so. Its version is the lowest: only records of older ones do not say their
    own format. Raises CacheIndexError where a document is none.
    """
    splits = [index.split(document) for document in documents]
    spool = Spool(most_bytes)
    try:
        version = min(one.version for one in splits)
        spool.write(b'{"database":{"version":"%d","installs":{' % version)
        pending, comma = bytearray(), b""
        for piece in _records(splits):
            pending += comma + piece
            comma = b","
            if len(pending) > 1 << 20:
                spool.write(bytes(pending))
                pending.clear()
        spool.write(bytes(pending) + b"}}}")
    except BaseException:
        spool.close()
        raise
    return spool


def _records(splits: Sequence[index.Split]) -> Iterator[bytes]:
    seen: set[str] = set()
    for split in splits:
        for hash_, record in split.records.items():
            if hash_ not in seen:
                seen.add(hash_)
                cached = any(hash_ in one.records and one.records[hash_].cached for one in splits)
                yield b'"%s":{"spec":%s,"in_buildcache":%s}' % (
                    hash_.encode(), bytes(record.spec), b"true" if cached else b"false",
                )  # fmt: skip
        for one in split.refused:  # stays something that is refused
            if one.hash not in seen:
                seen.add(one.hash)
                yield b"%s:0" % json.dumps(one.hash).encode()
