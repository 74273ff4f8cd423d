"""The bytes of an index blob as they are or out of gzip, and never more than allowed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import CacheIndexError
from ..net.inflate import GZIP_MAGIC, InflateError, Inflater

__all__ = ["unpacked"]


def unpacked(pieces: Iterable[bytes], *, most_bytes: int) -> Iterator[bytes]:
    """The document that `pieces` are of, in pieces: unpacked where they begin as gzip does.

    What the manifest says of packing is not needed: no document begins so. Raises CacheIndexError when
    the data is damaged or cut, or more than `most_bytes` come out.
    """
    total = 0
    try:
        for piece in _inflated(iter(pieces)):
            total += len(piece)
            if total > most_bytes:
                raise CacheIndexError(f"the index is larger than {most_bytes:,} bytes")
            yield piece
    except InflateError as error:
        raise CacheIndexError(f"the index cannot be unpacked: {error}") from None


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= len(GZIP_MAGIC):
            break
    if not start.startswith(GZIP_MAGIC):
        if start:
            yield start
        yield from pieces
        return
    inflater = Inflater()
    yield from inflater.feed(start)
    for piece in pieces:
        yield from inflater.feed(piece)
    yield from inflater.finish()
