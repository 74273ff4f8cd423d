"""Connections through a proxy: to the proxy itself, and through it to others (CONNECT, RFC 9110 9.3.6).

httpcore has a pool for proxies of its own. It does not say what is wrong with the proxy and what
with the server, cannot name an IPv6 address, and hides what a proxy answers; so this is a backend,
and httpcore knows nothing of proxies.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpcore

from .access import Proxy
from .request import FetchError, ForbiddenError, Resolver
from .wire import Backend, Deadline, Stream, deadline_of, resolved

__all__ = ["ProxyBackend", "look_up", "unwelcome"]

MOST_HEAD_BYTES = 1 << 16
LOOK_UP_SECONDS = 2.0
"""For a name that this machine perhaps cannot look up, and need not."""
_STATUS = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})(?: ([^\r\n]*))?\r\n")
_NOT_PRINTABLE = re.compile(rb"[^\x20-\x7e]")


class ProxyBackend(Backend):
    """Connects to a proxy where the proxy is asked for, and through it everywhere else."""

    def __init__(
        self,
        proxy: Proxy,
        *,
        agent: str,
        context: ssl.SSLContext,
        check: Callable[[Deadline], None] = lambda _deadline: None,
    ) -> None:
        """`context` is for a proxy over TLS; `check` is called before each connection, and may raise."""
        super().__init__()
        self._proxy = proxy
        self._agent = agent
        self._context = context
        self._check_target = check

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the proxy, or one to `host` through it.

        Raises httpcore.ConnectError, or FetchError when the proxy wants something else.
        """
        proxy, deadline = self._proxy, deadline_of(timeout)
        self._check_target(deadline)
        try:
            stream = super().connect_tcp(proxy.host, proxy.port, timeout)
        except httpcore.ConnectError as error:
            raise httpcore.ConnectError(f"the proxy {proxy.place}: {error}") from error
        if (host, port) == (proxy.host, proxy.port):
            return stream  # httpcore begins TLS itself where that is what the proxy speaks
        try:
            if proxy.scheme == "https":
                stream = self._secured(stream, timeout)
            self._pass_through(stream, host, port, timeout)
        except BaseException:
            stream.close()
            raise
        return stream

    def _secured(
        self, stream: httpcore.NetworkStream, timeout: float | None
    ) -> httpcore.NetworkStream:
        place = f"the proxy {self._proxy.place}"
        try:
            return stream.start_tls(self._context, self._proxy.host, timeout)
        except FetchError as error:
            raise FetchError(f"{place}: {error.message}", hint=error.hint) from None
        except httpcore.ConnectError as error:
            raise httpcore.ConnectError(f"{place}: {error}") from error

    def _pass_through(
        self, stream: httpcore.NetworkStream, host: str, port: int, timeout: float | None
    ) -> None:
        """Ask the proxy to connect. Raises FetchError for what will not change by itself."""
        proxy = self._proxy
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", f"User-Agent: {self._agent}"]
        if proxy.authorization is not None:
            lines.append(f"Proxy-Authorization: {proxy.authorization}")
        try:
            stream.write("\r\n".join([*lines, "", ""]).encode("ascii"), timeout)
            head = _head(stream, timeout)
        except (httpcore.ReadError, httpcore.WriteError) as error:
            raise httpcore.ConnectError(f"the proxy {proxy.place}: {error}") from error
        match = _STATUS.match(head)
        if match is None:
            raise httpcore.ConnectError(f"the proxy {proxy.place} answers something else than HTTP")
        status = int(match[1])
        if 200 <= status < 300:
            return
        # tinyproxy says 401 to a wrong password; to CONNECT only a proxy answers.
        refused = unwelcome(proxy, 407 if status == 401 else status, _fields(head))
        if refused is not None:
            raise refused
        reason = _NOT_PRINTABLE.sub(b"?", (match[2] or b"").strip())[:60].decode("ascii")
        said = f"{status} {reason}".strip()
        if status >= 500 or status in (408, 429):  # it may come to reach the server yet
            raise httpcore.ConnectError(f"the proxy {proxy.place} answered {said}")
        raise FetchError(
            f"the proxy {proxy.place} does not connect to it: answered {said}",
            hint="the proxy's rules may name the hosts and ports that it connects to",
        )


def unwelcome(proxy: Proxy, status: int, headers: Mapping[str, str]) -> FetchError | None:
    """What is wrong with the user and password, where that is what an answer says."""
    if status != 407:
        return None
    place = f"the proxy {proxy.place}"
    if proxy.username is not None:
        return FetchError(
            f"{place} refuses the user and password",
            hint="check `proxy: username` and where its password is, or the proxy's variable",
        )
    schemes = headers.get("proxy-authenticate", "").partition(" ")[0].lower()
    if schemes and schemes != "basic":
        name = re.sub(r"[^a-z0-9-]", "?", schemes)[:20]
        return FetchError(f"{place} wants to know who asks, by {name}; only basic is understood")
    return FetchError(
        f"{place} wants a user and password (407)",
        hint="`proxy: {url: ..., username: ..., password: {file: ...}}`",
    )


def look_up(
    host: str, port: int, refusal: Callable[[str], str | None], resolver: Resolver | None
) -> Callable[[Deadline], None]:
    """A check of where a name leads as far as this machine knows: it is the proxy that connects.

    Raises ForbiddenError for a name, or an address, that may not be connected to. What this machine
    cannot look up, or not soon, is left to the proxy's rules.
    """

    def check(deadline: Deadline) -> None:
        try:
            addresses = resolved(host, port, resolver, deadline.sooner(LOOK_UP_SECONDS))
        except OSError:  # the proxy may know it
            return
        except FetchError:
            deadline.left()  # it is over for good, or only this
            return
        for address in addresses:
            why = refusal(address)
            if why is not None:
                raise ForbiddenError(
                    f"it is at {address[:64]}, {why}: nothing is sent there",
                    hint="`allow_private: true` on the target permits it",
                )

    return check


def _head(stream: httpcore.NetworkStream, timeout: float | None) -> bytes:
    """What comes before the empty line. Raises httpcore.ReadError."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = stream.read(4096, timeout)
        if not data or len(head) > MOST_HEAD_BYTES:
            raise httpcore.ReadError("it hung up" if not data else "its answer does not end")
        head += data
    if isinstance(stream, Stream):
        stream.body_bytes = 0
    return head


def _fields(head: bytes) -> dict[str, str]:
    """The headers; of several with one name the first."""
    found: dict[str, str] = {}
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found
