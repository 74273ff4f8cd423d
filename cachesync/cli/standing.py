"""How well a site is, for a command: what the daemon says of itself, and what is seen from outside."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import CachesyncError, IndexUnusableError
from ..ledger import connect, read
from ..reports import health
from ..system.published import deliveries

__all__ = ["index_error", "judged", "look"]


def look(state_dir: Path) -> health.Health:
    """The health of what lies in a state directory. Never raises CachesyncError."""
    try:
        with connect.ledger_errors(state_dir), closing(connect.open_reader(state_dir)) as db:
            error = index_error(db, state_dir)
    except CachesyncError:  # the ledger's, which is told
        error = None
    return judged(state_dir, index_error=error)


def index_error(db: connect.Connection, state_dir: Path) -> str | None:
    """Why the search index of a ledger cannot be read."""
    from ..index.reader import SearchIndex

    root, mark = state_dir / connect.INDEX_DIRECTORY, partial(read.mark, db)
    try:
        SearchIndex(root, ledger=read.identity(db), mark=mark).close()
    except IndexUnusableError as error:
        return error.message
    return None


def _sent(state_dir: Path) -> Mapping[str, Any] | None:
    """What was last told of the outbox, and without a daemon, whether it can be used now."""
    told = deliveries(state_dir)
    if told is not None and told.get("error"):
        return told
    from ..notify.outbox import sound

    fault = sound.fault(state_dir)
    if fault is None:
        return told
    return {**(told or {}), "error": fault.message, "remedy": fault.hint}


def judged(state_dir: Path, *, index_error: str | None) -> health.Health:
    """As `look`, where the index was looked at already. Never raises CachesyncError."""
    from ..daemon import runtime, standing

    said = runtime.running(state_dir)
    # A daemon says at once that its outbox cannot be used; the other file may wait for that very outbox.
    sent = _sent(state_dir) if said is None else said.get("deliveries")
    facts = standing.gather(state_dir, daemon=said, deliveries=sent)
    facts = standing.from_outside(facts, state_dir)
    return health.judge(facts._replace(index_error=index_error))
