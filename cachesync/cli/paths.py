"""Where the state directory and the config are (DESIGN.md, Processes)."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection
from pathlib import Path

from ..errors import UsageError
from .options import Globals

__all__ = [
    "leading_somewhere",
    "pages_directory",
    "reader_state_dir",
    "require_config",
    "writer_state_dir",
]

SYSTEM_STATE = Path("/var/lib/cachesync")


def reader_state_dir(options: Globals) -> Path:
    """The state directory for a command that only reads. Raises UsageError for one that leads nowhere."""
    own = _named(options) or (SYSTEM_STATE if _is_directory(SYSTEM_STATE) else _own())
    return leading_somewhere("the state directory", own)


def writer_state_dir(options: Globals) -> Path:
    """The state directory for a command that writes. Raises UsageError for one that leads nowhere."""
    return leading_somewhere("the state directory", _named(options) or _own())


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


def _named(options: Globals) -> Path | None:
    if options.state_dir is not None:
        if not options.state_dir:
            raise UsageError("--state-dir needs a directory")
        return Path(options.state_dir)
    from_systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(from_systemd) if from_systemd else None


def _own() -> Path:
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
    except OSError:
        return False


def require_config(options: Globals) -> None:
    """Raise UsageError when a config is named that does not exist, for commands that need none."""
    if options.config is not None:
        leading_somewhere("the config file", Path(options.config))
    if options.config is not None and not Path(options.config).is_file():
        raise UsageError(f"there is no config file {options.config}")
