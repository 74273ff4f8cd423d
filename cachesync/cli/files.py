"""What `config check` and `doctor` say of the files that a configuration names, and nothing of what is in them.

What only the daemon's user can look at is no mistake here, and said.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from ..config.reachvalues import Secret, SecretKind
from ..config.secrets import named_in, reveal
from ..config.settings import CommandTarget, Config
from ..config.sourceconfigs import BuildcacheSourceConfig, DirectorySourceConfig
from ..errors import CachesyncError

__all__ = ["Look", "certificates", "look", "own", "secret"]


class Look(NamedTuple):
    """One file that was looked at."""

    path: str
    """As the configuration says it."""
    state: str
    """`ok`, `error`, `warning` for what may be otherwise when the daemon looks, or `not asked`."""
    text: str
    remedy: str | None = None


def look(config: Config) -> Iterator[Look]:
    """Certificates, files of secrets, programs of targets, and the directories and mirrors.yaml of sources."""
    for path in dict.fromkeys((config.ca_file, *(ca_file for _, ca_file in own(config)))):
        if path is not None:
            yield certificates(path)
    named = sorted(named_in(config), key=lambda secret: secret.name)
    yield from (secret(one) for one in named if one.kind is SecretKind.FILE)
    for subscription in config.subscriptions:
        for target in subscription.targets:
            if isinstance(target, CommandTarget) and target.argv[0].startswith("/"):
                yield _program(target.argv[0])
    for source in config.sources:
        if isinstance(source, DirectorySourceConfig):
            yield _directory(source)
        elif isinstance(source, BuildcacheSourceConfig) and source.mirrors is not None:
            yield _mirrors(source.name, source.mirrors)


def own(config: Config) -> Iterator[tuple[str, str]]:
    """The sources that have certificates of their own, and the files of them."""
    for source in config.sources:
        ca_file = None if isinstance(source, DirectorySourceConfig) else source.ca_file
        if ca_file is not None and ca_file != config.ca_file:
            yield source.name, ca_file


def certificates(path: str) -> Look:
    """Whether a `ca_file` can be read and holds certificates."""
    from ..net.trust import read_authorities

    try:
        read_authorities(path)
    except CachesyncError as error:
        return Look(path, "error", error.message, error.hint)
    return Look(path, "ok", path)


def secret(of: Secret) -> Look:
    """Whether the file of a secret is there, and holds one line of text."""
    what = f"the secret in {of.name}"
    found, is_hidden = _status(of.name)
    if is_hidden or (found is not None and not os.access(of.name, os.R_OK)):
        return _unseen(what, of.name)
    if found is not None and not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return Look(of.name, "not asked", f"{what} is no file, and was not read")
    try:
        reveal(of)
    except CachesyncError as error:
        return Look(of.name, "error", error.message, error.hint)
    return Look(of.name, "ok", what)


def _program(path: str) -> Look:
    found, is_hidden = _status(path)
    if is_hidden:
        return _unseen(f"argv: {path}", path)
    if found is not None and stat.S_ISREG(found.st_mode) and found.st_mode & 0o111:
        return Look(path, "ok", f"argv: {path}")
    text = f"argv: {path} {'is not there' if found is None else 'cannot be run'}"
    remedy = "give `argv` the absolute path of a file that the daemon's user may execute"
    return Look(path, "error", text, remedy)


def _directory(source: DirectorySourceConfig) -> Look:
    what = f"source {source.name}: {source.path}"
    found, is_hidden = _status(source.path)
    if is_hidden:
        return _unseen(what, source.path)
    if found is not None and stat.S_ISDIR(found.st_mode):
        return Look(source.path, "ok", what)
    text = f"{what} is {'not there' if found is None else 'no directory'}"
    return Look(source.path, "warning", text, "put the path of your own there, or mount it")


def _mirrors(name: str, path: str) -> Look:
    """Whether a mirrors.yaml is there; Spack writes it, and perhaps later."""
    what = f"source {name}: {path}"
    found, is_hidden = _status(path)
    if is_hidden:
        return _unseen(what, path)
    if found is not None and stat.S_ISREG(found.st_mode):
        return Look(path, "ok", what)
    text = f"{what} is {'not there' if found is None else 'no file'}"
    return Look(path, "warning", text, "put the path of Spack's own mirrors.yaml there")


def _status(path: str) -> tuple[os.stat_result | None, bool]:
    """What is there, and whether that is hidden from this user."""
    try:
        return os.stat(path), False
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        return None, isinstance(error, PermissionError)


def _unseen(what: str, path: str) -> Look:
    text = f"{what} was not looked at: {os.strerror(errno.EACCES)}"
    return Look(path, "not asked", text, "run this as the user of the daemon, or as root")
