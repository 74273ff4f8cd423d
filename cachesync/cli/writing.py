"""Commands that write: carried out here, or by the daemon that holds the state directory."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LedgerBusyError, UsageError
from ..ledger import connect
from ..ledger.write import Writer
from ..sync import belonging
from . import rights
from .configuration import find_config
from .options import Globals

__all__ = ["carry_out", "clock"]

PATIENCE_SECONDS = 3.0
"""A daemon that has just started, or ends, holds the lock for a moment without its socket."""
_log = logging.getLogger("cachesync")


def clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def carry_out(
    options: Globals,
    state_dir: Path,
    asked: Mapping[str, Any] | None,
    here: Callable[[connect.Connection, Writer], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """What `here` returns, or what the daemon answers when it is asked.

    `asked` is None where a daemon cannot carry the command out: UsageError then names its pid.
    From here on root is the owner of the state directory. Raises LedgerError, saying whose it is,
    when it is somebody else's; UsageError when its sources are those of another config file;
    LedgerBusyError, naming the holder, when another process holds it and does not answer; and what
    either way raises.
    """
    path = find_config(options)  # by whom it is asked, and not by the owner
    rights.act_as_owner(state_dir)
    is_sync = asked is None or asked["command"] == "sync"
    rights.require_writable(state_dir, may_be_own=is_sync)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with connect.writer_lock(state_dir), connect.ledger_errors(state_dir):
                if connect.file_identity(state_dir) is None:
                    _log.info("a new ledger is made in %s", state_dir)
                elif asked is None or asked["command"] != "rebuild":
                    belonging.require(state_dir, path)
                db = connect.open_writer(state_dir, now=clock())
                try:
                    if is_sync:
                        belonging.take(state_dir, path)
                    return here(db, Writer(db, clock=clock))
                finally:
                    db.close()
        except LedgerBusyError:
            from ..daemon import calling

            if asked is None:
                _refuse_pages(state_dir)
                raise
            on_silence = _ignore if options.quiet else _say_silent
            answer = calling.request(state_dir, asked, on_silence=on_silence)
            if answer is not None:
                return answer
            if time.monotonic() > until or not calling.exists(state_dir):
                raise
            time.sleep(0.1)


def _refuse_pages(state_dir: Path) -> None:
    """Raise UsageError where a daemon holds the state directory; it may be another command, too."""
    from ..daemon import runtime

    running = runtime.running(state_dir)
    if running is not None:
        raise UsageError(
            f"the daemon (pid {running['pid']}) holds {state_dir}; it takes no --pages or --mirror",
            hint="name the source in its config, or use another --state-dir",
        )


def _say_silent(pid: int) -> None:
    print(f"cachesync: the daemon (pid {pid}) does not answer; waiting for it", file=sys.stderr)


def _ignore(_pid: int) -> None:
    pass
