"""What the daemon says of itself to other users: a small file beside the ledger, replaced whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..ledger import connect
from ..system import published

__all__ = ["FILE", "forget", "holder", "is_stopped", "lock_of", "publish", "running", "started"]

FILE = "daemon.json"


def publish(state_dir: Path, document: Mapping[str, Any]) -> None:
    """Replace what is said, which names the lock that is held. Raises OSError."""
    published.publish(state_dir / FILE, {**document, "lock": lock_of(state_dir)})


def running(state_dir: Path) -> dict[str, Any] | None:
    """What the daemon says that runs on `state_dir`; None when none does.

    The file outlives a daemon that was killed, so its process is looked for; and it may have come
    from elsewhere, with a copy of the directory, so the lock that is held has to be this one.
    """
    document = published.published(state_dir / FILE)
    pid = holder(state_dir)
    if document is None or pid is None or document.get("pid") != pid:
        return None
    if "lock" in document and document["lock"] != lock_of(state_dir):  # older ones do not say it
        return None
    return document if started(pid) == document.get("started") else None


def holder(state_dir: Path) -> int | None:
    """The process that holds the state directory, or was the last to do so; None: nobody ever was."""
    try:
        return int((state_dir / connect.LOCK_FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def lock_of(state_dir: Path) -> list[int] | None:
    """What tells the lock of a state directory from any other, a copy of it too; None: there is none."""
    try:
        status = os.stat(state_dir / connect.LOCK_FILE)
    except OSError:
        return None
    return [status.st_dev, status.st_ino]


def started(pid: int) -> int | None:
    """When a process began, in ticks since boot: with its pid it names the process for good.

    None where it is not there, or has ended and nobody has asked how (a zombie, until init does).
    """
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in ("Z", "X") else None


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal, or a debugger."""
    return _stat(pid)[:1] in (["T"], ["t"])


def _stat(pid: int) -> list[str]:
    """What proc(5) says of a process, from its state on; nothing where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    # The name of the program, in parentheses, may hold anything.
    return text.rpartition(")")[2].split()


def forget(state_dir: Path) -> None:
    """Remove what was said: the daemon ends."""
    try:
        os.unlink(state_dir / FILE)
    except OSError:  # what is left of a process that has ended counts for nothing
        return
