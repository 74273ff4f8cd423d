"""Secrets: where the config says they are, read when they are needed, never kept elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import CachesyncError
from . import awsvariables
from .content import content
from .reachvalues import Proxy, Secret, SecretKind
from .settings import AppriseTarget, Config, WebhookTarget
from .sourceconfigs import BuildcacheSourceConfig, DirectorySourceConfig, GithubSourceConfig

__all__ = ["credential_problems", "environment_names", "named_in", "reveal"]

MOST_BYTES = 64 << 10
MOST_MIRRORS_BYTES = 1 << 20
_VARIABLES = re.compile(
    rb"""\b(?:secret|access_token)_variable["']?\s*:\s*["']?([A-Za-z_][A-Za-z0-9_]*)"""
)


def reveal(secret: Secret, environment: Mapping[str, str] = os.environ) -> str:
    """The secret, without a line break at its end.

    Raises CachesyncError, which says where it was looked for and nothing of what is there.
    """
    if secret.kind is SecretKind.ENV:
        value = environment.get(secret.name)
        where, remedy = f"the environment variable {secret.name}", "set it for the daemon"
        if value is None:
            raise CachesyncError(
                f"the secret's {where.removeprefix('the ')} is not set", hint=remedy
            )
    else:
        path, where, remedy = _place(secret, environment)
        value = _read(path, where, remedy)
    value = value.rstrip("\r\n")
    if not value or not value.isprintable():
        raise CachesyncError(f"the secret in {where} is empty or not one line of text", hint=remedy)
    return value


def named_in(config: Config) -> frozenset[Secret]:
    """Every secret that a configuration refers to."""
    found: set[Secret] = set()
    proxies: list[Proxy] = [config.proxy]
    for source in config.sources:
        if not isinstance(source, DirectorySourceConfig):
            proxies.append(source.proxy)
        if isinstance(source, GithubSourceConfig) and source.token is not None:
            found.add(source.token)
        if isinstance(source, BuildcacheSourceConfig):
            found.update(source.credentials.secrets)
    for subscription in config.subscriptions:
        for target in subscription.targets:
            if isinstance(target, WebhookTarget):
                found.update(target.secrets)
            elif isinstance(target, AppriseTarget):
                found.add(target.url)
    found.update(proxy.password for proxy in proxies if proxy.password is not None)
    return frozenset(found)


def credential_problems(
    config: Config, environment: Mapping[str, str] = os.environ
) -> dict[str, str | None]:
    """What is wrong with each systemd credential that a configuration names; None where nothing is."""
    found: dict[str, str | None] = {}
    for secret in sorted(named_in(config), key=lambda secret: secret.name):
        if secret.kind is SecretKind.CREDENTIAL:
            try:
                reveal(secret, environment)
            except CachesyncError as error:
                found[secret.name] = error.message
            else:
                found[secret.name] = None
    return found


def environment_names(config: Config) -> frozenset[str]:
    """The environment variables that hold secrets, or lead to some: not for other programs."""
    named = {secret.name for secret in named_in(config) if secret.kind is SecretKind.ENV}
    for source in config.sources:
        if isinstance(source, BuildcacheSourceConfig) and source.mirrors is not None:
            named |= _of_mirrors(Path(source.mirrors))
    return frozenset(named | {"CREDENTIALS_DIRECTORY"} | _keys_of_buckets(config))


def _of_mirrors(path: Path) -> set[str]:
    """The variables that a mirrors.yaml names for secrets, wherever in it; of one that is not there none."""
    try:
        data = content(path, most_bytes=MOST_MIRRORS_BYTES)
    except (OSError, ValueError):
        return set()
    return {name.decode() for name in _VARIABLES.findall(data)}


def _keys_of_buckets(config: Config) -> frozenset[str]:
    """The variables that buckets are asked with, if any is."""
    buckets = (s for s in config.sources if isinstance(s, BuildcacheSourceConfig) and s.is_bucket)
    is_used = any(not any(one.credentials) and not one.anonymous for one in buckets)
    return awsvariables.SECRETS if is_used else frozenset()


def _place(secret: Secret, environment: Mapping[str, str]) -> tuple[Path, str, str]:
    if secret.kind is SecretKind.FILE:
        return Path(secret.name), secret.name, "create it, readable for the daemon's user only"
    folder = environment.get("CREDENTIALS_DIRECTORY")
    where = f"the systemd credential {secret.name}"
    remedy = (
        f"LoadCredential={secret.name} in the unit, the secret in /etc/credstore, and then restart the"
        " service: credentials are loaded when it starts"
    )
    if not folder:
        raise CachesyncError(f"{where} is not there: this is no service", hint=remedy)
    return Path(folder, secret.name), where, remedy


def _read(path: Path, where: str, remedy: str) -> str:
    try:
        data = content(path, most_bytes=MOST_BYTES)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise CachesyncError(
            f"the secret in {where} cannot be read: {reason}", hint=remedy
        ) from None
    if len(data) > MOST_BYTES:
        raise CachesyncError(
            f"the secret in {where} is larger than {MOST_BYTES:,} bytes", hint=remedy
        )
    return text
