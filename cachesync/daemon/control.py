"""The control socket: how commands that write reach the daemon that holds the state directory.

A request is one line of JSON, and so is its reply. The socket belongs to the daemon's user alone.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import CachesyncError, LedgerBusyError, UsageError

__all__ = ["SOCKET", "Server", "exists", "request"]

SOCKET = "control.sock"
MAX_LINE = 1 << 20
MAX_REQUESTS = 32
"""At one time; more are turned away."""
REQUEST_SECONDS = 10.0
"""For a request to arrive; what it asks for may take as long as it takes."""

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
        mask = os.umask(0o177)
        try:
            with _short(self._path) as address:
                self._socket.bind(address)
        finally:
            os.umask(mask)
        self._socket.listen(16)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether requests are answered."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Take no more requests."""
        self._is_closed = True
        with _quiet():
            self._path.unlink(missing_ok=True)
        with _quiet():
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
        with connection, _quiet():
            if not _is_ours(connection):
                return
            reply = self._reply(_read_line(connection, time.monotonic() + REQUEST_SECONDS))
            connection.settimeout(REQUEST_SECONDS)
            connection.sendall(json.dumps(reply).encode() + b"\n")

    def _reply(self, line: bytes) -> Mapping[str, Any]:
        try:
            return {"schema": 1, "result": self._handle(_parsed(line))}
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


def _error(error: CachesyncError) -> dict[str, Any]:
    return {
        "schema": 1,
        "error": error.message,
        "hint": error.hint,
        "exit": error.exit_status,
        "usage": isinstance(error, UsageError),  # what a client from before an upgrade reads
    }


def exists(state_dir: Path) -> bool:
    """Whether there is a socket, of a daemon that runs or one that was killed."""
    return (state_dir / SOCKET).exists()


def request(
    state_dir: Path, asked: Mapping[str, Any], *, seconds: float | None = None
) -> dict[str, Any] | None:
    """What the daemon that holds `state_dir` answers, within `seconds`; None when there is none to ask.

    Raises the daemon's CachesyncError, and LedgerBusyError when it goes away before it answers.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with connection:
        try:
            with _short(state_dir / SOCKET) as address:
                connection.connect(address)
        except OSError:
            return None
        try:
            connection.sendall(json.dumps(dict(asked)).encode() + b"\n")
            until = None if seconds is None else time.monotonic() + seconds
            reply = json.loads(_read_line(connection, until))
        except (OSError, ValueError):
            raise LedgerBusyError(
                "the daemon ended before it answered", hint="see its log, and try again"
            ) from None
    if "result" in reply:
        result: dict[str, Any] = reply["result"]
        return result
    kind = UsageError if reply.get("usage") else CachesyncError
    error = kind(str(reply.get("error")), hint=reply.get("hint"))
    # A daemon from before an upgrade does not say it.
    error.exit_status = int(reply.get("exit", error.exit_status))
    raise error


def _read_line(connection: socket.socket, until: float | None = None) -> bytes:
    """One line; raises TimeoutError when it is not there `until` then (`time.monotonic`)."""
    line = b""
    while not line.endswith(b"\n"):
        if until is not None:
            connection.settimeout(max(0.001, until - time.monotonic()))
        more = connection.recv(1 << 16)
        if not more or len(line) > MAX_LINE:
            raise ValueError("the line did not end")
        line += more
    return line


def _is_ours(connection: socket.socket) -> bool:
    """Whether the other end is this user or root, whatever the socket's mode has become."""
    size = struct.calcsize("3i")
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, user, _ = struct.unpack("3i", packed)
    return user in (0, os.geteuid())


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """An address for `path`, however long its directory's name is (108 bytes are allowed)."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


@contextmanager
def _quiet() -> Iterator[None]:
    """For a peer that went away, or said nothing: there is nobody to tell."""
    try:
        yield
    except (OSError, ValueError):
        return
