"""What is in a file that a configuration is, or names: a pipe is waited for, but not for ever."""

from __future__ import annotations

import errno
import os
import select
import time
from pathlib import Path

__all__ = ["PIPE_SECONDS", "content"]

PIPE_SECONDS = 3.0
"""So long a pipe may take to tell all of it: a pass or the whole daemon waits for it."""


def content(path: Path, *, most_bytes: int) -> bytes:
    """All of it; of more than `most_bytes` the beginning, a byte longer. Raises OSError, and ValueError for NUL."""
    # O_NONBLOCK: to open a pipe that nobody writes into would wait for somebody.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        until = time.monotonic() + PIPE_SECONDS
        data = b""
        while len(data) <= most_bytes:
            if not waiting.poll(max(until - time.monotonic(), 0.0) * 1000):
                raise OSError(errno.ETIMEDOUT, f"nothing came out of it in {PIPE_SECONDS:.0f} s")
            part = os.read(descriptor, most_bytes + 1 - len(data))
            if not part:
                break
            data += part
        return data
    finally:
        os.close(descriptor)
