"""As a user who owns nothing: root, who runs tests in containers, may read everything."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["nobody"]


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
