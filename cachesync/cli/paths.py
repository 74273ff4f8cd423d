"""Where the state directory and the config are (DESIGN.md, Processes)."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from ..errors import UsageError
from .entry import Globals

__all__ = ["pages_directory", "reader_state_dir", "require_config", "writer_state_dir"]

SYSTEM_STATE = Path("/var/lib/cachesync")


def reader_state_dir(options: Globals) -> Path:
    """The state directory for a command that only reads."""
    return _named(options) or (SYSTEM_STATE if _is_directory(SYSTEM_STATE) else _own())


def writer_state_dir(options: Globals) -> Path:
    """The state directory for a command that writes."""
    return _named(options) or _own()


def pages_directory(text: str, known: Collection[str] = ()) -> str:
    """The absolute path of a directory given with --pages, which may be gone when it is `known`.

    Raises UsageError when it is none, or has a name that no ledger can hold.
    """
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


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def require_config(options: Globals) -> None:
    """Raise UsageError when a config is named that does not exist, for commands that need none."""
    if options.config is not None and not Path(options.config).is_file():
        raise UsageError(f"there is no config file {options.config}")
