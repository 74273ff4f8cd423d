"""Connections that keep to one deadline for everything, and end when they are told to.

A timeout that starts anew with every byte never ends a server that drips. So where httpcore hands
a number of seconds to its backend, this backend is handed a `Deadline`: it blocks for a short
while at a time and looks at the clock in between. Name resolution counts too.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, cast

import httpcore

from .nested import NestedSocket
from .request import FetchError, FetchStoppedError, ForbiddenError, Resolver

__all__ = ["Backend", "Deadline", "Stream", "deadline_of", "resolved"]

BLOCKING_SECONDS = 0.2
"""No call blocks for longer without a look at the deadline and the wish to stop."""
ADDRESS_SECONDS = 10.0
"""How long one address of several may take to connect."""
MOST_HEAD_BYTES = 1 << 18

_Address = tuple[int, Any]
"""Family and what `connect` takes."""
_Socket = socket.socket | NestedSocket


class Deadline:
    """The instant by which an exchange has to be over."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float],
        stop: Event,
        *,
        setting: str = "limits: request",
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._stop = stop
        self._setting = setting
        self._at = clock() + seconds

    def sooner(self, seconds: float) -> Deadline:
        """One that is over after so many seconds, and not after this one. Raises as `left` does."""
        return Deadline(min(seconds, self.left()), self._clock, self._stop, setting=self._setting)

    def left(self) -> float:
        """The seconds left. Raises FetchError when there are none, FetchStoppedError when told."""
        if self._stop.is_set():
            raise FetchStoppedError("stopped")
        left = self._at - self._clock()
        if left <= 0:
            raise FetchError(f"no complete answer within {self._seconds:g} s (`{self._setting}`)")
        return left

    def blocking(self) -> float:
        """How long to block now; raises as `left` does."""
        return min(self.left(), BLOCKING_SECONDS)

    def extend(self, seconds: float) -> None:
        """Move it away by what does not count."""
        self._at += seconds


