"""Where the state directory and the config are (DESIGN.md, Processes)."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import UsageError
from .entry import Globals

__all__ = ["reader_state_dir", "require_config", "writer_state_dir"]

SYSTEM_STATE = Path("/var/lib/cachesync")


def reader_state_dir(options: Globals) -> Path:
    """The state directory for a command that only reads."""
    return _named(options) or (SYSTEM_STATE if _is_directory(SYSTEM_STATE) else _own())


def writer_state_dir(options: Globals) -> Path:
    """The state directory for a command that writes."""
    return _named(options) or _own()


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
