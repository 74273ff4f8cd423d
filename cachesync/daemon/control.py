"""The control socket: what commands that write ask of the daemon that holds the state directory.

A request is one line of JSON, and so is its reply. The socket belongs to the daemon's user alone.

A client that says `"beats": true` is sent a line at once, before anything is done, and one a second
until the reply: so it can tell work that takes long from a daemon that was stopped or hangs.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import CachesyncError, UsageError
from .wire import SOCKET, is_ours, lines, quiet, short

__all__ = ["Server"]

MAX_REQUESTS = 32
"""At one time; more are turned away."""
REQUEST_SECONDS = 10.0
"""For a request to arrive; what it asks for may take as long as it takes."""
BEAT_SECONDS = 1.0
BEAT = b'{"schema": 1, "busy": true}\n'
Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_log = logging.getLogger("cachesync")


class Server:
    """Answers requests, each in a thread of its own."""

    def __init__(self, state_dir: Path, handle: Handler) -> None:
        """Raises OSError when the socket cannot be made."""
        self._handle = handle
        self._is_closed = False
        self._free = threading.BoundedSemaphore(MAX_REQUESTS)
        self._path = state_dir / SOCKET
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        # Linux gives the file the mode of the socket. The umask is all threads', and what the writer
        # makes in that moment would be closed to everybody, a directory to its owner too.
        os.fchmod(self._socket.fileno(), 0o600)
        with short(self._path) as address:
            self._socket.bind(address)
        self._socket.listen(16)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether requests are answered."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Take no more requests."""
        self._is_closed = True
        with quiet():
            self._path.unlink(missing_ok=True)
        with quiet():
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._is_closed:
                    return
                time.sleep(0.1)  # out of descriptors: some will be given back
                continue
            if not self._free.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(
                target=self._answer, args=(connection,), name="request", daemon=True
            ).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            self._converse(connection)
        finally:
            self._free.release()

    def _converse(self, connection: socket.socket) -> None:
        with connection, quiet():
            if not is_ours(connection):
                return
            line = next(lines(connection, time.monotonic() + REQUEST_SECONDS))
            connection.settimeout(REQUEST_SECONDS)
            try:
                asked = _parsed(line)
            except UsageError as error:
                reply: Mapping[str, Any] = _error(error)
            else:
                with _beating(connection, is_wanted=asked.get("beats") is True):
                    reply = self._reply(asked)
            connection.sendall(json.dumps(reply).encode() + b"\n")

    def _reply(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return {"schema": 1, "result": self._handle(asked)}
        except CachesyncError as error:
            return _error(error)
        except Exception as error:
            # A mistake of the daemon's: whoever asked hears of it, and it goes on.
            _log.exception("a request of the control socket failed")
            kind = type(error).__name__
            return _error(CachesyncError(f"the daemon failed: {kind}", hint="see its log"))


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise UsageError("a request is a line with a JSON object")
    return asked


@contextmanager
def _beating(connection: socket.socket, *, is_wanted: bool) -> Iterator[None]:
    """Send a beat at once and one a second meanwhile. Raises OSError when nobody waits any more."""
    if not is_wanted:
        yield
        return
    connection.sendall(BEAT)  # whoever gave up has it not done behind their back
    done = threading.Event()

    def beat() -> None:
        with quiet():
            while not done.wait(BEAT_SECONDS):
                connection.sendall(BEAT)

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _error(error: CachesyncError) -> dict[str, Any]:
    return {
        "schema": 1,
        "error": error.message,
        "hint": error.hint,
        "exit": error.exit_status,
        "usage": isinstance(error, UsageError),  # what a client from before an upgrade reads
    }
