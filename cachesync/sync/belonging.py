"""Whose configuration the sources and subscriptions of a state directory come from: that of one file.

What another file does not name has left nothing. So a command that would take it for gone is refused,
as long as the file whose they are is still there; the daemon takes over what it is started with.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..errors import UsageError
from ..ledger.locks import LOCK_FILE
from ..system.published import publish, published

__all__ = ["FILE", "require", "take"]

FILE = "configuration.json"


def require(state_dir: Path, path: Path | None) -> None:
    """Raise UsageError where a state directory is another configuration's than that in `path`.

    `path` is None where no file applies.
    """
    said = published(state_dir / FILE) or {}
    theirs = said.get("config") if said.get("lock") == _lock(state_dir) else None  # or a copy's
    if not isinstance(theirs, str) or (path is not None and _is_same(theirs, path)):
        return
    if not os.path.exists(theirs):  # it was moved, or is on another machine
        return
    this = "none applies here" if path is None else f"this is {path}"
    otherwise = "" if path is None else f"; remove {state_dir / FILE} to have {path} take its place"
    raise UsageError(
        f"the sources in {state_dir} are those of the config file {theirs}, and {this}",
        hint=f"--config {theirs}, or another --state-dir{otherwise}",
    )


def take(state_dir: Path, path: Path | None) -> None:
    """Remember the file that says what the sources are. The caller holds the writer's lock."""
    if path is None:
        return
    said = {"config": os.path.abspath(path), "lock": _lock(state_dir)}
    if published(state_dir / FILE) != said:
        with suppress(OSError):  # a full disk: then nothing is refused
            publish(state_dir / FILE, said)


def _lock(state_dir: Path) -> int | None:
    """What tells a state directory from a copy of it, also after the devices were numbered anew."""
    try:
        return os.stat(state_dir / LOCK_FILE).st_ino
    except OSError:
        return None


def _is_same(one: str, other: Path) -> bool:
    """Whether two paths are one file, or are written alike: a link may lead elsewhere tomorrow."""
    try:
        return os.path.abspath(other) == one or os.path.samefile(one, other)
    except OSError:
        return False
