"""What is asked of the network, what comes back, and what can go wrong. Values and protocols.

SourceError
└── FetchError                nothing usable came back
    ├── TooLargeError         more bytes than the request allows
    ├── ForbiddenError        an address that may not be connected to
    └── FetchStoppedError     the process is to end
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from threading import Event
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from ..errors import SourceError
from .access import DIRECT, Access

__all__ = [
    "Download",
    "FetchError",
    "FetchStoppedError",
    "Fetcher",
    "ForbiddenError",
    "Login",
    "Post",
    "Poster",
    "Request",
    "Resolver",
    "Response",
    "Signer",
    "TooLargeError",
    "host",
    "is_loopback",
    "shown",
]


class FetchError(SourceError):
    """Nothing usable came back, and asking again at once would not help.

    `retry_after_seconds` is set where the server named a time, counted from now.
    """


class TooLargeError(FetchError):
    """The body is larger than the request allows, compressed or not."""


class ForbiddenError(FetchError):
    """The name leads to an address that may not be connected to; nothing was sent."""


class FetchStoppedError(FetchError):
    """The fetch was abandoned because the process is to end."""


Signer = Callable[[str, str], Mapping[str, str]]
"""The headers that prove who asks, from the method and the address. They hold for minutes, and are secret."""


class Request(NamedTuple):
    """A GET. Its `repr` shows neither the authorization nor the query of the address."""

    url: str
    most_bytes: int
    """The body may not be larger, neither as it is sent nor unpacked."""
    headers: Mapping[str, str] = {}
    """Without any that is secret."""
    authorization: str | None = None
    """The value of that header; sent to the origin of `url` only."""
    least_bytes_per_second: int | None = None
    """So many bytes received add a second to the deadline: for bodies that may take long."""
    sign: Signer | None = None
    """Makes the headers that say who asks, anew for each attempt; sent to the origin of `url` only."""

    def __repr__(self) -> str:
        return f"Request({shown(self.url)!r})"


class Response(NamedTuple):
    """An answer with its whole body, unpacked."""

    status: int
    headers: Mapping[str, str]
    """The names in lower case."""
    body: bytes
    is_elsewhere: bool = False
    """Whether another origin answered than was asked, after a redirect."""

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


class Download(NamedTuple):
    """An answer whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    """The names in lower case."""
    chunks: Iterator[bytes]
    """The unpacked body, some 256 KiB at most at a time. Raises FetchError."""
    is_elsewhere: bool = False
    """As of a `Response`."""


class Fetcher(Protocol):
    """Gets things by HTTP: follows redirects, retries, waits as told, keeps to limits."""

    def fetch(self, request: Request) -> Response:
        """The final answer, whatever its status. Raises FetchError when there is none."""

    def stream(self, request: Request) -> AbstractContextManager[Download]:
        """Like `fetch`, but the body is read while it arrives, and never a second time."""


class Login(NamedTuple):
    """A user of a server. Its `repr` shows nothing of it."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "Login()"


class Post(NamedTuple):
    """A POST. Its `repr` shows neither headers nor body nor the query of the address."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    seconds: float
    """For everything: name, connection, request and answer."""
    refusal: Callable[[str], str | None] | None = None
    """Why an IP address may not be connected to, or None where it may; asked of every address.

    Connections are used again for the same address and function: pass one, not a new one each time.
    """
    access: Access = DIRECT
    """With a proxy `refusal` is asked of what this machine knows of the name; the proxy connects."""
    most_bytes: int = 1 << 16
    """More of the answer is not read; what was read is the body."""

    def __repr__(self) -> str:
        return f"Post({shown(self.url)!r}, {len(self.body)} bytes)"


class Poster(Protocol):
    """Posts: one attempt, no redirects, to addresses that were checked."""

    def post(self, post: Post, *, stop: Event) -> Response:
        """The answer, whatever its status. Raises FetchError, also when `stop` is set."""


Resolver = Callable[[str], Sequence[str]]
"""The IP addresses of a name, in the order to try them. Raises OSError. It may block."""


def shown(url: str) -> str:
    """`url` as it may be shown: without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an invalid address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def host(url: str) -> str:
    """Host and port of `url`, as they may be shown."""
    return shown(url).partition("://")[2].partition("/")[0] or "an invalid address"


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine by its very name; names are not looked up."""
    from ipaddress import ip_address  # here: most that imports this asks nothing

    try:
        name = urlsplit(url).hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
