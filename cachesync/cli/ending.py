"""The exit status of a command whose answer nobody reads to the end, or that has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import LedgerError

__all__ = ["CANNOT_TELL", "ReaderGoneError", "ending", "or_cannot_tell"]

CANNOT_TELL = 3
"""The exit status of a question of which nobody knows the answer: neither yes nor no."""


class ReaderGoneError(BrokenPipeError):
    """Who read standard output went away from a command whose status is known."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


@contextmanager
def ending(status: int) -> Iterator[None]:
    """Print inside what a command found that ends with `status`, whoever reads it to the end."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGoneError(status) from error


@contextmanager
def or_cannot_tell(*, asked: bool = True) -> Iterator[None]:
    """Have a ledger that cannot be asked end the command with 3, where a yes or no was `asked` for."""
    try:
        yield
    except LedgerError as error:
        if asked:
            error.exit_status = CANNOT_TELL
        raise
