"""The streams of the process: an answer that cannot be written is said to be one, talk never fails.

`print` writes in the middle of everything: what standard output raises would be taken for an error of
the ledger, or of whatever is read at that moment. Standard error is talk, and no command fails of it.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from ..errors import AnswerError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["say_no_more", "watch"]

OUT, TALK = 1, 2


class _Answer(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:  # who read it went away: that is no error
            raise
        except OSError as error:
            from ..ledger import room

            raise AnswerError(f"standard output cannot be written: {room.reason(error)}") from error


class _Talk(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:  # there is nobody to tell: it is as if it were said
            return memoryview(data).nbytes


def watch() -> None:
    """Put streams in place of standard output and error of which the first raises AnswerError.

    Standard input that was closed from the start is empty.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as the process is
    sys.stdout = _stream(_Answer, OUT, sys.stdout)
    sys.stderr = _stream(_Talk, TALK, sys.stderr)


def say_no_more() -> None:
    """What is still to be written to standard output goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _stream(kind: type[io.FileIO], number: int, old: TextIO | None) -> TextIO:
    """A text stream to a descriptor, like the `old` one; None is one that was closed from the start."""
    if old is None:
        _occupy(number)
    return io.TextIOWrapper(
        io.BufferedWriter(kind(number, "w", closefd=False)),
        encoding="utf-8" if old is None else old.encoding,
        errors="backslashreplace" if old is None else old.errors,
        line_buffering=old is not None and (number == TALK or old.isatty()),
        write_through=number == TALK,
    )


def _occupy(number: int) -> None:
    """Have a closed descriptor refuse what is written, that no file gets its number and the text."""
    opened = os.open(os.devnull, os.O_RDONLY)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
