"""`cachesync` and `python -m cachesync`."""

from __future__ import annotations

import gc
import os
import sys

__all__ = ["main"]

_BRIEF = {"check", "diff", "history", "search", "show", "status", "sync"}
"""The commands that do one thing and end: what they make is wanted until then, and is no circle."""

_INTERRUPTED = 130
_OUT_OF_MEMORY = b"cachesync: error: out of memory\nhint: raise `ulimit -v`, or free some\n"


def main() -> int:
    """Run the command that the arguments name; returns its exit status, or ends the process.

    For the daemon SIGHUP is a request that waits until it can be heeded, from the first act on:
    whoever reloads a service that is just starting must not end it. A brief command makes values and ends:
    looking for garbage among them, and taking the process apart, would be a quarter of its time.
    """
    try:
        if "run" in sys.argv[1:]:
            _hold_hangup()
        is_brief = not _BRIEF.isdisjoint(sys.argv[1:]) and _command() in _BRIEF
        if is_brief:
            gc.disable()
        from .cli.entry import main as enter
    except (MemoryError, ImportError) as error:
        if isinstance(error, ImportError) and "failed to map" not in str(error):
            raise
        os.write(2, _OUT_OF_MEMORY)
        return 1
    except KeyboardInterrupt:  # before there was anybody to heed it
        return _INTERRUPTED
    try:
        status = enter()
    except MemoryError:  # there was none either to tell of it
        os.write(2, _OUT_OF_MEMORY)
        return 1
    if is_brief:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _command() -> str:
    """The word that is the command; empty where there is none."""
    from .cli.options import split_globals

    return next(iter(split_globals(sys.argv[1:])[1]), "")


def _hold_hangup() -> None:
    """Block SIGHUP, and let it go again when another command has `run` among its words."""
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    if _command() != "run":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


if __name__ == "__main__":
    sys.exit(main())
