"""A pager for what does not fit the terminal. Nothing is paged that is not read by a person.

What is printed is held back until it is known not to fit; from then on the pager gets it as it comes.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from . import terminal

if TYPE_CHECKING:
    import subprocess

__all__ = ["command", "is_left", "paged"]

DEFAULT = "less -FRX"
NONE = ("", "cat")
"""Pagers that are none."""


def command(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The pager and its arguments; empty for none.

    `CACHESYNC_PAGER`, else `PAGER`, else `less -FRX`. What cannot be split into words is none.
    """
    wanted = environ.get("CACHESYNC_PAGER", environ.get("PAGER", DEFAULT)).strip()
    if wanted in NONE or terminal.is_dumb(environ):
        return []
    import shlex

    try:
        return shlex.split(wanted)
    except ValueError:
        return []


class _Screen(io.TextIOBase):
    """Stands in for standard output: holds text back, then hands it to a pager or to the terminal."""

    def __init__(self, real: io.TextIOBase, argv: list[str]) -> None:
        super().__init__()
        self._real = real
        self._argv = argv
        self._held: list[str] = []
        self._lines = 0
        self._columns, self._room = terminal.width(), terminal.height() - 1
        self._process: subprocess.Popen[str] | None = None
        self.is_left = False
        self._write: Callable[[str], object] | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._real.encoding

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._real.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._write is not None:
            self._write(text)
        else:
            self._held.append(text)
            # Escape sequences are counted as if they were seen: at worst a pager too soon.
            self._lines += sum(len(line) // self._columns + 1 for line in text.split("\n")) - 1
            if self._lines > self._room:
                self._start()
        return len(text)

    def _start(self) -> None:
        import subprocess

        try:
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.PIPE, text=True, encoding=self.encoding,
                errors="backslashreplace", env={"LESS": "FRX", **os.environ},
            )  # fmt: skip
        except OSError:  # there is no such program: better unpaged than unseen
            self._write = self._real.write
        else:
            self._write = self._to_pager
        self._release(self._write)

    def _to_pager(self, text: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        # A reader who has seen enough quits; the exit status stays that of the command.
        try:
            self._process.stdin.write(text)
        except BrokenPipeError:
            self.is_left = True

    def _release(self, write: Callable[[str], object]) -> None:
        for text in self._held:
            write(text)
        self._held = []

    def finish(self) -> None:
        """Show what was held back, or wait until the reader quits the pager."""
        if self._process is None:
            self._release(self._real.write)
            self._real.flush()
            return
        with suppress(BrokenPipeError):  # as above: who has seen enough quits
            assert self._process.stdin is not None
            self._process.stdin.close()
        while True:
            try:
                self._process.wait()
            except KeyboardInterrupt:  # Ctrl-C is the pager's, which goes on
                continue
            return


def is_left() -> bool:
    """Whether the reader has quit the pager: what is printed now is seen by nobody."""
    return isinstance(sys.stdout, _Screen) and sys.stdout.is_left


@contextmanager
def paged(*, wanted: bool = True) -> Iterator[None]:
    """Page what is printed inside when standard output is a terminal that it does not fit."""
    argv = command() if wanted and sys.stdout.isatty() else []
    if not argv:
        yield
        return
    real = sys.stdout
    screen = _Screen(real, argv)  # type: ignore[arg-type]
    sys.stdout = screen
    try:
        yield
    finally:
        sys.stdout = real
        screen.finish()
