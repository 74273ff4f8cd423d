"""How an address is reached: through which proxy, and whose certificates are trusted. Pure.

The variables are those that curl and others read: https://curl.se/libcurl/c/libcurl-env.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from ..errors import CachesyncError
from .challenges import basic

__all__ = [
    "DIRECT",
    "Access",
    "Authorities",
    "Proxies",
    "Proxy",
    "named_variable",
    "of_environment",
]

_PORTS = {"http": 80, "https": 443}
_VARIABLES = {"http": ("http_proxy",), "https": ("https_proxy",)}
_FOR_ALL = "all_proxy"
_EXCEPT = "no_proxy"
_BRACKETED = re.compile(r"\[([^\]]*)\](?::([0-9]{1,5}))?")
_NAMED = re.compile(r"([^:]*):([0-9]{1,5})")


class Proxy(NamedTuple):
    """An HTTP proxy, spoken to in the clear or over TLS. Its `repr` shows no credentials."""

    scheme: str
    host: str
    """In lower case; of IPv6 without brackets."""
    port: int
    username: str | None = None
    password: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.scheme}://{self.place})"

    @property
    def place(self) -> str:
        """Host and port, as they may be shown."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Its address, without credentials."""
        return f"{self.scheme}://{self.place}/"

    @property
    def authorization(self) -> str | None:
        """The value of Proxy-Authorization: Basic (RFC 7617); None where it has no user."""
        if self.username is None:
            return None
        return basic(self.username, self.password)


class Proxies(NamedTuple):
    """Which proxy is for which address; `Proxies()` is none for any."""

    http: Proxy | None = None
    https: Proxy | None = None
    bypassed: tuple[str, ...] = ()
    """The entries of `no_proxy`, in lower case."""

    def find(self, url: str) -> Proxy | None:
        """The proxy that `url` is asked for through; None where it is reached directly."""
        parts = urlsplit(url)
        proxy = self.https if parts.scheme == "https" else self.http
        if proxy is None or not self.bypassed:
            return proxy
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
        is_bypassed = any(_matches(entry, host.rstrip("."), port) for entry in self.bypassed)
        return None if is_bypassed else proxy


class Authorities(NamedTuple):
    """Certificates that are trusted besides those that are anyway."""

    path: str
    """The file they come from."""
    pem: str

    def __repr__(self) -> str:
        return f"Authorities({self.path!r})"


class Access(NamedTuple):
    """How somebody reaches the network."""

    proxies: Proxies = Proxies()
    authorities: Authorities | None = None


DIRECT = Access()
"""No proxy, and nobody trusted besides."""


def of_environment(environment: Mapping[str, str]) -> Proxies:
    """What the usual variables say. Those in lower case win, also when they are empty.

    HTTP_PROXY is not read in a CGI program, where a client sets it (https://httpoxy.org).
    Raises CachesyncError for a variable that names no HTTP proxy, without its value.
    """
    proxies = {}
    for scheme, names in _VARIABLES.items():
        name, value = _variable(environment, *names, _FOR_ALL)
        proxies[scheme] = _proxy(name, value) if value else None
    _, excepted = _variable(environment, _EXCEPT)
    bypassed = tuple(entry for entry in re.split(r"[,\s]+", excepted.lower()) if entry)
    return Proxies(proxies["http"], proxies["https"], bypassed)


def named_variable(environment: Mapping[str, str], url: str) -> str | None:
    """The variable that names a proxy for `url`; None where there is none, or `no_proxy` excepts it."""
    try:
        if of_environment(environment).find(url) is None:
            return None
    except CachesyncError:
        pass  # it is set, if to nothing that is understood
    names = _VARIABLES["https" if url.startswith("https:") else "http"]
    name, value = _variable(environment, *names, _FOR_ALL)
    return name if value else None


def _variable(environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    """Name and value of the first variable that is set; an empty one ends the search of its name."""
    for lower in names:
        is_cgi = lower == "http_proxy" and "REQUEST_METHOD" in environment
        for name in (lower,) if is_cgi else (lower, lower.upper()):
            if name in environment:
                return name, environment[name].strip()
    return "", ""


def _proxy(name: str, value: str) -> Proxy:
    expected = CachesyncError(
        f"the environment variable {name} names no proxy that is understood",
        hint="http://HOST:PORT, perhaps with USER:PASSWORD@ before HOST",
    )
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError:  # what it says holds the address, which may hold a password
        raise expected from None
    if parts.scheme.startswith("socks"):
        raise CachesyncError(
            f"the environment variable {name} names a SOCKS proxy, which is not supported",
            hint="name an HTTP proxy, or set `proxy:` in the configuration",
        )
    if parts.scheme not in _PORTS or not host or port == 0 or not value.isprintable():
        raise expected
    return Proxy(parts.scheme, host, port or _PORTS[parts.scheme], *_credentials(parts))


def _credentials(parts: SplitResult) -> Iterator[str]:
    if parts.username is not None:
        yield unquote(parts.username)
        yield unquote(parts.password or "")


def _matches(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of `no_proxy` is about a host: a suffix of names, an address, or a network."""
    if entry == "*":
        return True
    if "/" in entry:
        return _is_within(host, entry)
    name, only_port = _entry(entry)
    if only_port is not None and only_port != port:
        return False
    name = name.removeprefix("*").lstrip(".").rstrip(".")
    return bool(name) and (
        host == name or (host.endswith(f".{name}") and not _is_within(host, host))
        or (":" in name and _is_within(host, name))
    )  # fmt: skip


def _entry(entry: str) -> tuple[str, int | None]:
    """Name and port of `example.org:8080`, `[::1]:8080`, `::1` and the like."""
    match = _BRACKETED.fullmatch(entry) or _NAMED.fullmatch(entry)
    return (match[1], int(match[2]) if match[2] else None) if match else (entry, None)


def _is_within(host: str, network: str) -> bool:
    """Whether `host` is an IP address in `network`. Names are not looked up."""
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