class Backend(httpcore.NetworkBackend):
    """Makes TCP connections; every `timeout` it is handed is a Deadline.

    A name is resolved once for a connection, which goes to one of these addresses. With `refusal`,
    it goes nowhere unless every one of them may be connected to.
    """

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        refusal: Callable[[str], str | None] | None = None,
    ) -> None:
        self._resolver = resolver
        self._refusal = refusal

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that takes it.

        Raises httpcore.ConnectError, or ForbiddenError before anything is sent.
        """
        deadline = deadline_of(timeout)
        try:
            addresses = _addresses(host, port, self._resolver, deadline)
            self._check(address for _, (address, *_) in addresses)
            return Stream(_connected(addresses, deadline))
        except OSError as error:
            raise httpcore.ConnectError(_reason(error)) from error

    def _check(self, addresses: Iterable[str]) -> None:
        for address in addresses if self._refusal is not None else ():
            why = self._refusal(address) if self._refusal is not None else None
            if why is not None:
                raise ForbiddenError(
                    f"it is at {address[:64]}, {why}: nothing is sent there",
                    hint="`allow_private: true` on the target permits it",
                )


class Stream(httpcore.NetworkStream):
    """A connection; counts what arrives after the head of the latest answer."""

    def __init__(self, sock: _Socket) -> None:
        self._sock = sock
        self._head: bytes | None = b""
        self.body_bytes = 0
        """What arrived of the body, and after it."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes, none at the end. Raises httpcore.ReadError."""
        deadline = deadline_of(timeout)
        while True:
            self._sock.settimeout(deadline.blocking())
            try:
                data = self._sock.recv(max_bytes)
            except TimeoutError:  # a slice of the time is over; the deadline says when all of it is
                continue
            except OSError as error:
                raise httpcore.ReadError(_reason(error)) from error
            self._count(data)
            return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything. Raises httpcore.WriteError."""
        deadline = deadline_of(timeout)
        self._head, self.body_bytes = b"", 0
        rest = memoryview(buffer)
        while rest:
            self._sock.settimeout(deadline.blocking())
            try:
                rest = rest[self._sock.send(rest) :]
            except TimeoutError:  # a slice of the time is over; the deadline says when all of it is
                continue
            except OSError as error:
                raise httpcore.WriteError(_reason(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted and verified.

        Raises httpcore.ConnectError, or FetchError when the certificate is not to be trusted.
        """
        deadline = deadline_of(timeout)
        sock: _Socket = self._sock
        try:
            sock = secured = _secured(self._sock, ssl_context, server_hostname)
            while True:
                secured.settimeout(deadline.blocking())
                with suppress(TimeoutError):  # the deadline says when it is over
                    secured.do_handshake()
                    return Stream(secured)
        except ssl.SSLCertVerificationError as error:
            sock.close()
            raise FetchError(f"its certificate is refused: {error.verify_message}") from error
        except OSError as error:
            sock.close()
            raise httpcore.ConnectError(_reason(error)) from error
        except BaseException:
            sock.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of an idle connection."""
        if info == "is_readable":
            return bool(_poll(self._sock, select.POLLIN, 0.0))
        return self._sock if info == "socket" else None

    def _count(self, data: bytes) -> None:
        if self._head is None:
            self.body_bytes += len(data)
            return
        self._head += data
        while self._head is not None and (end := self._head.find(b"\r\n\r\n")) >= 0:
            head, rest = self._head[:end], self._head[end + 4 :]
            if head.lstrip().partition(b" ")[2].startswith(b"1"):
                self._head = rest  # 100 Continue and the like come before the answer
            else:
                self._head, self.body_bytes = None, len(rest)
        if self._head is not None and len(self._head) > MOST_HEAD_BYTES:
            self._head = None


def _secured(
    sock: _Socket, context: ssl.SSLContext, server_hostname: str | None
) -> ssl.SSLSocket | NestedSocket:
    """What encrypts over `sock`, before its handshake."""
    if isinstance(sock, ssl.SSLSocket):
        return NestedSocket(sock, context, server_hostname)
    assert isinstance(sock, socket.socket), "no more than TLS in TLS"
    return context.wrap_socket(sock, server_hostname=server_hostname, do_handshake_on_connect=False)


def deadline_of(timeout: float | None) -> Deadline:
    """What httpcore takes for a number of seconds."""
    return cast("Deadline", timeout)


def _addresses(
    host: str, port: int, resolver: Resolver | None, deadline: Deadline
) -> list[_Address]:
    """All addresses of a host. The resolver cannot be interrupted, so it runs aside."""
    answers: SimpleQueue[list[_Address] | OSError] = SimpleQueue()

    def resolve() -> None:
        try:
            found = [host] if resolver is None else resolver(host)
            answers.put([info for name in found for info in _infos(name, port, resolver)])
        except UnicodeError:
            answers.put(OSError(errno.EINVAL, "not the name of a host"))
        except OSError as error:
            answers.put(error)

    Thread(target=resolve, name=f"resolve {host}", daemon=True).start()
    while True:
        with suppress(Empty):  # the deadline says when it is over
            answer = answers.get(timeout=deadline.blocking())
            if isinstance(answer, OSError):
                raise answer
            return answer


def resolved(host: str, port: int, resolver: Resolver | None, deadline: Deadline) -> list[str]:
    """The IP addresses of a host. Raises OSError, and FetchError when there is no time left."""
    return [address for _, (address, *_) in _addresses(host, port, resolver, deadline)]


def _infos(host: str, port: int, resolver: Resolver | None) -> list[_Address]:
    """What the system's resolver says; of what another one said, it only reads the number."""
    flags = 0 if resolver is None else socket.AI_NUMERICHOST
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


def _connected(addresses: list[_Address], deadline: Deadline) -> socket.socket:
    failure = OSError(errno.EADDRNOTAVAIL, "it has no address")
    for number, (family, address) in enumerate(addresses, 1):
        left = deadline.left()
        is_last = number == len(addresses)
        try:
            return _connect(
                family, address, deadline, left if is_last else min(left / 2, ADDRESS_SECONDS)
            )
        except OSError as error:
            failure = error
    raise failure


def _connect(family: int, address: Any, deadline: Deadline, seconds: float) -> socket.socket:
    """A connection made within so many seconds. Raises OSError."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            code = _outcome(sock, deadline, until=deadline.left() - seconds)
        if code == 0:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    except BaseException:
        sock.close()
        raise
    sock.close()
    raise OSError(code, os.strerror(code))


def _outcome(sock: socket.socket, deadline: Deadline, *, until: float) -> int:
    """The error number of a connection under way; `until` is what is left when it is given up."""
    while not _poll(sock, select.POLLOUT, deadline.blocking()):
        if deadline.left() < until:
            return errno.ETIMEDOUT
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _poll(sock: _Socket, events: int, seconds: float) -> list[tuple[int, int]]:
    if sock.fileno() < 0:
        return [(-1, events)]
    poll = select.poll()
    poll.register(sock, events)
    return poll.poll(seconds * 1000)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "it answers without TLS, as http: and oci+http: addresses do"
    return (error.strerror or str(error) or type(error).__name__).lower()
