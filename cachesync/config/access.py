"""What the configuration says of the way to the network, made ready: passwords and certificates read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..net import DIRECT, Access
from ..net.access import Proxies, of_environment
from ..net.access import Proxy as OpenProxy
from .reachvalues import Proxy, ProxyKind
from .secrets import reveal

__all__ = ["open_access"]

_PORTS = {"http": 80, "https": 443}


def open_access(
    proxy: Proxy, ca_file: str | None, environment: Mapping[str, str] = os.environ
) -> Access:
    """How something with these settings reaches the network.

    Raises CachesyncError when the password or the certificates are not where the configuration says,
    or when a variable of the environment names no proxy.
    """
    proxies = _proxies(proxy, environment)
    if ca_file is None:
        return DIRECT._replace(proxies=proxies)
    from ..net.trust import read_authorities

    return Access(proxies, read_authorities(ca_file))


def _proxies(proxy: Proxy, environment: Mapping[str, str]) -> Proxies:
    if proxy.kind is ProxyKind.ENVIRONMENT:
        return of_environment(environment)
    if proxy.kind is not ProxyKind.ADDRESS:
        return Proxies()
    parts = urlsplit(proxy.url or "")
    password = "" if proxy.password is None else reveal(proxy.password, environment)
    opened = OpenProxy(
        parts.scheme,
        parts.hostname or "",
        parts.port or _PORTS[parts.scheme],
        proxy.username,
        password,
    )
    return Proxies(opened, opened)
