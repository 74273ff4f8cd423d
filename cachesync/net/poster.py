"""Posting over real connections: one attempt, to an address that was checked, within its time.

What is said of httpx in `client` holds here too. Connections to the same origin are used again for
a short while; those that were made under another `refusal`, or none, are kept apart from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Self

from . import FetchError, Post, Resolver, Response, host, policy
from .answer import BrokenError
from .client import IDENTITY, Transport, plain_errors, trusted
from .wire import Backend, Deadline, Stream

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["HttpPoster"]

IDLE_SECONDS = 3.0
"""Servers close idle connections after 5 s or more: one of ours is given up before."""
MOST_IDLE = 256

_Refusal = Callable[[str], str | None]


class HttpPoster:
    """See `net.Poster`. Holds the connections; several threads may use it at once."""

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._context = trusted()
        self._lock = Lock()
        self._transports: dict[_Refusal | None, Transport] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            transports, self._transports = list(self._transports.values()), {}
        for transport in transports:
            transport.close()

    def post(self, post: Post, *, stop: Event) -> Response:
        """See `net.Poster`."""
        if not all(policy.is_sendable(value) for value in post.headers.values()):
            raise FetchError(f"{host(post.url)}: a header that cannot be sent")
        deadline = Deadline(post.seconds, self._clock, stop, setting="timeout:")
        try:
            with plain_errors(post.url):
                response = self._transport(post.refusal).ask(
                    "POST",
                    post.url,
                    {**IDENTITY, "Accept-Encoding": "identity", **post.headers},
                    body=post.body,
                    deadline=deadline,
                )
                return _taken(response, post)
        except BrokenError as error:
            raise FetchError(error.reason) from None

    def _transport(self, refusal: _Refusal | None) -> Transport:
        with self._lock:
            if refusal not in self._transports:
                self._transports[refusal] = Transport(
                    context=self._context,
                    backend=Backend(resolver=self._resolver, refusal=refusal),
                    idle_seconds=IDLE_SECONDS,
                    most_idle=MOST_IDLE,
                )
            return self._transports[refusal]


def _taken(response: Any, post: Post) -> Response:
    """The answer with the beginning of its body; its connection is given back, or up."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    stream = response.extensions.get("network_stream")
    body = bytearray()
    try:
        for data in response.iter_raw():
            body += data
            if len(body) >= post.most_bytes:
                break
        else:
            if isinstance(stream, Stream) and _is_overlong(headers, stream):
                stream.close()  # what is left over would be taken for the next answer
    finally:
        with suppress(Exception):  # a connection that cannot be closed properly is closed
            response.close()
    return Response(response.status_code, headers, bytes(body[: post.most_bytes]))


def _is_overlong(headers: Mapping[str, str], stream: Stream) -> bool:
    """Whether more arrived than the body that was announced."""
    if "transfer-encoding" in headers:
        return False
    length = headers.get("content-length", "0")
    return stream.body_bytes > (int(length) if length.isascii() and length.isdigit() else 0)
