"""Posting over real connections: one attempt, to an address that was checked, within its time.

What is said of httpx in `client` holds here too. A connection is used again for a short while, for
the same address under the same `refusal` only: it was checked when it was made. So each address has
a pool of its own, which is also faster than one for many, where each request looks at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Self

from . import policy
from .answer import BrokenError
from .client import IDENTITY, Transport, plain_errors, trusted
from .request import FetchError, Post, Resolver, Response, host
from .wire import Backend, Deadline, Stream

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["HttpPoster"]

IDLE_SECONDS = 3.0
"""Servers close idle connections after 5 s or more: one of ours is given up before."""
MOST_IDLE = 4
"""Connections to one address; each is used by one thread at a time."""

_Refusal = Callable[[str], str | None]
_Lane = tuple[str, _Refusal | None]


class _Connections:
    """Those to one address, and whether they are needed."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.users = 0
        self.unused_since = 0.0


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
        self._lanes: dict[_Lane, _Connections] = {}
        self._swept_at = clock()

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
            lanes, self._lanes = list(self._lanes.values()), {}
        for connections in lanes:
            connections.transport.close()

    def post(self, post: Post, *, stop: Event) -> Response:
        """See `net.Poster`."""
        if not all(policy.is_sendable(value) for value in post.headers.values()):
            raise FetchError(f"{host(post.url)}: a header that cannot be sent")
        deadline = Deadline(post.seconds, self._clock, stop, setting="timeout:")
        headers = {**IDENTITY, "Accept-Encoding": "identity", **post.headers}
        try:
            with self._transport(post) as transport, plain_errors(post.url):
                return _taken(
                    transport.ask("POST", post.url, headers, body=post.body, deadline=deadline),
                    post,
                )
        except BrokenError as error:
            raise FetchError(error.reason) from None

    @contextmanager
    def _transport(self, post: Post) -> Iterator[Transport]:
        """The connections to an address, made when they are needed, and not closed meanwhile."""
        with self._lock:
            unused = self._unused()
            connections = self._lanes.get((post.url, post.refusal))
            if connections is None:
                connections = _Connections(
                    Transport(
                        context=self._context,
                        backend=Backend(resolver=self._resolver, refusal=post.refusal),
                        idle_seconds=IDLE_SECONDS,
                        most_idle=MOST_IDLE,
                    )
                )
                self._lanes[post.url, post.refusal] = connections
            connections.users += 1
        for transport in unused:
            transport.close()
        try:
            yield connections.transport
        finally:
            with self._lock:
                connections.users -= 1
                connections.unused_since = self._clock()

    def _unused(self) -> list[Transport]:
        """What nobody has used for a while, forgotten now; looks once in a while."""
        now = self._clock()
        if now - self._swept_at < IDLE_SECONDS:
            return []
        self._swept_at = now
        idle = [
            lane
            for lane, connections in self._lanes.items()
            if not connections.users and now - connections.unused_since >= IDLE_SECONDS
        ]
        return [self._lanes.pop(lane).transport for lane in idle]


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
