"""The two ends of the control socket: where it is, who is at the other end, and the lines that come in."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

__all__ = [
    "LOOK_SECONDS",
    "MAX_LINE",
    "SOCKET",
    "Silence",
    "is_ours",
    "lines",
    "peer",
    "quiet",
    "short",
]

SOCKET = "control.sock"
MAX_LINE = 1 << 20
LOOK_SECONDS = 1.0
"""How long is waited at a time: silence is counted in these, so that a client that was itself
suspended takes nobody for silent."""


class Silence(Protocol):
    """How long nothing was heard."""

    def ends(self) -> None:
        """Something was heard."""

    def grows(self) -> None:
        """Nothing was heard for LOOK_SECONDS more. Raises when that is too long."""


def lines(connection: socket.socket, limit: float | Silence) -> Iterator[bytes]:
    """The lines that come in. Raises ValueError where they end, or one does not.

    Up to a time (`time.monotonic`), when TimeoutError is raised, or as long as `Silence` bears it.
    """
    rest = b""
    connection.settimeout(LOOK_SECONDS)
    while True:
        if isinstance(limit, float):
            connection.settimeout(max(0.001, limit - time.monotonic()))
        try:
            more = connection.recv(1 << 16)
        except TimeoutError:
            if isinstance(limit, float):
                raise
            limit.grows()
            continue
        if not isinstance(limit, float):
            limit.ends()
        *whole, rest = (rest + more).split(b"\n")
        yield from whole
        if not more or len(rest) > MAX_LINE:
            raise ValueError("the line did not end")


def peer(connection: socket.socket) -> tuple[int, int, int]:
    """Process, user and group at the other end; of a server those that began to listen."""
    size = struct.calcsize("3i")
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    process, user, group = struct.unpack("3i", packed)
    return process, user, group


def is_ours(connection: socket.socket) -> bool:
    """Whether the other end is this user or root, whatever the socket's mode has become."""
    _, user, _ = peer(connection)
    return user in (0, os.geteuid())


@contextmanager
def short(path: Path) -> Iterator[str]:
    """An address for `path`, however long its directory's name is (108 bytes are allowed)."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


@contextmanager
def quiet() -> Iterator[None]:
    """For a peer that went away, or said nothing: there is nobody to tell."""
    try:
        yield
    except (OSError, ValueError):
        return
