"""The log names the pages that a pass rejected: a number sends nobody to the right file."""

from __future__ import annotations

import logging

from ..ledger import log
from ..model import ChangeKind
from .writer_thread import WriterThread

__all__ = ["MOST", "tell"]

MOST = 10
"""Pages of one pass that are named."""
_log = logging.getLogger("cachesync")


def tell(thread: WriterThread, source: str, *, since: int) -> None:
    """Log the pages of `source` that were rejected after the change `since`."""
    wanted = log.Filter(after=since, kinds=(ChangeKind.PAGE_REJECTED,), source=source)
    found = thread.ask(lambda db: list(log.changes(db, wanted, limit=MOST + 1)))
    for change in found[:MOST]:
        _log.warning("%s: rejected: %s: %s", source, change.path, change.reason)
    if len(found) > MOST:
        _log.warning("%s: more pages are rejected; `cachesync status` names them", source)
