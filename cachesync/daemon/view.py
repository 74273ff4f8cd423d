"""What others see of the daemon: its document, its health, its numbers. It changes nothing."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..ledger import connect, log
from ..model import ChangeKind
from ..reports import health
from . import runtime, standing
from .delivery import Deliveries
from .metrics import health_of
from .sources import Sources
from .writer_thread import WriterThread

__all__ = ["View"]

_log = logging.getLogger("cachesync")


class View:
    """Looks at the parts of a daemon. Any thread may ask; only `tell` belongs to one."""

    def __init__(
        self, state_dir: Path, thread: WriterThread, sources: Sources, deliveries: Deliveries,
        *, stuck: Callable[[], str | None],
    ) -> None:  # fmt: skip
        self._state_dir = state_dir
        self._thread = thread
        self._sources = sources
        self._deliveries = deliveries
        self._stuck = stuck
        self._since = time.time()
        self._first_seq = thread.call(lambda writer: writer.seq)
        self._told: dict[tuple[str, str], health.Reason] = {}
        self.config_error: str | None = None
        """Why the newest config is not in force."""
        self.metrics_error: str | None = None
        """Why metrics are not served although the config wants them."""

    def document(self) -> dict[str, Any]:
        """What `status` shows of the daemon."""
        return {
            "pid": os.getpid(),
            "started": runtime.started(os.getpid()),
            "since": int(self._since * 1e6),
            "stuck": self._stuck(),
            "config_error": self.config_error,
            "metrics_error": self.metrics_error,
            "index_error": self._thread.index_error,
            "deliveries": self._deliveries.document(),
            "sources": dict(self._sources.documents(time.monotonic())),
        }

    def judged(self, document: Mapping[str, Any]) -> health.Health:
        """How well the site is, as far as the daemon can tell."""
        stuck = document["stuck"] or self._sources.stuck_pass(time.monotonic())
        facts = standing.gather(
            self._state_dir, daemon={**document, "stuck": stuck}, deliveries=document["deliveries"]
        )
        return health.judge(facts)

    def healthz(self) -> dict[str, Any]:
        """What `/healthz` says: how well the site is, and as before whether anything is stuck."""
        document = self.document()
        sources = document["sources"]
        stuck = document["stuck"] or self._sources.stuck_pass(time.monotonic())
        return {
            **health.document(self.judged(document)),
            "healthy": stuck is None,
            "stuck": stuck,
            "detail": {
                "failing": [name for name, said in sources.items() if said["failures"]],
                "degraded": {n: said["degraded"] for n, said in sources.items() if said["degraded"]},
                "notifications": health_of(document["deliveries"]),
            },
        }  # fmt: skip

    def numbers(self) -> dict[str, Any]:
        """What `/metrics` shows: the document, and what the ledger counts. Raises LedgerError."""
        with connect.ledger_errors(self._state_dir):
            db = connect.open_reader(self._state_dir)
            try:
                totals, statuses = log.totals(db), log.source_statuses(db)
                counted = log.counts_since(db, self._first_seq)
            finally:
                db.close()
        document, now = self.document(), time.time()
        known = {status.name: status for status in statuses}
        for name, values in document["sources"].items():
            status = known.get(name)
            success = None if status is None or status.last_success is None else status.last_success
            values["pages"] = None if status is None else status.pages
            values["rejected"] = None if status is None else status.rejected
            values["state"] = "never" if status is None else status.state
            values["last_success"] = None if success is None else success / 1e6
            values["age_seconds"] = None if success is None else now - success / 1e6
        return {
            **totals, **document, **health.document(self.judged(document)),
            "index_lag": totals["seq"] - self._thread.indexed,
            "free_bytes": standing.disk_free(self._state_dir),
            "changes": {kind.label: counted.get(kind.label, 0) for kind in ChangeKind},
        }  # fmt: skip

    def tell(self, found: health.Health) -> None:
        """Log each reason when it comes and when it goes."""
        now = {(r.code, r.thing): r for r in found.reasons}
        levels = {health.State.OK: logging.INFO, health.State.DEGRADED: logging.WARNING}
        for key, reason in now.items():
            if key not in self._told:
                level = levels.get(reason.state, logging.ERROR)
                _log.log(level, "health: %s: %s: %s%s", reason.state.value, reason.thing,
                         reason.text, f" ({reason.remedy})" if reason.remedy else "")  # fmt: skip
        for key, reason in self._told.items():
            if key not in now:
                _log.info("health: no longer: %s: %s", reason.thing, reason.code)
        self._told = now
