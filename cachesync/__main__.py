"""`cachesync` and `python -m cachesync`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command that the arguments name; returns its exit status.

    For the daemon SIGHUP is a request that waits until it can be heeded, from the first act on:
    whoever reloads a service that is just starting must not end it.
    """
    if "run" in sys.argv[1:]:
        _hold_hangup()
    from .cli.entry import main as enter

    return enter()


def _hold_hangup() -> None:
    """Block SIGHUP, and let it go again when another command has `run` among its words."""
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from .cli.options import split_globals

    if split_globals(sys.argv[1:])[1][:1] != ["run"]:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


if __name__ == "__main__":
    sys.exit(main())
