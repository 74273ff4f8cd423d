"""What a command said, as tests of commands look at it: its errors, and a terminal."""

import os
import pty
import select
import termios
import time
from collections.abc import Iterator

from tests.support.world import World


def assert_error(result, text: str = "") -> None:
    """One line of error, at most one hint, nothing on standard output."""
    assert result.out == ""
    lines = result.err.splitlines()
    assert lines[0].startswith("cachesync: error: "), result
    assert text in lines[0]
    assert sum(line.startswith("cachesync: error:") for line in lines) == 1


def on_terminal(world: World, *arguments: object, columns: int = 80) -> str:
    """What a command writes to a terminal of its own, standard error included."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, columns))
    try:
        with world.start(*arguments, stdout=slave, stderr=slave, stdin=slave) as process:
            os.close(slave)
            data = b"".join(_read_terminal(master))
            process.wait(30)
        return data.decode("utf-8", "backslashreplace")
    finally:
        os.close(master)


def _read_terminal(master: int) -> Iterator[bytes]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:  # EIO: the other side is closed
            return
        if not data:
            return
        yield data
