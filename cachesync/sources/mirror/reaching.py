"""The way to a mirror, by the scheme of its address."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ...config import awsvariables, mirrors
from ...config.reachvalues import Secret
from ...config.secrets import reveal
from ...config.settings import Limits
from ...config.sourceconfigs import Credentials, MirrorAccess
from ...net import Fetcher, Login, Signer
from .bucket import DEFAULT_REGION, Bucket
from .files import Files
from .place import Place
from .registry import Registry
from .web import Web

__all__ = ["Reach", "open_bucket", "open_place"]


class Reach(NamedTuple):
    """What mirrors of one source are reached with."""

    limits: Limits
    fetcher: Fetcher | None = None
    """None where everything lies in the file system."""
    reveal: Callable[[Secret], str] = reveal
    """A secret, read where it is named. Raises CachesyncError."""
    environment: Mapping[str, str] = os.environ
    """Where AWS's variables are."""


def open_place(url: str, access: MirrorAccess, reach: Reach) -> Place:
    """What lies under the address of a mirror. Raises CachesyncError where a secret is not there."""
    if url.startswith("file:"):
        return Files(mirrors.path(url))
    assert reach.fetcher is not None, "a mirror on the web is fetched"
    if mirrors.is_registry(url):
        login = _login(access.credentials, reach)
        return Registry(url, reach.fetcher, reach.limits.download_bytes, login)
    if url.startswith("s3://"):
        return open_bucket(url, access, reach)
    return Web(url, reach.fetcher, reach.limits.download_bytes)


def _login(credentials: Credentials, reach: Reach) -> Login | None:
    """Who a registry is asked as; None for nobody. Raises CachesyncError."""
    if credentials.username is None or credentials.password is None:
        return None
    return Login(credentials.username, reach.reveal(credentials.password))


def open_bucket(url: str, access: MirrorAccess, reach: Reach) -> Bucket:
    """A mirror in a bucket. Raises CachesyncError, also where what signs is not installed."""
    assert reach.fetcher is not None, "a bucket is fetched"
    access = awsvariables.settled(access, reach.environment)
    return Bucket(
        url,
        reach.fetcher,
        reach.limits.download_bytes,
        endpoint=access.endpoint,
        region=access.region,
        sign=_signer(access, reach),
    )


def _signer(access: MirrorAccess, reach: Reach) -> Signer | None:
    """What signs requests to a bucket; None where there is no key."""
    said = access.credentials
    if access.is_anonymous or said.access_key is None or said.secret_key is None:
        return None
    from ...net.signing import Keys, open_signer

    token = None if said.session_token is None else reach.reveal(said.session_token)
    keys = Keys(said.access_key, reach.reveal(said.secret_key), token)
    return open_signer(keys, access.region or DEFAULT_REGION)
