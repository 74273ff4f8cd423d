"""What `doctor` finds of sources that are fetched: whether each answers, or what is in the way."""

from __future__ import annotations

import os
from contextlib import closing

from .. import net
from ..config import mirrors
from ..config.reachvalues import Secret, SecretKind
from ..config.settings import Config
from ..config.sourceconfigs import (
    BuildcacheSourceConfig,
    DirectorySourceConfig,
    GithubSourceConfig,
    ReadMode,
    SourceConfig,
)
from ..errors import CachesyncError
from ..sync.opening import Remotes, address

__all__ = ["is_overheard", "look_at"]

_Found = tuple[str, str, str, str | None]
"""As the fields of a finding: check, state, text, remedy."""


def look_at(entry: SourceConfig, config: Config, *, offline: bool, told: set[str]) -> _Found:
    """Whether the address of a source answers.

    `told` are the errors that are told already, of a certificate or a secret: what is in it keeps
    the source from being asked, and is not told twice. What is found to be so is put in.
    """
    host = net.host(address(entry))
    if offline:
        return entry.name, "not asked", f"{host}: --offline", None
    needed = None if isinstance(entry, DirectorySourceConfig) else _hidden(entry.proxy.password)
    if needed is not None:
        text = f"only the service has the credential {needed}, of the proxy"
        return entry.name, "not asked", text, None
    for secret in _of_mirror(entry):
        if (needed := _hidden(secret)) is not None:
            text = f"only the service has the credential {needed}"
            return entry.name, "not asked", text, None
    credential = _hidden(entry.token) if isinstance(entry, GithubSourceConfig) else None
    if isinstance(entry, GithubSourceConfig) and credential is not None:
        entry = entry._replace(token=None)
    with closing(Remotes(config.limits)) as remotes:
        try:
            remotes.open(entry)  # its secret and certificates are where the config says
        except CachesyncError as error:
            if error.message in told:
                text = f"{host}: what keeps it from being asked is told already"
                return entry.name, "not asked", text, None
            told.add(error.message)
            return entry.name, "error", error.message, error.hint
        return _reach(entry, remotes, host=host, credential=credential, told=told)


def _reach(
    entry: SourceConfig, remotes: Remotes, *, host: str, credential: str | None, told: set[str]
) -> _Found:
    try:
        status = remotes.reach(entry)
        text = f"{host} answers {status}{remotes.way(entry)}"
    except CachesyncError as error:
        if error.message in told:
            text = f"{host}: what keeps it from being asked is told already"
            return entry.name, "not asked", text, None
        remedy = error.hint or f"check `{_key(entry)}`, the network and the secret"
        return entry.name, "error", error.message, remedy
    if credential is not None:
        text += f"; the credential {credential} was not tried: only the service has it"
    if status in (404, 410) and isinstance(entry, BuildcacheSourceConfig) and entry.list is None:
        return _without_index(entry, text)
    if status in (401, 403, 404, 410) or status >= 500:
        return entry.name, "warning", text, _remedy(entry, status, is_tried=credential is None)
    if is_overheard(entry):
        text += "; its password goes over the network in the clear"
        return entry.name, "warning", text, "oci:// instead of oci+http://, if it speaks TLS"
    return entry.name, "ok", text, None


def _without_index(entry: BuildcacheSourceConfig, text: str) -> _Found:
    """What there is to say of a mirror that answers, and has not what is read first."""
    if entry.read is ReadMode.INDEX:
        remedy = "check `url:`, or have an index made: spack buildcache update-index"
        return entry.name, "warning", f"{text}: there is no cache index", remedy
    if mirrors.is_registry(entry.url):
        return entry.name, "warning", text, "check `url:`, and whether anything was pushed"
    return entry.name, "ok", f"{text}: it has no cache index, and needs none", None


def is_overheard(entry: SourceConfig) -> bool:
    """Whether a password is told to another machine without TLS."""
    if not isinstance(entry, BuildcacheSourceConfig) or not entry.url.startswith("oci+http:"):
        return False
    return bool(entry.credentials.secrets) and not net.is_loopback(entry.url)


def _remedy(entry: SourceConfig, status: int, *, is_tried: bool) -> str:
    """What helps where a source answers that it has nothing, or not for us."""
    if status >= 500:
        return "its server is ill; it is asked again by itself"
    if isinstance(entry, BuildcacheSourceConfig) and entry.is_bucket and status == 403:
        return "check `url:`, and whether who asks may read it: `credentials:`"
    if not isinstance(entry, GithubSourceConfig):
        return f"check `{_key(entry)}`"
    if entry.token is not None:
        return "check `repository:`, and whether the token may read it"
    return (
        "check `repository:`"
        if not is_tried
        else "check `repository:`; a private one needs a `token:`"
    )


def _key(entry: SourceConfig) -> str:
    """The key that says where a source is."""
    is_listed = isinstance(entry, BuildcacheSourceConfig) and entry.list is not None
    return "list:" if is_listed else "url:"


def _of_mirror(entry: SourceConfig) -> tuple[Secret | None, ...]:
    """What a mirror is asked with."""
    if not isinstance(entry, BuildcacheSourceConfig):
        return ()
    return entry.credentials.secrets


def _hidden(secret: Secret | None) -> str | None:
    """The systemd credential that only the service can see."""
    is_hidden = secret is not None and secret.kind is SecretKind.CREDENTIAL
    if secret is None or not is_hidden or "CREDENTIALS_DIRECTORY" in os.environ:
        return None
    return secret.name
