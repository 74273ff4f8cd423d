"""A second Python process for half of the work. It talks pickles over its standard streams.

It ends with its standard input: it cannot outlive the process that started it.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from typing import IO, Any

__all__ = ["end", "is_worth_it", "receive", "send", "start"]

PIPE_BYTES = 1 << 20


def is_worth_it() -> bool:
    """Whether a second process has a processor to run on."""
    return (os.cpu_count() or 1) > 1


def start(module: str, function: str) -> subprocess.Popen[bytes]:
    """Run `function` of `module` in another process. Raises OSError when that cannot be."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {module} import {function}; {function}()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt is the parent's to handle
    )
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with suppress(OSError):  # a smaller pipe is only slower
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it, close its pipes, and wait for it."""
    with suppress(OSError), process:  # it has ended already
        process.kill()


def send(message: object, pipe: IO[bytes] | None) -> None:
    """Write one message. Raises OSError when nobody takes it."""
    assert pipe is not None
    pickle.dump(message, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def receive(pipe: IO[bytes] | None) -> Any:
    """The next message. Raises EOFError when the other end is closed, or ended in the middle."""
    assert pipe is not None
    try:
        return pickle.load(pipe)  # noqa: S301 - the other end is this program
    except (pickle.UnpicklingError, OSError) as error:
        raise EOFError from error
