"""What is known of how well a site is, gathered for `reports.health`: by the daemon and by commands."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import CachesyncError
from ..ledger import connect, log, read
from ..reports.facts import Facts
from ..system import published
from . import runtime

__all__ = ["disk_free", "from_outside", "gather", "place"]

SYSTEM_STATE = Path("/var/lib/cachesync")
WANTED = Path("/etc/systemd/system/multi-user.target.wants/cachesync.service")
FILES = (
    connect.LEDGER_FILE,
    f"{connect.LEDGER_FILE}-wal",
    "outbox.sqlite",
    connect.INDEX_DIRECTORY,
)


def gather(
    state_dir: Path, *, daemon: Mapping[str, Any] | None, deliveries: Mapping[str, Any] | None
) -> Facts:
    """The facts that the ledger, the state directory and the clock give. Never raises."""
    sources: list[dict[str, Any]] = []
    newest, error, remedy = None, None, None
    try:
        with connect.ledger_errors(state_dir):
            db = connect.open_reader(state_dir)
            try:
                with read.snapshot(db):
                    sources = [status._asdict() for status in log.source_statuses(db)]
                    newest = log.newest_at(db)
            finally:
                db.close()
    except CachesyncError as failed:
        error, remedy = failed.message, failed.hint
    return place(state_dir)._replace(
        sources=sources,
        newest=None if newest is None else newest / 1e6,
        ledger_error=error,
        ledger_remedy=remedy,
        daemon=daemon,
        deliveries=deliveries,
        probes=published.probes(state_dir),
    )


def place(state_dir: Path) -> Facts:
    """The facts that need no ledger, which cost next to nothing. Never raises."""
    return Facts(
        now=time.time(),
        free_bytes=disk_free(state_dir),
        foreign=_foreign(state_dir),
        owner=_owner(state_dir),
        state_dir=str(state_dir),
    )


def from_outside(facts: Facts, state_dir: Path) -> Facts:
    """`facts`, and what only others can tell: a daemon that is stopped, or not there at all."""
    said = facts.daemon
    if said is not None:
        return facts._replace(is_stopped=runtime.is_stopped(int(said["pid"])))
    return facts._replace(expected=_expected(state_dir))


def disk_free(state_dir: Path) -> int | None:
    """Bytes that the owner of the state directory may still write; None where nobody knows."""
    try:
        found = os.statvfs(state_dir)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _expected(state_dir: Path) -> str | None:
    """What says that a daemon should run on this state directory."""
    if (state_dir / runtime.FILE).exists():
        return f"{runtime.FILE} was left by one that was killed"
    is_the_services = os.path.realpath(state_dir) == os.path.realpath(SYSTEM_STATE)
    if is_the_services and os.path.lexists(WANTED):
        return "cachesync.service is enabled"
    return None


def _foreign(state_dir: Path) -> tuple[str, ...]:
    """What in the state directory belongs to somebody else than the directory itself."""
    try:
        owner = state_dir.stat().st_uid
    except OSError:  # a missing directory is told of elsewhere
        return ()
    paths = [state_dir / name for name in FILES]
    try:
        paths += sorted((state_dir / connect.INDEX_DIRECTORY).iterdir())
    except OSError:  # there is none, or whoever opens it tells why it cannot be read
        pass
    return tuple(
        str(path.relative_to(state_dir)) for path in paths if _uid(path) not in (None, owner)
    )


def _uid(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:  # it is not there
        return None


def _owner(state_dir: Path) -> str:
    uid = _uid(state_dir)
    if uid is None:
        return "its owner"
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
