"""What the daemon says of itself to other users: a small file beside the ledger, replaced whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..ledger import connect
from ..system import published

__all__ = ["FILE", "is_stopped", "publish", "running", "started"]

FILE = "daemon.json"


def publish(state_dir: Path, document: Mapping[str, Any]) -> None:
    """Replace what is said. Raises OSError."""
    published.publish(state_dir / FILE, document)


def running(state_dir: Path) -> dict[str, Any] | None:
    """What the daemon says that runs on `state_dir`; None when none does.

    The file outlives a daemon that was killed, so its process is looked for.
    """
    document = published.published(state_dir / FILE)
    try:
        holder = (state_dir / connect.LOCK_FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    if document is None or str(document.get("pid")) != holder:
        return None
    return document if started(int(holder)) == document.get("started") else None


def started(pid: int) -> int | None:
    """When a process began, in ticks since boot: with its pid it names the process for good."""
    fields = _fields(pid)
    return None if fields is None else int(fields[19])


def is_stopped(pid: int) -> bool:
    """Whether a signal, or a debugger, keeps a process from going on."""
    fields = _fields(pid)
    return fields is not None and fields[0] in "Tt"


def _fields(pid: int) -> list[str] | None:
    """What proc(5) says of a process, from its state on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name of the program, in parentheses, may hold anything.
    return text.rpartition(")")[2].split()


def forget(state_dir: Path) -> None:
    """Remove what was said: the daemon ends."""
    try:
        os.unlink(state_dir / FILE)
    except OSError:
        return
