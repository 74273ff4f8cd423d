"""What is known of how well a site is, and what is said of it: values alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = ["Code", "Facts", "Health", "Reason", "State"]


class State(StrEnum):
    """How well something is; the worst of all reasons is the state of the whole."""

    OK = "ok"
    """Nothing is to be done. A reason in this state is worth knowing."""
    DEGRADED = "degraded"
    """Answers are given, but some are old, or a part does not do its work."""
    FAILING = "failing"
    """Nothing new is recorded, or nobody is notified."""


class Code(StrEnum):
    """What kind of thing a reason is: stable, for programs. docs/operations.md has a row for each."""

    SOURCE_HELD = "source-held"
    SOURCE_FAILED = "source-failed"
    SOURCE_NEVER = "source-never"
    SOURCE_ORPHANED = "source-orphaned"
    SOURCE_GARBAGE = "source-garbage"
    PAGES_REJECTED = "pages-rejected"
    SAMPLE_MISSING = "sample-missing"
    SOURCE_UNRECORDED = "source-unrecorded"
    DISK_LOW = "disk-low"
    DISK_FULL = "disk-full"
    LEDGER_UNUSABLE = "ledger-unusable"
    INDEX_UNUSABLE = "index-unusable"
    INDEX_UNWRITABLE = "index-unwritable"
    OUTBOX_UNUSABLE = "outbox-unusable"
    CONFIG_REFUSED = "config-refused"
    METRICS_DOWN = "metrics-down"
    FILES_FOREIGN = "files-foreign"
    CLOCK_BEHIND = "clock-behind"
    WATCH_OVERFLOWED = "watch-overflowed"
    WATCH_POLLING = "watch-polling"
    WATCH_LOST = "watch-lost"
    TARGET_FAILING = "target-failing"
    TARGET_DISABLED = "target-disabled"
    DAEMON_STUCK = "daemon-stuck"
    DAEMON_STOPPED = "daemon-stopped"
    DAEMON_ABSENT = "daemon-absent"


class Reason(NamedTuple):
    """One thing that is not as it is at best."""

    code: Code
    state: State
    thing: str
    """The source, target or part that it is about."""
    text: str
    remedy: str | None


class Health(NamedTuple):
    """The state of the whole, and the reasons, the worst first."""

    state: State
    reasons: tuple[Reason, ...]


class Facts(NamedTuple):
    """What is known of a site at one moment. What is not known is None, or empty."""

    now: float
    """Unix time."""
    sources: Sequence[Mapping[str, Any]] = ()
    """As the ledger has them: `name`, `type`, `location`, `state`, `error`, `places`, `rejected`."""
    newest: float | None = None
    """When the newest change was made, Unix time."""
    ledger_error: str | None = None
    ledger_remedy: str | None = None
    """What helps then, as far as the error knew."""
    index_error: str | None = None
    """Why the search index cannot be read, as far as that was tried."""
    free_bytes: int | None = None
    foreign: Sequence[str] = ()
    """What in the state directory does not belong to its owner."""
    owner: str = "its owner"
    state_dir: str = "the state directory"
    daemon: Mapping[str, Any] | None = None
    """What the daemon says of itself; None where none runs."""
    deliveries: Mapping[str, Any] | None = None
    probes: Mapping[str, Mapping[str, Any]] = {}
    """The last sample of the sources that have a standing one (`published.probes`)."""
    is_stopped: bool = False
    """Whether the daemon's process was stopped by a signal."""
    expected: str | None = None
    """What says that there should be a daemon, where none runs."""
