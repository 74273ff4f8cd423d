"""A small receiver of webhooks on loopback: verifies each delivery and says what it is.

For trying, and for tests of what sends. It keeps nothing but the ids it has seen.
"""

from __future__ import annotations

import json
import math
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition
from typing import Any, NamedTuple

from ..errors import CachesyncError
from . import webhook

__all__ = ["Received", "Receiver"]

LOOPBACK = "127.0.0.1"
MOST_BYTES = 1 << 20
PATIENCE_SECONDS = 15.0
REMEMBERED = 10_000
REFUSED = 401


class Received(NamedTuple):
    """One delivery, and what it was answered."""

    id: str | None
    """Only of one that was verified."""
    is_again: bool
    """A verified one with this id came before."""
    problem: str | None
    """Why it is refused; None where it is not."""
    document: Any
    """The body, where it is verified and JSON."""
    answered: int


class Receiver:
    """Listens on a port of loopback; 0 is any free one. Raises CachesyncError when it is taken.

    `statuses` are what verified deliveries are answered, one after the other, the last for ever.
    `on_received` is called for one delivery at a time, before it is answered; when it returns
    False, `serve` ends.
    """

    def __init__(
        self,
        port: int,
        keys: Sequence[webhook.Key],
        *,
        on_received: Callable[[Received], bool],
        statuses: Sequence[int] = (204,),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = tuple(keys)
        self._on_received = on_received
        self._statuses = list(statuses)
        self._clock = clock
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._changed = Condition()
        self._unanswered = 0
        self._is_over = False
        try:
            self._server = _Server(port, self)
        except (OSError, OverflowError) as error:
            reason = (getattr(error, "strerror", None) or "no port").lower()
            raise CachesyncError(
                f"cannot listen on {LOOPBACK}:{port}: {reason}", hint="--port 0 takes any free one"
            ) from None
        self.origin = f"http://{LOOPBACK}:{self._server.server_port}/"

    def serve(self) -> None:
        """Receive until `on_received` returns False, and everything is answered."""
        with self._server:
            while not self._is_over:
                self._server.handle_request()
            with self._changed:
                self._changed.wait_for(lambda: not self._unanswered, PATIENCE_SECONDS)

    def take(self, headers: Sequence[tuple[str, str]], body: bytes) -> int | None:
        """Verify a delivery; the status to answer, None when nothing is received any more.

        Whoever has answered calls `answered`.
        """
        with self._changed:
            if self._is_over:
                return None
            self._unanswered += 1
            received = self._judge(headers, body)
            self._is_over = not self._on_received(received)
            return received.answered

    def answered(self) -> None:
        """A delivery that was taken has its answer, or nobody waits for it any more."""
        with self._changed:
            self._unanswered -= 1
            self._changed.notify_all()

    def _judge(self, headers: Sequence[tuple[str, str]], body: bytes) -> Received:
        try:
            verified = webhook.verify(webhook.unique(headers), body, self._keys, now=self._clock())
        except webhook.VerificationError as error:
            return Received(None, False, error.message, None, REFUSED)
        is_again = verified.id in self._seen
        self._seen[verified.id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        try:
            document = json.loads(body, parse_float=_number, parse_constant=_refuse)
        except (ValueError, RecursionError):
            document = None
        return Received(verified.id, is_again, None, document, status)


def _number(text: str) -> float | str:
    """A number of JSON; as it is written where it is too large for one, which JSON cannot say."""
    number = float(text)
    return number if math.isfinite(number) else text


def _refuse(_text: str) -> None:
    raise ValueError("no JSON")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    timeout = 0.2

    def __init__(self, port: int, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__((LOOPBACK, port), _Exchange)

    def server_bind(self) -> None:
        """Without asking for the name of this machine, as the library would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that goes away is no news."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "cachesync"
    sys_version = ""
    timeout = PATIENCE_SECONDS
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10):
            self._answer(411)
            return
        if int(length) > MOST_BYTES:
            self._answer(413)
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        assert isinstance(self.server, _Server)
        receiver = self.server.receiver
        status = receiver.take(self.headers.items(), body)
        if status is None:
            self.close_connection = True
            return
        try:
            self._answer(status, keep=True)
        finally:
            receiver.answered()

    def _answer(self, status: int, *, keep: bool = False) -> None:
        self.close_connection = self.close_connection or not keep
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: it would be raw."""
