"""From `sys.argv` to an exit status: where every command begins and every error ends.

`search` is dispatched before click is imported: its arguments have rules of their own (CLI.md), and
click alone costs as much as starting Python twice.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..errors import CachesyncError, ConfigError, ListError, QueryError
from . import terminal
from .output import visible

__all__ = ["Globals", "ending", "main", "split_globals"]

WITH_VALUE = ("--config", "--state-dir")
COMPLETE = "_CACHESYNC_COMPLETE"
"""Set by a shell that asks what may come next (click's protocol)."""
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Globals(NamedTuple):
    """The options that stand before the command, or anywhere when they are long."""

    config: str | None = None
    state_dir: str | None = None
    verbose: bool = False
    quiet: bool = False


class _ReaderGoneError(BrokenPipeError):
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
        raise _ReaderGoneError(status) from error


def split_globals(argv: list[str]) -> tuple[Globals, list[str]]:
    """The global options, and everything else in its order.

    Raises CachesyncError-free: what is wrong is left in the rest for the command to complain about.
    """
    values: dict[str, str] = {}
    flags = {"-v": False, "-q": False}
    rest: list[str] = []
    position = 0
    while position < len(argv):
        argument = argv[position]
        name, equals, value = argument.partition("=")
        if argument == "--":
            return _globals(values, flags), rest + argv[position:]
        if name in WITH_VALUE and (equals or position + 1 < len(argv)):
            if not equals:
                position += 1
                value = argv[position]
            values[name] = value
        elif not rest and argument in flags:
            flags[argument] = True
        elif argument in ("--verbose", "--quiet"):
            flags[argument[1:3]] = True
        else:
            rest.append(argument)
        position += 1
    return _globals(values, flags), rest


def _globals(values: dict[str, str], flags: dict[str, bool]) -> Globals:
    return Globals(values.get("--config"), values.get("--state-dir"), flags["-v"], flags["-q"])


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit status (CLI.md)."""
    for stream in (sys.stdout, sys.stderr):
        terminal.prepare(stream)
    status = 0
    try:
        if COMPLETE in os.environ:
            return _complete()
        status = _dispatch(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except BrokenPipeError as error:
        # The reader went away (`| head`): nothing is wrong, and nothing more can be said.
        _say_no_more()
        return error.status if isinstance(error, _ReaderGoneError) else status
    except OSError as error:
        if error.errno not in UNWRITABLE or error.filename is not None:
            raise
        _say_no_more()
        _complain(CachesyncError(f"the answer cannot be written: {error.strerror}"))
        return 1
    except KeyboardInterrupt:
        return 130
    except CachesyncError as error:
        _complain(error)
        return error.exit_status
    return status


def _say_no_more() -> None:
    """What is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(argv: list[str]) -> int:
    options, rest = split_globals(argv)
    if rest[:1] == ["search"]:
        from . import search

        return search.run(options, rest[1:])
    from . import app

    return app.run(options, rest)


def _complete() -> int:
    """Tell a shell what may come next; whatever is wrong, it is told nothing."""
    try:
        from . import app, shells  # noqa: F401 - registers what click asks for

        return app.run(Globals(), [])
    except BrokenPipeError:
        raise
    except Exception:  # nobody wants to read of it at a tab key
        return 0


def _complain(error: CachesyncError) -> None:
    print(f"cachesync: error: {visible(error.message)}", file=sys.stderr)
    if isinstance(error, ConfigError | ListError):
        for problem in error.problems:
            print(f"  {visible(problem)}", file=sys.stderr)
    if isinstance(error, QueryError):
        print(f"  {visible(error.query)}", file=sys.stderr)
        before = visible(error.query[: error.position])
        print(f"  {' ' * len(before)}{'^' * error.length}", file=sys.stderr)
    if error.hint:
        print(f"hint: {visible(error.hint)}", file=sys.stderr)
