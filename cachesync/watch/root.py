"""Whether the root of a source is what it was: the same directory, readable, not emptied."""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

__all__ = ["Root", "look_at"]


class Root(NamedTuple):
    """A root that can be read."""

    real_path: str
    device: int
    inode: int
    empty: bool
    """It holds nothing but hidden entries."""

    def is_same(self, other: Root) -> bool:
        """Whether both are the same directory of the same file system."""
        return (self.device, self.inode) == (other.device, other.inode)

    def replaced_by(self, other: Root) -> str:
        """One line that says what is there instead."""
        now = f"device {other.device}, inode {other.inode}{', empty' if other.empty else ''}"
        was = f"device {self.device}, inode {self.inode}"
        return f"{other.real_path}: another directory than before ({was}; now {now})"


def look_at(path: str) -> Root:
    """The root as it is now. Raises OSError where it is missing, no directory or unreadable."""
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    if not os.access(path, os.R_OK | os.X_OK, effective_ids=True):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    with os.scandir(path) as scanned:
        empty = all(entry.name.startswith(".") for entry in scanned)
    return Root(os.path.realpath(path), status.st_dev, status.st_ino, empty)
