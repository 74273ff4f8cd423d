"""The other end of the control socket: a command that writes asks the daemon, and bears its silence for a while."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CachesyncError, LedgerBusyError, UsageError
from . import runtime
from .wire import LOOK_SECONDS, SOCKET, lines, peer, short

__all__ = ["PATIENCE", "Patience", "exists", "request"]


class Patience(NamedTuple):
    """How long one may be silent that hangs, or has no time; one that is stopped is told of at once."""

    say_seconds: float = 5.0
    give_up_seconds: float = 20.0


PATIENCE = Patience()


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
            said = map(json.loads, lines(connection, silence))
            reply = next(line for line in said if "busy" not in line)
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
            with short(state_dir / SOCKET) as address:
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
            with short(state_dir / SOCKET) as address:
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
        pid = peer(self._connection)[0] or runtime.holder(self._state_dir) or 0
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
