"""The one way to the network: what is asked, what comes back, and what can go wrong.

In come addresses, bounds and secrets for one origin, out come whole answers, bodies while they
arrive, or FetchError. Never known here: sources, pages, messages, the configuration.

Importing this loads no HTTP library; `open_fetcher` does. Everything here is synchronous, and a
fetcher may be used by several threads at once. `net.fake` holds the fetcher for tests.
"""

from __future__ import annotations

from .access import DIRECT, Access
from .opening import authorized, open_fetcher, open_poster
from .request import (
    Download,
    Fetcher,
    FetchError,
    FetchStoppedError,
    ForbiddenError,
    Login,
    Post,
    Poster,
    Request,
    Resolver,
    Response,
    Signer,
    TooLargeError,
    host,
    is_loopback,
    shown,
)

__all__ = [
    "DIRECT",
    "Access",
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
    "authorized",
    "host",
    "is_loopback",
    "open_fetcher",
    "open_poster",
    "shown",
]
