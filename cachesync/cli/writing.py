"""Commands that write: carried out here, or by the daemon that holds the state directory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LedgerBusyError, UsageError
from ..ledger import connect
from ..ledger.write import Writer

__all__ = ["carry_out", "clock"]

PATIENCE_SECONDS = 3.0
"""A daemon that has just started, or ends, holds the lock for a moment without its socket."""


def clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def carry_out(
    state_dir: Path,
    asked: Mapping[str, Any] | None,
    here: Callable[[connect.Connection, Writer], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """What `here` returns, or what the daemon answers when it is asked.

    `asked` is None where a daemon cannot carry the command out: UsageError then names its pid.
    Raises LedgerBusyError, naming the holder, when another process holds the state directory and
    does not answer, and what either way raises.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with connect.writer_lock(state_dir), connect.ledger_errors(state_dir):
                db = connect.open_writer(state_dir, now=clock())
                try:
                    return here(db, Writer(db, clock=clock))
                finally:
                    db.close()
        except LedgerBusyError:
            from ..daemon import control, runtime

            running = runtime.running(state_dir)
            if asked is None and running is not None:
                raise UsageError(
                    f"the daemon (pid {running['pid']}) holds {state_dir}; it takes no --pages",
                    hint="name the directory in its config, or use another --state-dir",
                ) from None
            if asked is None:
                raise
            answer = control.request(state_dir, asked)
            if answer is not None:
                return answer
            if time.monotonic() > until or not control.exists(state_dir):
                raise
            time.sleep(0.1)
