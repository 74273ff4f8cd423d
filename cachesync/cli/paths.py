"""Where the state directory and the config are (DESIGN.md, Processes)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path

from ..errors import UsageError
from .options import Globals

__all__ = [
    "SYSTEM_STATE",
    "Why",
    "leading_somewhere",
    "own",
    "own_state_dir",
    "pages_directory",
    "require_config",
    "state_dir",
    "why",
]

SYSTEM_STATE = Path("/var/lib/cachesync")


class Why(StrEnum):
    """Why a state directory is the one that is used."""

    OPTION = "--state-dir"
    VARIABLE = "STATE_DIRECTORY"
    SYSTEM = "system"
    """The service's, which is there."""
    OWN = "user"


def state_dir(options: Globals) -> Path:
    """The state directory, for readers and writers alike. Raises UsageError where it leads nowhere."""
    return leading_somewhere("the state directory", _chosen(options)[1])


def why(options: Globals) -> Why:
    """Why `state_dir` is the one it is. Raises UsageError."""
    return _chosen(options)[0]


def own_state_dir(options: Globals) -> Path:
    """Where what is the user's own goes, and no service's: named, or below HOME. Raises UsageError."""
    named = _named(options)
    return leading_somewhere("the state directory", own() if named is None else named[1])


def _chosen(options: Globals) -> tuple[Why, Path]:
    named = _named(options)
    if named is not None:
        return named
    return (Why.SYSTEM, SYSTEM_STATE) if _is_directory(SYSTEM_STATE) else (Why.OWN, own())


def pages_directory(text: str, known: Collection[str] = ()) -> str:
    """The absolute path of a directory given with --pages, which may be gone when it is `known`.

    Raises UsageError when it is none, or has a name that no ledger can hold.
    """
    leading_somewhere("--pages:", Path(text))
    name = os.path.realpath(text)
    if not text or (name not in known and not os.path.isdir(name)):
        raise UsageError(f"--pages: {text or 'it'} is not a directory")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"--pages: the name of {text} is not UTF-8", hint="rename it, or link to it"
        ) from None
    return name


def _named(options: Globals) -> tuple[Why, Path] | None:
    if options.state_dir is not None:
        if not options.state_dir:
            raise UsageError("--state-dir needs a directory")
        return Why.OPTION, Path(options.state_dir)
    from_systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return (Why.VARIABLE, Path(from_systemd)) if from_systemd else None


def own() -> Path:
    """The state directory of this user alone."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):
        return Path(base) / "cachesync"
    return Path.home() / ".local" / "state" / "cachesync"


def leading_somewhere(what: str, path: Path) -> Path:
    """`path`, which may not be there. Raises UsageError when its links lead in a circle."""
    try:
        path.stat()
    except ValueError:  # NUL in the path: said where it is opened
        pass
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UsageError(
                f"{what} {path} is a loop of symbolic links", hint="ls -l shows where they lead"
            ) from None
    return path


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # what cannot be looked at is none to anybody
        return False


def require_config(options: Globals) -> None:
    """Raise UsageError when a config is named that nobody can read, for commands that need none."""
    if options.config is None:
        return
    path = leading_somewhere("the config file", Path(options.config))
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: NUL in the path
        raise UsageError(f"there is no config file {options.config}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if stat.S_ISDIR(mode):  # what is neither may well be read: a pipe, as of `<(...)`
        raise UsageError(f"cannot read {path}: {os.strerror(errno.EISDIR)}")
