"""The log names the pages and cache indexes that a pass rejected: a number sends nobody to the right file."""

from __future__ import annotations

import logging

from ..ledger import log
from ..model import ChangeKind
from .writer_thread import WriterThread

__all__ = ["MOST", "tell"]

MOST = 10
"""Of one pass are named."""
KINDS = {ChangeKind.PAGE_REJECTED: "rejected", ChangeKind.INDEX_REJECTED: "cache index rejected"}
_log = logging.getLogger("cachesync")


def tell(thread: WriterThread, source: str, *, since: int) -> None:
    """Log the pages and cache indexes of `source` that were rejected after the change `since`."""
    wanted = log.Filter(after=since, kinds=tuple(KINDS), source=source)
    found = thread.ask(lambda db: list(log.changes(db, wanted, limit=MOST + 1)))
    for change in found[:MOST]:
        _log.warning("%s: %s: %s: %s", source, KINDS[change.kind], change.path, change.reason)
    if len(found) > MOST:
        _log.warning("%s: more is rejected; `cachesync status` names them", source)
