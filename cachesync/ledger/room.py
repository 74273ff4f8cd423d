"""Why something cannot be written: a full device, a quota, the limit on the size of files.

Looks at errors, limits and sizes; writes nothing.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

__all__ = ["Shortage", "named", "reason", "shortage", "size_limit"]

FULL_BYTES = 1 << 20
"""Free space below which an I/O error of SQLite means that the device is full."""


class Shortage(NamedTuple):
    """What is short, for a person."""

    message: str
    remedy: str
    """What to do before trying again, such as `free some space`."""


def size_limit() -> int | None:
    """The bytes that a file of this process may have (`setrlimit(2)`, RLIMIT_FSIZE); None: any."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return None if soft == resource.RLIM_INFINITY else soft


def reason(error: OSError) -> str:
    """What kept something from being written, in some words."""
    limit = size_limit() if error.errno == errno.EFBIG else None
    if limit is not None:
        return f"{_limit_text(limit)} is reached"
    return error.strerror or str(error)


def named(error: OSError, root: Path) -> str:
    """What is wrong, behind the file that it is about where the error has one; printable.

    A file below `root` is named as it is called there.
    """
    text = error.strerror or str(error)
    if not isinstance(error.filename, str | bytes):  # none, or a descriptor
        return text
    name = os.fsencode(error.filename).decode("utf-8", "backslashreplace")
    name = name.removeprefix(f"{root}/")
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    return text if name == str(root) else f"{shown}: {text}"


def shortage(error: OSError | sqlite3.Error, path: Path) -> Shortage | None:
    """What is short where `path`, or a file below it, could not be written; None for other errors."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EDQUOT:
        return Shortage(f"the disk quota for {path} is used up", "free some space")
    if number == errno.ENOSPC:
        return _full(path)
    text = str(error) if isinstance(error, sqlite3.Error) else ""
    # SQLite says the same of a device without space and of a file that may not grow.
    is_short = number == errno.EFBIG or "disk is full" in text or "disk I/O error" in text
    if not is_short:
        return None
    limit = size_limit()
    if text and (_is_full(path) or (limit is None and "disk is full" in text)):
        return _full(path)
    if limit is None:
        return None
    named = getattr(error, "filename", None) or _largest(path)
    found = f"{_limit_text(limit)} is reached by {named}"
    return Shortage(found, "raise it (ulimit -f unlimited; LimitFSIZE= of a unit)")


def _limit_text(limit: int) -> str:
    return f"the limit on file sizes (ulimit -f) of {limit / 1024:,.0f} KiB"


def _full(path: Path) -> Shortage:
    return Shortage(f"no space left on the device that holds {path}", "free some space")


def _is_full(path: Path) -> bool:
    try:
        found = os.statvfs(path if path.exists() else path.parent)
    except OSError:  # then it is something else that is wrong
        return False
    return found.f_bavail * found.f_frsize < FULL_BYTES


def _largest(path: Path) -> Path:
    """The largest file below `path`, which reached the limit first."""
    files = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    return max(files, key=_size, default=path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it is gone by now
        return 0
