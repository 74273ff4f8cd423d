"""What AWS's variables say of buckets: used where the configuration has no `credentials:` for one. Pure.

Nothing else is looked up: no profiles, and no service that gives keys to a machine.
https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ..errors import CachesyncError
from . import mirrors, scalars
from .reachvalues import Secret, SecretKind
from .sourceconfigs import Credentials, MirrorAccess

__all__ = ["SECRETS", "settled"]

KEY: Final = "AWS_ACCESS_KEY_ID"
SECRET: Final = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
TOKEN: Final = "AWS_SESSION_TOKEN"  # noqa: S105
ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
SECRETS: Final = frozenset({KEY, SECRET, TOKEN})


def settled(access: MirrorAccess, environment: Mapping[str, str]) -> MirrorAccess:
    """As who, and where, a bucket is asked, with what the environment adds.

    Where credentials are configured that is nothing: a key goes where the configuration says. A variable
    that is empty counts as none. Raises CachesyncError.
    """
    if any(access.credentials):
        return access
    return access._replace(
        credentials=Credentials() if access.is_anonymous else _credentials(environment),
        endpoint=access.endpoint or _valid(scalars.base_url, ENDPOINTS, environment),
        region=access.region or _valid(mirrors.region, REGIONS, environment),
    )


def _credentials(environment: Mapping[str, str]) -> Credentials:
    key, secret = environment.get(KEY, ""), environment.get(SECRET, "")
    if not key and not secret:
        return Credentials()
    if not key or not secret:
        said, missing = (KEY, SECRET) if key else (SECRET, KEY)
        raise CachesyncError(
            f"the environment has {said} and no {missing}", hint="set both, or none of them"
        )
    token = Secret(SecretKind.ENV, TOKEN) if environment.get(TOKEN) else None
    return Credentials(
        access_key=key, secret_key=Secret(SecretKind.ENV, SECRET), session_token=token
    )


def _valid(
    read: Callable[[str], str], names: tuple[str, ...], environment: Mapping[str, str]
) -> str | None:
    """The first variable that says something."""
    for name in names:
        if said := environment.get(name):
            try:
                return read(said)
            except ValueError as error:
                raise CachesyncError(f"the environment variable {name}: {error}") from None
    return None
