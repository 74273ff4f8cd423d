"""The one way to the network: what is asked, what comes back, and what can go wrong.

Importing this module loads no HTTP library; `open_fetcher` does. Everything here is synchronous,
and a fetcher may be used by several threads at once. `net.fake` holds the fetcher for tests.

    SourceError
    └── FetchError                nothing usable came back
        ├── TooLargeError         more bytes than the request allows
        └── FetchStoppedError     the process is to end
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from threading import Event
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from ..errors import SourceError

__all__ = [
    "Download",
    "FetchError",
    "FetchStoppedError",
    "Fetcher",
    "Request",
    "Response",
    "TooLargeError",
    "host",
    "open_fetcher",
    "shown",
]


class FetchError(SourceError):
    """Nothing usable came back, and asking again at once would not help.

    `retry_after_seconds` is set where the server named a time, counted from now.
    """


class TooLargeError(FetchError):
    """The body is larger than the request allows, compressed or not."""


class FetchStoppedError(FetchError):
    """The fetch was abandoned because the process is to end."""


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

    def __repr__(self) -> str:
        return f"Request({shown(self.url)!r})"


class Response(NamedTuple):
    """An answer with its whole body, unpacked."""

    status: int
    headers: Mapping[str, str]
    """The names in lower case."""
    body: bytes

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


class Download(NamedTuple):
    """An answer whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    """The names in lower case."""
    chunks: Iterator[bytes]
    """The unpacked body, some 256 KiB at most at a time. Raises FetchError."""


class Fetcher(Protocol):
    """Gets things by HTTP: follows redirects, retries, waits as told, keeps to limits."""

    def fetch(self, request: Request) -> Response:
        """The final answer, whatever its status. Raises FetchError when there is none."""

    def stream(self, request: Request) -> AbstractContextManager[Download]:
        """Like `fetch`, but the body is read while it arrives, and never a second time."""


def open_fetcher(*, request_seconds: float, stop: Event) -> AbstractContextManager[Fetcher]:
    """A fetcher over real connections, which are closed with it; `stop` ends every fetch."""
    from .client import HttpFetcher

    return HttpFetcher(request_seconds=request_seconds, stop=stop)


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
