"""Posting over real connections: one attempt, to an address that was checked, within its time.

A connection is used again for a short while, for
the same address under the same `refusal` only: it was checked when it was made. So each address has
a pool of its own, which is also faster than one for many, where each request looks at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Lock
from typing import Self

from . import policy
from .access import Access, Authorities
from .answer import BrokenError
from .request import FetchError, Post, Resolver, Response, host
from .transport import IDENTITY, Begun, Transport, plain_errors, through
from .trust import Trust, is_encrypted
from .tunnel import look_up, unwelcome
from .wire import Backend, Deadline

__all__ = ["HttpPoster"]

IDLE_SECONDS = 3.0
"""Servers close idle connections after 5 s or more: one of ours is given up before."""
MOST_IDLE = 4
"""Connections to one address; each is used by one thread at a time."""

_Refusal = Callable[[str], str | None]
_Lane = tuple[str, _Refusal | None, Access]


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
        self._trusts: dict[Authorities | None, Trust] = {None: Trust()}
        self._lock = Lock()
        self._lanes: dict[_Lane, _Connections] = {}
        self._swept_at = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
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
                response = _taken(
                    transport.ask("POST", post.url, headers, body=post.body, deadline=deadline),
                    post,
                )
                proxy = post.access.proxies.find(post.url)
                refused = proxy and unwelcome(proxy, response.status, response.headers)
                if refused:
                    raise refused
                return response
        except BrokenError as error:
            raise FetchError(error.reason) from None

    @contextmanager
    def _transport(self, post: Post) -> Iterator[Transport]:
        """The connections to an address, made when they are needed, and not closed meanwhile."""
        with self._lock:
            unused = self._unused()
            lane = (post.url, post.refusal, post.access)
            connections = self._lanes.get(lane)
            if connections is None:
                connections = self._lanes[lane] = _Connections(self._new_transport(post))
            connections.users += 1
        for transport in unused:
            transport.close()
        try:
            yield connections.transport
        finally:
            with self._lock:
                connections.users -= 1
                connections.unused_since = self._clock()

    def _new_transport(self, post: Post) -> Transport:
        authorities = post.access.authorities
        if authorities not in self._trusts:
            self._trusts[authorities] = Trust(authorities)
        proxy = post.access.proxies.find(post.url)
        context = self._trusts[authorities].context(is_encrypted=is_encrypted(post.url, proxy))
        backend = Backend(resolver=self._resolver, refusal=post.refusal)
        if proxy is not None and post.refusal is None:
            backend = through(proxy, context)
        elif proxy is not None and post.refusal is not None:
            _, name, port = policy.origin(post.url)
            check = look_up(name, port or 0, post.refusal, self._resolver)
            backend = through(proxy, context, check)
        return Transport(
            context=context,
            proxy=proxy,
            backend=backend,
            idle_seconds=IDLE_SECONDS,
            most_idle=MOST_IDLE,
        )

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


def _taken(begun: Begun, post: Post) -> Response:
    """The answer with the beginning of its body; its connection is given back, or up."""
    body, is_overlong = bytearray(), False
    try:
        for data in begun.raw():
            body += data
            if len(body) >= post.most_bytes:
                break
        else:
            is_overlong = _is_overlong(begun.headers, begun.body_bytes())
    finally:
        begun.close(is_overlong=is_overlong)
    return Response(begun.status, begun.headers, bytes(body[: post.most_bytes]))


def _is_overlong(headers: Mapping[str, str], body_bytes: int) -> bool:
    """Whether more arrived than the body that was announced."""
    if "transfer-encoding" in headers:
        return False
    length = headers.get("content-length", "0")
    return body_bytes > (int(length) if length.isascii() and length.isdigit() else 0)
