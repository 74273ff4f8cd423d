"""How something is reached, and as who: secrets, which are only named, and proxies. Values."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["Proxy", "ProxyKind", "Secret", "SecretKind"]


class SecretKind(Enum):
    """Where a secret is found."""

    FILE = "file"
    ENV = "env"
    CREDENTIAL = "credential"


class Secret(NamedTuple):
    """Where a secret is found, never the secret itself.

    `name` is the absolute path of a file, the name of an environment variable, or the name of a
    systemd credential (a file in `$CREDENTIALS_DIRECTORY`).
    """

    kind: SecretKind
    name: str


class ProxyKind(Enum):
    """What is said of a proxy."""

    ABOVE = "above"
    """Nothing: what stands at the top applies; where nothing stands there, none."""
    NONE = "none"
    ENVIRONMENT = "environment"
    """What http_proxy, https_proxy, all_proxy and no_proxy say."""
    ADDRESS = "address"


class Proxy(NamedTuple):
    """The proxy that something is reached through."""

    kind: ProxyKind = ProxyKind.ABOVE
    url: str | None = None
    """Set for an address, as are the others where the proxy wants them."""
    username: str | None = None
    password: Secret | None = None
