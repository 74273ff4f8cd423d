"""As a user who owns nothing: root, who runs tests in containers, may read everything."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["let_pass", "nobody"]


def let_pass(*folders: Path) -> None:
    """Let everybody look into folders, and into those of ours in which they lie: temporary ones only."""
    temporary = Path(tempfile.gettempdir())
    for one in {one for folder in folders for one in (folder, *folder.parents)}:
        if temporary not in one.parents:
            continue
        told = one.stat()
        mode = stat.S_IMODE(told.st_mode)
        if told.st_uid == os.geteuid() and mode & 0o055 != 0o055:
            one.chmod(mode | 0o055)


@contextmanager
def nobody() -> Iterator[None]:
    """In this block files are opened as somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
