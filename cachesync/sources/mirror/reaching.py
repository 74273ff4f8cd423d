"""The way to a mirror, by the scheme of its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...config import mirrors
from ...config.reachvalues import Secret
from ...config.secrets import reveal
from ...config.settings import Limits
from ...config.sourceconfigs import Credentials, MirrorAccess
from ...net import Fetcher, Login
from .files import Files
from .place import Place
from .registry import Registry
from .web import Web

__all__ = ["Reach", "open_place"]


class Reach(NamedTuple):
    """What mirrors of one source are reached with."""

    limits: Limits
    fetcher: Fetcher | None = None
    """None where everything lies in the file system."""
    reveal: Callable[[Secret], str] = reveal
    """A secret, read where it is named. Raises CachesyncError."""


def open_place(url: str, access: MirrorAccess, reach: Reach) -> Place:
    """What lies under the address of a mirror. Raises CachesyncError where a secret is not there."""
    if url.startswith("file:"):
        return Files(mirrors.path(url))
    assert reach.fetcher is not None, "a mirror on the web is fetched"
    if mirrors.is_registry(url):
        login = _login(access.credentials, reach)
        return Registry(url, reach.fetcher, reach.limits.download_bytes, login)
    return Web(url, reach.fetcher, reach.limits.download_bytes)


def _login(credentials: Credentials, reach: Reach) -> Login | None:
    """Who a registry is asked as; None for nobody. Raises CachesyncError."""
    if credentials.username is None or credentials.password is None:
        return None
    return Login(credentials.username, reach.reveal(credentials.password))
