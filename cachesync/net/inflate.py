"""Unpacking gzip and deflate in bounded pieces, whatever the data claims. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

__all__ = ["GZIP_MAGIC", "PIECE_BYTES", "InflateError", "Inflater"]

PIECE_BYTES = 1 << 18
GZIP_MAGIC = b"\x1f\x8b"

_GZIP_BITS = 31
_ZLIB_BITS = 15
_RAW_BITS = -15


class InflateError(Exception):
    """The data is not what it claims to be, or ends early."""


class Inflater:
    """Unpacks a stream that is fed in chunks; checks its checksums.

    Takes several gzip members one after the other, as `cat a.gz b.gz` makes them, and zeros after
    the last. With `is_gzip` false it takes both things that are called deflate.
    """

    def __init__(self, *, is_gzip: bool = True) -> None:
        self._is_gzip = is_gzip
        self._start = b""
        self._member: zlib._Decompress | None = None
        self._is_over = False
        """At the end of a member, with nothing but zeros since."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` unpacks to, in pieces of at most PIECE_BYTES. Raises InflateError."""
        while data:
            if self._member is None:
                data = self._open(data)
                if self._member is None:
                    return
            try:
                piece = self._member.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise InflateError(_reason(error)) from None
            data = self._member.unconsumed_tail
            if self._member.eof:
                data, self._member, self._is_over = self._member.unused_data, None, True
            if piece:
                yield piece

    def finish(self) -> Iterator[bytes]:
        """What is left when everything was fed. Raises InflateError when the data ends early."""
        while self._member is not None:
            try:
                piece = self._member.decompress(b"", PIECE_BYTES)
            except zlib.error as error:
                raise InflateError(_reason(error)) from None
            if self._member.eof:
                if self._member.unused_data.strip(b"\0"):
                    raise InflateError("data after the end")
                self._member, self._is_over = None, True
            elif not piece:
                break
            if piece:
                yield piece
        if not self._is_over or self._start:
            raise InflateError("ends early")

    def _open(self, data: bytes) -> bytes:
        """Begin a member once its first two bytes are there; what is to be fed to it."""
        if self._is_over:
            data = data if self._start else data.lstrip(b"\0")
        data = self._start + data
        self._start = b""
        if len(data) < 2:
            self._start = data
            return b""
        if self._is_gzip:
            if not data.startswith(GZIP_MAGIC):
                raise InflateError("data after the end" if self._is_over else "is not gzip")
            bits = _GZIP_BITS
        elif self._is_over:
            raise InflateError("data after the end")
        else:
            is_zlib = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            bits = _ZLIB_BITS if is_zlib else _RAW_BITS
        self._member = zlib.decompressobj(bits)
        self._is_over = False
        return data


def _reason(error: zlib.error) -> str:
    return f"is damaged ({str(error).rpartition(': ')[2]})"
