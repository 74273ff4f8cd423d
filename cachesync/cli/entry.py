"""From `sys.argv` to an exit status: where every command begins and every error ends.

`search` is dispatched before click is imported: its arguments have rules of their own (CLI.md), and
click alone costs as much as starting Python twice.
"""

from __future__ import annotations

import os
import sys

from ..errors import AnswerError, CachesyncError, QueryError
from . import streams
from .display import terminal
from .display.output import print_line, visible
from .options import Globals, split_globals

__all__ = ["main"]

COMPLETE = "_CACHESYNC_COMPLETE"
"""Set by a shell that asks what may come next (click's protocol)."""
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit status (CLI.md)."""
    if argv is None:
        streams.watch()
    for stream in (sys.stdout, sys.stderr):
        terminal.prepare(stream)
    options, rest = split_globals(sys.argv[1:] if argv is None else argv)
    status = 0
    try:
        if COMPLETE in os.environ:
            return _complete()
        status = _dispatch(options, rest)
        sys.stdout.flush()
    except BrokenPipeError as error:
        # The reader went away (`| head`): nothing is wrong, and nothing more can be said.
        from .ending import ReaderGoneError

        streams.say_no_more()
        return error.status if isinstance(error, ReaderGoneError) else status
    except KeyboardInterrupt:
        # What was being written may be written already: once more would be twice.
        streams.say_no_more()
        interrupted = CachesyncError("interrupted")
        interrupted.exit_status, interrupted.is_said = INTERRUPTED, True
        return _fail(interrupted, options)
    except CachesyncError as error:
        return _fail(error, options)
    except (MemoryError, ImportError, OSError) as error:
        if not _is_out_of_memory(error):
            raise
        return _fail(
            CachesyncError("out of memory", hint="raise `ulimit -v`, or free some"), options
        )
    return status


def _damage(options: Globals) -> CachesyncError | None:
    """The error for a ledger that is damaged; None where it is not, or nobody can tell."""
    try:
        from ..ledger import connect
        from . import paths

        return connect.damage(paths.state_dir(options))
    except Exception:  # the error that led here is told
        return None


def _is_out_of_memory(error: Exception) -> bool:
    """Whether there was no memory left, for values or (as the dynamic linker says it) for a library."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "failed to map" in said or "cannot allocate" in said


def _dispatch(options: Globals, rest: list[str]) -> int:
    """Run a command. Raises LedgerError for what a damaged ledger led to."""
    try:
        return _run(options, rest)
    except (CachesyncError, OSError, MemoryError, ImportError):
        raise
    except Exception as error:
        # What a damaged ledger hands out may be wrong only where it is shown.
        if (damaged := _damage(options)) is None:
            raise
        raise damaged from error


def _run(options: Globals, rest: list[str]) -> int:
    if rest[:1] == ["search"]:
        from .commands import search

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


def _fail(error: CachesyncError, options: Globals) -> int:
    """Tell people of an error, and with `--json` programs (CLI.md); returns the exit status."""
    try:
        sys.stdout.flush()  # what was answered before it
    except (BrokenPipeError, AnswerError):  # `error` is that, or came before it
        streams.say_no_more()
    if (options.config or options.state_dir) and "cachesync " in f"{error.message} {error.hint}":
        _reach(error, options)
    if not error.is_said and not (options.json and options.quiet):
        _complain(error)
    if options.json:
        print(_document(error), file=sys.stderr)
    return error.exit_status


def _reach(error: CachesyncError, options: Globals) -> None:
    """Have the commands that help reach what this one reached."""
    from .remedies import reaching

    error.message = reaching(error.message, options)
    if error.hint is not None:
        error.hint = reaching(error.hint, options)


def _document(error: CachesyncError) -> str:
    """The line for programs: ASCII, so no terminal can be reached by it."""
    import json

    from .display.output import SCHEMA

    problems = "; ".join(error.problems)
    told = {
        "message": f"{error.message}: {problems}" if problems else error.message,
        "hint": error.hint,
        "exit": error.exit_status,
    }
    return json.dumps({"schema": SCHEMA, "error": told})


MOST_SHOWN = 120
"""Characters of a query up to which an error shows all of it: more would part it from its caret."""
SHOWN_BEFORE, SHOWN_AT, SHOWN_BEHIND = 50, 30, 20


def _pointed(error: QueryError) -> tuple[str, str]:
    """The query, or of a long one what is around the fault, and below it what points there."""
    end = error.position + error.length
    before = visible(error.query[: error.position])
    at = visible(error.query[error.position : end])
    behind = visible(error.query[end:])
    length = error.length
    if len(before) + len(at) + len(behind) > MOST_SHOWN:
        if len(before) > SHOWN_BEFORE:
            before = f"...{before[-SHOWN_BEFORE:]}"
        if len(at) > SHOWN_AT:
            at, behind, length = at[:SHOWN_AT], "...", SHOWN_AT
        if len(behind) > SHOWN_BEHIND:
            behind = f"{behind[:SHOWN_BEHIND]}..."
    return f"{before}{at}{behind}", f"{' ' * len(before)}{'^' * length}"


def _complain(error: CachesyncError) -> None:
    print_line(f"cachesync: error: {error.message}", to=sys.stderr)
    for problem in error.problems:
        print_line(f"  {problem}", to=sys.stderr)
    if isinstance(error, QueryError):
        for line in _pointed(error):
            print(f"  {line}", file=sys.stderr)
    if error.hint:
        print_line(f"hint: {error.hint}", to=sys.stderr)
