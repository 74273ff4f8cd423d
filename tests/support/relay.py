"""A relay before a real server, which breaks an answer off, or lets something happen in the middle of it.

    with relaying(server.origin) as relay:
        relay.at("/v3/...", after=100, do=lambda: replace(...), cut=True)
        fetch(relay.origin + ...)
        relay.seen      # what was asked of the server, and what it answered

It changes nothing of what is sent; each request has a connection of its own to the server.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["Relay", "Seen", "relaying"]

_WINDOW = 64 * 1024
"""So little is on its way from the server that much of a large file is still unread there."""


class Seen(NamedTuple):
    """A request with its answer."""

    path: str
    range: str | None
    status: int


class _Trouble(NamedTuple):
    path: str
    after: int
    do: Callable[[], object]
    cut: bool


class Relay:
    """See the module."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        assert parts.hostname is not None
        assert parts.port is not None
        self._upstream = (parts.hostname, parts.port)
        self._troubles: list[_Trouble] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.seen: list[Seen] = []
        self.failed: list[BaseException] = []

    def at(self, path: str, *, after: int, do: Callable[[], object], cut: bool) -> None:
        """When so many bytes of the next answer's body for a path were passed on, `do`; then perhaps `cut`."""
        self._troubles.append(_Trouble(path, after, do, cut))

    def asked(self, path: str) -> list[Seen]:
        """What was asked for a path, and forget it."""
        found = [one for one in self.seen if one.path == path]
        self.seen = [one for one in self.seen if one.path != path]
        return found

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def serve(self) -> None:
        """Until it is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with closing(client), suppress(ConnectionError):
            try:
                self._pass_on(client)
            except ConnectionError:
                raise
            except BaseException as error:
                self.failed.append(error)
                raise

    def _pass_on(self, client: socket.socket) -> None:
        head = _head(client)
        if head is None:
            return
        lines = head[0].decode("latin-1").split("\r\n")
        path = lines[0].split(" ")[1]
        kept = [line for line in lines[1:] if not line.lower().startswith("connection:")]
        asked = next((x.partition(": ")[2] for x in kept if x.lower().startswith("range:")), None)
        with closing(socket.socket()) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)
            server.settimeout(20)
            server.connect(self._upstream)
            server.sendall(
                "\r\n".join([lines[0], "Connection: close", *kept, "", ""]).encode("latin-1")
            )
            answer = _head(server)
            assert answer is not None, "the server did not answer"
            self.seen.append(Seen(path, asked, int(answer[0].split(b" ")[1])))
            trouble = next((one for one in self._troubles if one.path == path), None)
            if trouble is not None:
                self._troubles.remove(trouble)
            client.sendall(answer[0] + b"\r\n\r\n")
            self._body(client, server, answer[1], trouble)

    def _body(
        self, client: socket.socket, server: socket.socket, begun: bytes, trouble: _Trouble | None
    ) -> None:
        left = trouble.after if trouble is not None else None
        piece = begun
        while True:
            if trouble is not None and left is not None and len(piece) >= left:
                client.sendall(piece[:left])
                trouble.do()
                if trouble.cut:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                client.sendall(piece[left:])
                trouble = None
            else:
                client.sendall(piece)
                left = None if left is None else left - len(piece)
            piece = server.recv(_WINDOW)
            if not piece:
                return


def _head(peer: socket.socket) -> tuple[bytes, bytes] | None:
    """The lines before the empty one, and what came behind it; None where nothing came."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = peer.recv(_WINDOW)
        if not piece:
            return None
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


@contextmanager
def relaying(upstream: str) -> Iterator[Relay]:
    """A relay that runs."""
    relay = Relay(upstream)
    thread = threading.Thread(target=relay.serve, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join(10)
    assert relay.failed == []
