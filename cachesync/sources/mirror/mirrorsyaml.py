"""Spack's mirrors.yaml: the mirrors that it fetches binaries from, with what each is reached by. Pure.

The form is that of lib/spack/spack/schema/mirrors.py, and what an entry means that of mirrors/mirror.py (Spack
1.2.0.dev0): what `fetch` says wins over what the entry says, `binary: false` has no binaries, and a text that is
no address of a known scheme is a path, relative to the directory of the file. It is one file: Spack's other
scopes are not looked at.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.cyaml import CSafeLoader

from ...config import mirrors, scalars
from ...config.reachvalues import Secret, SecretKind
from ...config.sourceconfigs import Credentials, MirrorAccess
from ...errors import SourceError
from ...yamlguard import find_excess

__all__ = ["MAX_BYTES", "Found", "Mirror", "parse"]

MAX_BYTES = 1 << 20
MOST_VALUES = 50_000
_NONE = "mirrors: {} says that there are none"
_SCHEMES = ("file", "http", "https", "sftp", "ftp", "s3", "gs", "oci", "oci+http")
"""Everything else is a path (mirror.py, supported_url_schemes)."""
_FETCH_KEYS = {
    "url", "view", "access_pair", "profile", "endpoint_url", "access_token_variable",
}  # fmt: skip
_KEYS = _FETCH_KEYS | {"source", "binary", "signed", "fetch", "push", "autopush"}
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
_FROM_ENVIRONMENT = {"spack": "SPACK_ROOT", "tempdir": "TMPDIR"}
"""Of Spack's own variables (util/path.py) those that mean the same here."""
_DEFAULTS = {"tempdir": "/tmp"}  # noqa: S108 - as Python's tempfile
_OF_SPACK = {
    "spack", "user", "tempdir", "user_cache_path", "spack_instance_id", "architecture", "arch",
    "platform", "operating_system", "os", "target", "target_family", "date", "env",
    "spack_short_version",
}  # fmt: skip

Variable = Callable[[str], str | None]
"""The value of an environment variable; None where it is not set."""


class Mirror(NamedTuple):
    """A mirror that Spack fetches binaries from."""

    name: str
    url: str
    """Without a slash at its end."""
    view: str | None
    access: MirrorAccess


class Found(NamedTuple):
    """What a file has."""

    mirrors: tuple[Mirror, ...]
    problems: dict[str, str]
    """Name -> why a mirror is not read."""


def parse(text: str, *, directory: Path, variable: Variable) -> Found:
    """The mirrors of a mirrors.yaml that lies in `directory`. Raises SourceError where it is none."""
    try:
        excess = find_excess(text, values=MOST_VALUES)
        if excess is not None:
            raise SourceError(f"line {excess.mark.line + 1}: {excess.problem}")
        said = yaml.load(text, Loader=CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}: "
        problem = getattr(error, "problem", None) or "it is no YAML"
        raise SourceError(f"{where}{problem}") from None
    except (ValueError, RecursionError):
        raise SourceError("it is no YAML") from None
    entries = _entries(said)
    found: list[Mirror] = []
    problems: dict[str, str] = {}
    times = Counter(map(_name, entries))
    for key, entry in entries.items():
        name = _name(key)
        try:
            if times[name] > 1:  # one after the other they would be taken for one that changes
                raise _UnfitError(f"there are {times[name]} of this name")
            mirror = _mirror(name, entry, directory, variable)
        except ValueError as error:
            problems[name] = str(error)
        else:
            if mirror is not None:
                found.append(mirror)
    return Found(tuple(found), problems)


class _UnfitError(ValueError):
    """A mirror that is not read."""


def _name(key: object) -> str:
    """That of an entry; `NAME::` overrides what lower scopes say of it."""
    return str(key).removesuffix(":")


def _entries(said: Any) -> Mapping[Any, Any]:
    """What stands under `mirrors:`, or `mirrors::`, which overrides lower scopes."""
    if isinstance(said, dict):
        for key, value in said.items():
            if re.fullmatch(r"mirrors[:+-]?", str(key)):
                if value is None:  # neither does Spack take it
                    raise SourceError("mirrors: holds nothing", hint=_NONE)
                if isinstance(value, dict):
                    return value
                raise SourceError("mirrors: holds no entries by names")
    raise SourceError("it has no mirrors:", hint=_NONE)


