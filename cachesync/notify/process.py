"""Running another program with bounds: its time, what is kept of what it says, what it inherits.

The daemon blocks its signals in every thread, and a program that `subprocess` starts would inherit
that and could not be ended politely. `posix_spawn` can give it a clean mask.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event
from typing import NamedTuple

__all__ = ["Finished", "inherited", "run"]

TICK_SECONDS = 0.2
GRACE_SECONDS = 1.0
"""Between asking a program to end and ending it."""
MOST_OUTPUT_BYTES = 1 << 16
_OF_SYSTEMD = frozenset(
    {
        "CREDENTIALS_DIRECTORY",
        "NOTIFY_SOCKET",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
    }
)
"""These are the daemon's own: to reach its secrets, or to speak in its name."""


class Finished(NamedTuple):
    """A program that has ended, or was ended."""

    status: int | None
    """Its exit status, negative for a signal; None when it was ended because of its time."""
    output: bytes
    """The end of what it wrote to what was read of it, at most MOST_OUTPUT_BYTES."""
    was_stopped: bool = False
    """It was ended since `stop` was set."""


def inherited(environment: Mapping[str, str], hidden: frozenset[str]) -> dict[str, str]:
    """What a program gets of the environment: nothing that holds secrets or speaks for the daemon."""
    return {k: v for k, v in environment.items() if k not in hidden and k not in _OF_SYSTEMD}


def run(
    argv: Sequence[str],
    *,
    standard_input: bytes,
    environment: Mapping[str, str],
    seconds: float,
    stop: Event,
    read: int = 2,
) -> Finished:
    """Run `argv`, whose first word is a path, in a process group of its own, and wait for its end.

    Descriptor `read` (1 or 2) of the program is read; of the two the other goes nowhere. When the
    time is over or `stop` is set the group gets SIGTERM, and SIGKILL soon after. Raises OSError
    when it cannot be started.
    """
    until = time.monotonic() + seconds
    child = _Child(argv, environment, standard_input, read)
    try:
        while not child.has_ended:
            left = until - time.monotonic()
            if left <= 0 or stop.is_set():
                child.end()
                return Finished(None, child.output(), was_stopped=left > 0)
            child.turn(min(left, TICK_SECONDS))
        child.drain()
        return Finished(child.reap(), child.output())
    finally:
        child.close()


class _Child:
    """A running program, its input and its output."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], data: bytes, read: int
    ) -> None:
        self.has_ended = False
        self._is_reaped = False
        self._input = memoryview(data)
        self._output = bytearray()
        self._selector = selectors.DefaultSelector()
        theirs_in, self._in = os.pipe()
        self._out, theirs_out = os.pipe()
        try:
            self._pid = _spawn(argv, environment, theirs_in, theirs_out, read)
        except BaseException:
            for descriptor in (self._in, self._out):
                os.close(descriptor)
            self._selector.close()
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self._exit = _exit_descriptor(self._pid)
        for descriptor in (self._in, self._out):
            os.set_blocking(descriptor, False)
        self._selector.register(self._in, selectors.EVENT_WRITE)
        self._selector.register(self._out, selectors.EVENT_READ)
        self._selector.register(self._exit, selectors.EVENT_READ)

    def turn(self, seconds: float) -> None:
        """Pass on what can be passed on, for so long at most."""
        for key, _ in self._selector.select(seconds):
            if key.fd == self._in:
                self._feed()
            elif key.fd == self._out:
                self._read()
            else:
                self.has_ended = True
                self._forget(self._exit)

    def _feed(self) -> None:
        try:
            self._input = self._input[os.write(self._in, self._input[:65536]) :]
        except BlockingIOError:  # select tells when there is room again
            return
        except OSError:  # it does not want to read it, which is its own business
            self._input = memoryview(b"")
        if not self._input:
            self._forget(self._in)

    def _read(self) -> bool:
        try:
            data = os.read(self._out, 65536)
        except BlockingIOError:  # nothing more as of now
            return False
        if not data:
            self._forget(self._out)
            return False
        self._output += data
        del self._output[:-MOST_OUTPUT_BYTES]
        return True

    def drain(self) -> None:
        """Read what is there already: a process it left behind may hold the other end open."""
        rounds = 2 * MOST_OUTPUT_BYTES // 4096
        while self._out in self._selector.get_map() and rounds and self._read():
            rounds -= 1

    def output(self) -> bytes:
        return bytes(self._output)

    def end(self) -> None:
        """End the whole group."""
        self._signal(signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while not self.has_ended and (left := until - time.monotonic()) > 0:
            self.turn(left)
        self._signal(signal.SIGKILL)  # also what it left behind; not yet reaped, it owns its number

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # it has ended, or became another's
            os.killpg(self._pid, number)

    def reap(self) -> int:
        """The exit status, negative for a signal; waits for it."""
        _, status = os.waitpid(self._pid, 0)
        self._is_reaped = True
        return os.waitstatus_to_exitcode(status)

    def _forget(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def close(self) -> None:
        """Close everything, and end what has not ended."""
        if not self._is_reaped:
            self._signal(signal.SIGKILL)
            self.reap()
        for descriptor in (self._in, self._out, self._exit):
            if descriptor in self._selector.get_map():
                self._forget(descriptor)
        self._selector.close()


def _exit_descriptor(pid: int) -> int:
    """Becomes readable when the process ends."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    standard_input: int,
    output: int,
    read: int,
) -> int:
    nowhere = 3 - read
    return os.posix_spawn(
        argv[0],
        list(argv),
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_DUP2, standard_input, 0),
            (os.POSIX_SPAWN_DUP2, output, read),
            (os.POSIX_SPAWN_OPEN, nowhere, os.devnull, os.O_WRONLY, 0),
            *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inheritable()),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=list(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}),
    )


def _inheritable() -> list[int]:
    """What the daemon itself was given by whoever started it; Python's own are never inherited."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
    return found
