"""TLS inside TLS: a server reached through a proxy that is itself spoken to over TLS.

The ssl module wraps sockets only. This is as much of a socket as `wire` uses, over a connection
that is encrypted already.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TypeVar

__all__ = ["NestedSocket"]

CHUNK_BYTES = 1 << 16
_T = TypeVar("_T")


class NestedSocket:
    """An encrypted connection over another one, with its time-out."""

    def __init__(
        self, outer: ssl.SSLSocket, context: ssl.SSLContext, server_hostname: str | None
    ) -> None:
        self._outer = outer
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._unsent = b""
        self._inner = context.wrap_bio(
            self._arrived, self._leaving, server_hostname=server_hostname
        )

    def settimeout(self, seconds: float | None) -> None:
        """As of a socket."""
        self._outer.settimeout(seconds)

    def fileno(self) -> int:
        """As of a socket."""
        return self._outer.fileno()

    def close(self) -> None:
        """As of a socket."""
        self._outer.close()

    def do_handshake(self) -> None:
        """As of an SSL socket; goes on where it was when it timed out."""
        self._carry(self._inner.do_handshake)

    def recv(self, size: int) -> bytes:
        """As of a socket."""
        try:
            return self._carry(lambda: self._inner.read(size))
        except ssl.SSLZeroReturnError:  # the end, as a socket tells it
            return b""

    def send(self, data: memoryview) -> int:
        """As of a socket; what was taken is sent before anything else is done."""
        self._flush()
        count = self._inner.write(data[:CHUNK_BYTES])
        self._unsent += self._leaving.read()
        try:
            self._flush()
        except TimeoutError:
            pass  # taken: the next call sends it
        return count

    def _carry(self, act: Callable[[], _T]) -> _T:
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                self._unsent += self._leaving.read()
                self._flush()
                data = self._outer.recv(CHUNK_BYTES)
                if data:
                    self._arrived.write(data)
                else:
                    self._arrived.write_eof()
            else:
                self._unsent += self._leaving.read()
                self._flush()
                return result

    def _flush(self) -> None:
        while self._unsent:
            self._unsent = self._unsent[self._outer.send(self._unsent) :]