def _mirror(name: str, entry: Any, directory: Path, variable: Variable) -> Mirror | None:
    """A mirror; None for one without binaries. Raises ValueError with what is not supported."""
    if isinstance(entry, str):
        entry = {"url": entry}
    if not isinstance(entry, dict):
        raise _UnfitError("expected an address or a mapping")
    if entry.get("binary", True) is False:
        return None
    scalars.word(name)
    fetch = entry.get("fetch", {})
    if isinstance(fetch, str):
        fetch = {"url": fetch}
    if not isinstance(fetch, dict):
        raise _UnfitError("fetch: expected an address or a mapping")
    unknown = {str(key) for key in entry.keys() - _KEYS} | {
        f"fetch: {key}" for key in fetch.keys() - _FETCH_KEYS
    }
    if unknown:
        raise _UnfitError(f"{min(unknown)}: not supported")
    own = {**{key: entry[key] for key in _FETCH_KEYS & entry.keys()}, **fetch}
    text = own.get("url")
    if not isinstance(text, str) or not text:
        raise _UnfitError("has no url")
    url = _url(text, directory, variable)
    view = own.get("view")
    if view is not None and not isinstance(view, str):
        raise _UnfitError("view: expected its name")
    scheme = url.partition(":")[0]
    if view is not None and scheme.startswith("oci"):
        raise _UnfitError("a registry has no views")
    access = _access(own, scheme, variable)
    return Mirror(name, url, None if view is None else mirrors.view(view), access)


def _url(text: str, directory: Path, variable: Variable) -> str:
    """An address as it is configured here. Raises ValueError."""
    scheme = text.partition("://")[0].lower()
    if scheme in _SCHEMES and "://" in text:
        if scheme in ("sftp", "ftp", "gs"):
            raise _UnfitError(f"{scheme}: addresses are not supported")
        return mirrors.url(text)
    path = _expanded(text, variable)
    if path.startswith("~"):
        raise _UnfitError("~ is the home of whoever runs Spack; write the path in full")
    return mirrors.url(Path(os.path.normpath(directory / path)).as_uri())


def _expanded(text: str, variable: Variable) -> str:
    """A path without its variables: Spack's own ones, whatever their case, then those of the environment."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        own = name.lower()
        if own in _OF_SPACK:
            wanted = _FROM_ENVIRONMENT.get(own)
            found = None if wanted is None else variable(wanted) or _DEFAULTS.get(own)
            remedy = f"set {wanted} for the daemon" if wanted else "write the path in full"
            if found is None:
                raise _UnfitError(f"${name} is not known here; {remedy}")
            return found
        found = variable(name)
        if found is None:
            raise _UnfitError(f"the environment variable {name} is not set for the daemon")
        return found

    return _VARIABLE.sub(value, text)


def _access(own: Mapping[str, Any], scheme: str, variable: Variable) -> MirrorAccess:
    """As who a mirror is reached. Raises ValueError."""
    for key in ("profile", "endpoint_url", "access_token_variable"):
        if own.get(key) is not None and not isinstance(own[key], str):
            raise _UnfitError(f"{key}: expected text")
    if scheme not in ("s3", "oci", "oci+http"):  # Spack sends nothing there either
        return MirrorAccess()
    pair = own.get("access_pair")
    credentials = Credentials() if pair is None else _credentials(pair, scheme, variable)
    if scheme != "s3":
        return MirrorAccess(credentials)
    token, endpoint = own.get("access_token_variable"), own.get("endpoint_url")
    if own.get("profile") is not None and pair is None:
        raise _UnfitError("profile: is not supported; write access_pair:")
    if token is not None and pair is not None:
        credentials = credentials._replace(session_token=_secret(token))
    return MirrorAccess(
        credentials,
        None if endpoint is None else scalars.base_url(endpoint),
        is_anonymous=pair is None,
    )


def _credentials(pair: Any, scheme: str, variable: Variable) -> Credentials:
    if not isinstance(pair, dict):
        raise _UnfitError(
            "access_pair: with the secret in it is not supported; write secret_variable:"
        )
    who, named, secret = (pair.get(key) for key in ("id", "id_variable", "secret_variable"))
    if not isinstance(secret, str) or not isinstance(who if named is None else named, str):
        raise _UnfitError("access_pair: expected id or id_variable, and secret_variable")
    if named is not None:
        who = variable(named)
        if who is None:
            raise _UnfitError(f"the environment variable {named} is not set for the daemon")
    if scheme == "s3":
        return Credentials(access_key=who, secret_key=_secret(secret))
    return Credentials(username=who, password=_secret(secret))


def _secret(name: str) -> Secret:
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise _UnfitError("expected the name of an environment variable")
    return Secret(SecretKind.ENV, name)
