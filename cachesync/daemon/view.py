"""What others see of the daemon: its document, its health, its numbers. It changes nothing."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import CachesyncError
from ..ledger import connect, log
from ..model import ChangeKind, SourceState
from ..reports import health
from ..system import published
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
        *, stuck: Callable[[], str | None], configured: Callable[[], int],
    ) -> None:  # fmt: skip
        """`configured` tells how many sources the configuration in force names."""
        self._state_dir = state_dir
        self._thread = thread
        self._sources = sources
        self._deliveries = deliveries
        self._stuck = stuck
        self._configured = configured
        self._since = time.time()
        self._first_seq = thread.call(lambda writer: writer.seq)
        self._told: dict[tuple[health.Code, str], health.Reason] = {}
        self._seen: set[tuple[health.Code, str]] = set()
        self.retold: Callable[[health.Health], health.Health] = lambda found: found
        """Makes of remedies what who reads them elsewhere can follow."""
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
            "configured": self._configured(),
            "config_error": self.config_error,
            "metrics_error": self.metrics_error,
            "index_error": self._thread.index_error,
            "index_remedy": self._thread.index_remedy,
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

    def has_news(self) -> bool:
        """Whether of what nobody tells something is another one: who hangs, the disk, the owners.

        It costs next to nothing. Belongs to the one thread that `tell` belongs to.
        """
        stuck = self._stuck() or self._sources.stuck_pass(time.monotonic())
        facts = standing.place(self._state_dir)._replace(
            daemon={"pid": os.getpid(), "stuck": stuck}
        )
        before, self._seen = self._seen, {(r.code, r.thing) for r in health.judge(facts).reasons}
        return before != self._seen

    def healthz(self) -> dict[str, Any]:
        """What `/healthz` says: how well the site is, and as before whether anything is stuck."""
        document = self.document()
        sources = document["sources"]
        stuck = document["stuck"] or self._sources.stuck_pass(time.monotonic())
        return {
            **health.document(self.retold(self.judged(document))),
            "healthy": stuck is None,
            "stuck": stuck,
            "detail": {
                "failing": [name for name, said in sources.items() if said["failures"]],
                "degraded": {n: said["degraded"] for n, said in sources.items() if said["degraded"]},
                "notifications": health_of(document["deliveries"]),
            },
        }  # fmt: skip

    def numbers(self) -> dict[str, Any]:
        """What `/metrics` shows: the document, and what the ledger counts where it can be asked."""
        counted: dict[str, Any] = {}
        known: dict[str, log.SourceStatus] = {}
        document, now = self.document(), time.time()
        sampled = published.probes(self._state_dir)
        with (
            contextlib.suppress(CachesyncError),  # how well all is says why nothing is counted
            connect.ledger_errors(self._state_dir),
            contextlib.closing(connect.open_reader(self._state_dir)) as db,
        ):
            known = {status.name: status for status in log.source_statuses(db)}
            kinds, totals = log.counts_since(db, self._first_seq), log.totals(db)
            counted = {
                **totals,
                "index_lag": totals["seq"] - self._thread.indexed,
                "changes": {kind.label: kinds.get(kind.label, 0) for kind in ChangeKind},
            }
        for name, values in document["sources"].items():
            status = known.get(name)
            success = None if status is None or status.last_success is None else status.last_success
            values["pages"] = None if status is None else status.pages
            values["rejected"] = None if status is None else status.rejected
            unknown = SourceState.NEVER.value if counted else None
            values["probe"] = sampled.get(name)
            values["state"] = unknown if status is None else status.state
            values["last_success"] = None if success is None else success / 1e6
            values["age_seconds"] = None if success is None else now - success / 1e6
        return {
            **counted, **document, **health.document(self.judged(document)),
            "free_bytes": standing.disk_free(self._state_dir),
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
