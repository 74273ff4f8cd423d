"""An answer whose body is still to be read: bounded, unpacked, and as long as it says it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .inflate import InflateError, Inflater
from .request import FetchError, TooLargeError, host

__all__ = ["Answer", "BrokenError"]

MOST_TIMES_LARGER = 200
"""Unpacked to packed: pages reach 60 times, a bomb some 1,000. Refused before it fills the memory."""
HARMLESS_BYTES = 2 << 20
"""Unpacked, whatever it was before."""
MOST_ERROR_BYTES = 1 << 16
"""Of the body that comes with an answer other than 200."""


class BrokenError(Exception):
    """An exchange that broke, and may work another time; says with which host."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answer:
    """Status and headers of an answer, and a way to read its body once; to be closed."""

    def __init__(
        self,
        *,
        url: str,
        status: int,
        headers: Mapping[str, str],
        raw: Iterator[bytes],
        arrived: Callable[[], int],
        on_close: Callable[[bool], None],
        has_body: bool = True,
    ) -> None:
        """`has_body`: False for the answer to a HEAD, whose headers tell of a body that does not come."""
        self.url = url
        self.status = status
        self.headers = headers
        self._raw = raw
        self._arrived = arrived
        self._on_close: Callable[[bool], None] | None = on_close
        self._has_body = has_body
        self._is_overlong = False

    def close(self) -> None:
        """Give the connection back, or up when the body was not read."""
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close(self._is_overlong)

    def whole(self, most_bytes: int) -> bytes:
        """The body; of an answer other than 200 what comes easily. Raises as `chunks` does."""
        if not self._has_body:
            self._is_overlong = self._arrived() > 0
            return b""
        if self.status == 200:
            return b"".join(self.chunks(most_bytes))
        try:
            return b"".join(self.chunks(min(most_bytes, MOST_ERROR_BYTES)))
        except (TooLargeError, BrokenError):
            return b""

    def last_chunks(self, most_bytes: int) -> Iterator[bytes]:
        """Like `chunks`, where nobody will ask again: raises FetchError only."""
        try:
            yield from self.chunks(most_bytes)
        except BrokenError as error:
            raise FetchError(error.reason) from None

    def chunks(self, most_bytes: int) -> Iterator[bytes]:
        """The unpacked body, bounded. Raises FetchError, and BrokenError for what may pass."""
        inflater = self._inflater()
        total = 0
        for piece in self._unpacked(inflater, most_bytes) if inflater else self._packed(most_bytes):
            total += len(piece)
            if total > most_bytes:
                raise self._too_large(most_bytes)
            yield piece

    def _unpacked(self, inflater: Inflater, most_bytes: int) -> Iterator[bytes]:
        sent = unpacked = 0
        try:
            for packed in self._packed(most_bytes):
                sent += len(packed)
                for piece in inflater.feed(packed):
                    unpacked += len(piece)
                    if unpacked > max(HARMLESS_BYTES, MOST_TIMES_LARGER * sent):
                        raise TooLargeError(
                            f"{host(self.url)}: a body packed more than"
                            f" {MOST_TIMES_LARGER} times smaller than it is"
                        )
                    yield piece
            if sent:
                yield from inflater.finish()
        except InflateError as error:
            raise BrokenError(f"{host(self.url)}: the packed body {error}") from None

    def _packed(self, most_bytes: int) -> Iterator[bytes]:
        """The body as it is sent; raises where it is not as long as announced."""
        length = self._length()
        if length is not None and length > most_bytes:
            raise self._too_large(most_bytes)
        total = 0
        for data in self._raw:
            total += len(data)
            if total > most_bytes:
                raise self._too_large(most_bytes)
            yield data
        # The HTTP library stops at the announced length; what arrived beyond it was cut off.
        arrived = max(total, self._arrived())
        if length is not None and arrived != length:
            self._is_overlong = arrived > length
            raise BrokenError(f"{host(self.url)}: a body of {arrived} bytes, announced as {length}")

    def _length(self) -> int | None:
        text = self.headers.get("content-length", "")
        if self.status in (204, 304) or "transfer-encoding" in self.headers:
            return None
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def _inflater(self) -> Inflater | None:
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity"):
            return None
        if encoding in ("gzip", "x-gzip", "deflate"):
            return Inflater(is_gzip=encoding != "deflate")
        raise FetchError(
            f"{host(self.url)}: the body is packed as {encoding[:40]!r}, which nobody asked for"
        )

    def _too_large(self, most_bytes: int) -> TooLargeError:
        return TooLargeError(f"{host(self.url)}: larger than the limit of {most_bytes:,} bytes")
