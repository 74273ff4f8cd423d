"""A receiver of webhooks, for tests: a real server that verifies with the published library.

What it answers is decided for each request by a function; what it was sent is kept in order.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


class Received(NamedTuple):
    """A request whose signature is right."""

    id: str
    timestamp: int
    signature: str
    body: bytes
    status: int

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def data(self) -> dict[str, Any]:
        return self.json["data"]


Answer = Callable[[BaseHTTPRequestHandler, str], int]
"""Writes an answer itself and returns 0, or returns the status of an empty one."""


class Receiver:
    """A server on loopback."""

    def __init__(self, answer: Answer = lambda _request, _id: 204) -> None:
        self.received: list[Received] = []
        self.bad: list[str] = []
        self.answer = answer
        self.in_flight = 0
        self.most_in_flight = 0
        self.secret = SECRET
        self.released = threading.Event()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self) -> None:
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, *_arguments) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, client_address) -> None:
                """Clients that are killed, and answers that are cut off on purpose."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers["Content-Length"])
        body = request.rfile.read(length)
        if len(body) < length:  # who sends it was killed in the middle
            request.close_connection = True
            return
        with self._lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            try:
                Webhook(self.secret).verify(body.decode(), headers)
            except Exception as error:
                self.bad.append(repr(error))
            status = self.answer(request, headers["webhook-id"])
            with self._lock:
                self.received.append(
                    Received(
                        headers["webhook-id"], int(headers["webhook-timestamp"]),
                        headers["webhook-signature"], body, status,
                    )
                )  # fmt: skip
        finally:
            with self._lock:
                self.in_flight -= 1
        if status:
            request.send_response(status)
            request.send_header("Content-Length", "0")
            request.end_headers()

    @property
    def accepted(self) -> list[Received]:
        """What was answered with 2xx, in order."""
        return [r for r in list(self.received) if 200 <= r.status < 300]

    def first_accepted(self) -> list[Received]:
        """Each message once, in the order in which they were first accepted."""
        return list({r.id: r for r in reversed(self.accepted)}.values())[::-1]

    def changes(self) -> list[dict[str, Any]]:
        """The changes of all messages, each message once."""
        return [change for r in self.first_accepted() for change in r.data["changes"]]

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def receiver(answer: Answer = lambda _request, _id: 204) -> Iterator[Receiver]:
    """A receiver that is there for as long as it is needed."""
    opened = Receiver(answer)
    try:
        yield opened
    finally:
        opened.close()


def hang(opened_by: Callable[[], Receiver]) -> Answer:
    """An answer that never comes, until the receiver is closed."""

    def answer(_request: BaseHTTPRequestHandler, _id: str) -> int:
        opened_by().released.wait(120)
        time.sleep(0)
        return 500

    return answer


def subscription(
    url: str, *, name: str = "all", query: str = "", secret: str, extra: str = "", target: str = ""
) -> str:  # fmt: skip
    """The lines of a config that subscribe to a query."""
    return (
        f"  - name: {name}\n    query: '{query}'\n{extra}    targets:\n"
        f"      - {{type: webhook, url: '{url}', secret: {{file: {secret}}}, allow_private: true{target}}}\n"
    )
