"""The control socket: how commands that write reach the daemon that holds the state directory.

A request is one line of JSON, and so is its reply. The socket belongs to the daemon's user alone.

A client that says `"beats": true` is sent a line at once, before anything is done, and one a second
until the reply: so it can tell work that takes long from a daemon that was stopped or hangs.
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
from typing import Any, NamedTuple

from ..errors import CachesyncError, LedgerBusyError, UsageError
from . import runtime

__all__ = ["PATIENCE", "SOCKET", "Patience", "Server", "exists", "request"]

SOCKET = "control.sock"
MAX_LINE = 1 << 20
MAX_REQUESTS = 32
"""At one time; more are turned away."""
REQUEST_SECONDS = 10.0
"""For a request to arrive; what it asks for may take as long as it takes."""
BEAT_SECONDS = 1.0
BEAT = b'{"schema": 1, "busy": true}\n'
LOOK_SECONDS = 1.0
"""How long is waited at a time: silence is counted in these, so that a client that was itself
suspended takes nobody for silent."""


class Patience(NamedTuple):
    """How long one may be silent that hangs, or has no time; one that is stopped is told of at once."""

    say_seconds: float = 5.0
    give_up_seconds: float = 20.0


PATIENCE = Patience()

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
        with _short(self._path) as address:
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
            line = next(_lines(connection, time.monotonic() + REQUEST_SECONDS))
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
        with _quiet():
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


def exists(state_dir: Path) -> bool:
    """Whether there is a socket, of a daemon that runs or one that was killed."""
    return (state_dir / SOCKET).exists()


def request(
    state_dir: Path,
    asked: Mapping[str, Any],
    *,
    on_silence: Callable[[int], object] = lambda _pid: None,
    patience: Patience = PATIENCE,
) -> dict[str, Any] | None:
    """What the daemon that holds `state_dir` answers; None when there is none to ask.

    `on_silence` is called with its pid, once, when it shows no sign of life for a while. Raises the
    daemon's CachesyncError, and LedgerBusyError when it goes away before it answers, or is silent
    for too long.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with connection:
        silence = _Silence(connection, state_dir, on_silence, patience)
        if not _connect(connection, state_dir, silence):
            return None
        try:
            connection.sendall(json.dumps({**asked, "beats": True}).encode() + b"\n")
            lines = map(json.loads, _lines(connection, silence))
            reply = next(line for line in lines if "busy" not in line)
        except (OSError, ValueError, TypeError):
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


def _connect(connection: socket.socket, state_dir: Path, silence: _Silence) -> bool:
    """Whether there is a daemon to talk to. Raises LedgerBusyError where none takes the call."""
    connection.settimeout(LOOK_SECONDS)
    while True:
        try:
            with _short(state_dir / SOCKET) as address:
                connection.connect(address)
        except BlockingIOError:  # as many as it lets wait do so already
            time.sleep(LOOK_SECONDS)
            silence.grows()
        except OSError:  # no socket, or nobody behind it
            return False
        else:
            return True


def _takes_calls(state_dir: Path) -> bool:
    """Whether a daemon answers a question that it need not understand.

    One from before an upgrade sends no beats, and works all the same. None has to do anything for it.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with connection:
        connection.settimeout(LOOK_SECONDS)
        try:
            with _short(state_dir / SOCKET) as address:
                connection.connect(address)
            connection.sendall(b'{"command": "beat"}\n')
            connection.recv(1)  # nothing at all: it has too much to do, and says so
        except OSError:
            return False
    return True


class _Silence:
    """How long nothing was heard."""

    def __init__(
        self, connection: socket.socket, state_dir: Path, on_silence: Callable[[int], object],
        patience: Patience,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._state_dir = state_dir
        self._on_silence = on_silence
        self._patience = patience
        self._seconds = 0.0
        self._is_said = False

    def ends(self) -> None:
        """Something was heard."""
        self._seconds = 0.0

    def grows(self) -> None:
        """Nothing was heard for LOOK_SECONDS more. Raises LedgerBusyError when that is too long."""
        self._seconds += LOOK_SECONDS
        pid = _peer(self._connection)[0] or runtime.holder(self._state_dir) or 0
        is_stopped = runtime.is_stopped(pid)
        if not is_stopped:
            if self._seconds < self._patience.say_seconds:
                return
            if _takes_calls(self._state_dir):
                self.ends()
                return
            self._seconds += LOOK_SECONDS
        if not self._is_said:
            self._on_silence(pid)
        self._is_said = True
        if self._seconds >= self._patience[0 if is_stopped else 1]:  # nothing comes of waiting
            raise LedgerBusyError(
                f"the daemon (pid {pid}) does not answer",
                hint=f"it is stopped; `kill -CONT {pid}` has it go on" if is_stopped
                else "see its log; `systemctl restart cachesync` where it is a service",
            )  # fmt: skip


def _lines(connection: socket.socket, limit: float | _Silence) -> Iterator[bytes]:
    """The lines that come in. Raises ValueError where they end, or one does not.

    Up to a time (`time.monotonic`), when TimeoutError is raised, or as long as `_Silence` bears it.
    """
    rest = b""
    connection.settimeout(LOOK_SECONDS)
    while True:
        if isinstance(limit, float):
            connection.settimeout(max(0.001, limit - time.monotonic()))
        try:
            more = connection.recv(1 << 16)
        except TimeoutError:
            if not isinstance(limit, _Silence):
                raise
            limit.grows()
            continue
        if isinstance(limit, _Silence):
            limit.ends()
        *lines, rest = (rest + more).split(b"\n")
        yield from lines
        if not more or len(rest) > MAX_LINE:
            raise ValueError("the line did not end")


def _peer(connection: socket.socket) -> tuple[int, int, int]:
    """Process, user and group at the other end; of a server those that began to listen."""
    size = struct.calcsize("3i")
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    process, user, group = struct.unpack("3i", packed)
    return process, user, group


def _is_ours(connection: socket.socket) -> bool:
    """Whether the other end is this user or root, whatever the socket's mode has become."""
    _, user, _ = _peer(connection)
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
