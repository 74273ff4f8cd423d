"""Opening what fetches and posts. Importing this loads no HTTP library; opening does."""

from __future__ import annotations

from contextlib import AbstractContextManager
from threading import Event

from .access import DIRECT, Access
from .request import Fetcher, Login, Poster, Resolver

__all__ = ["authorized", "open_fetcher", "open_poster"]


def open_fetcher(
    *, request_seconds: float, stop: Event, access: Access = DIRECT
) -> AbstractContextManager[Fetcher]:
    """A fetcher over real connections, which are closed with it; `stop` ends every fetch.

    Raises CachesyncError when the environment names certificates that cannot be read.
    """
    from .client import HttpFetcher

    return HttpFetcher(request_seconds=request_seconds, stop=stop, access=access)


def open_poster(*, resolver: Resolver | None = None) -> AbstractContextManager[Poster]:
    """A poster over real connections, which are kept for a while, and closed with it.

    `resolver` stands in for the system's. Raises CachesyncError as `open_fetcher` does.
    """
    from .poster import HttpPoster

    return HttpPoster(resolver=resolver)


def authorized(fetcher: Fetcher, login: Login | None) -> Fetcher:
    """A fetcher that says who it is where a server asks, over the connections of another one."""
    from .proof import Authorized

    return Authorized(fetcher, login)
