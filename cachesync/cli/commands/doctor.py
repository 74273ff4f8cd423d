"""`cachesync doctor`: what would go wrong, before it does."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import click

from ...config.settings import WatchMode
from ...config.sourceconfigs import BuildcacheSourceConfig, DirectorySourceConfig
from ...daemon import runtime
from ...errors import CachesyncError, ConfigError, LedgerMissingError, UsageError
from ...ledger import connect, copying, locks, log
from ...notify.outbox import sound
from ...reports.facts import Code
from .. import (
    local_mirrors,
    metrics_port,
    named_mirrors,
    paths,
    remote_sources,
    sourceless,
    standing,
)
from ..configuration import load_config
from ..display import output
from ..ending import ending
from ..options import Globals
from ..proxies import look_at_proxies
from ..remedies import reaching
from .owning import owners

__all__ = ["doctor"]

OLDEST_TIME = 1_735_689_600  # 2025: a clock before that was never set
CLOCK_SECONDS = 60.0
"""How far a clock may be behind the newest change, for it is set by small steps."""
LEAST_FREE = 512 << 20
INOTIFY = Path("/proc/sys/fs/inotify")
UNITS = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    state: str
    """`ok`, `warning`, `error`, or `not asked` for what was left out or cannot be known from here."""
    text: str
    remedy: str | None = None


@click.command(short_help="Check everything the daemon needs, with remedies.")
@click.option("--offline", is_flag=True, help="Reach no remote source.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def doctor(options: Globals, offline: bool, as_json: bool) -> int:
    """Check the configuration, permissions, inotify limits, clock, disk, unit, sources and targets.

    Ends with 1 when something is an error; warnings leave it at 0.
    """
    findings = [
        found._replace(remedy=found.remedy and reaching(found.remedy, options))
        for found in _findings(options, offline=offline)
    ]
    status = 1 if any(finding.state == "error" for finding in findings) else 0
    with ending(status):
        if as_json:
            output.print_json({"findings": [finding._asdict() for finding in findings]})
        else:
            for finding in findings:
                output.print_line(f"{finding.state:<7} {finding.check}: {finding.text}", hang=8)
                if finding.remedy is not None:
                    output.print_line(f"        remedy: {finding.remedy}")
    return status


def _findings(options: Globals, *, offline: bool) -> Iterator[Finding]:
    try:
        config = load_config(options)
    except ConfigError as error:
        text = "; ".join(error.problems) or error.message
        yield Finding("config", "error", text, "cachesync config check")
        yield from _state(paths.state_dir(options))  # the daemon goes on with an older one
        return
    yield Finding(*sourceless.look_at(options, config))
    state_dir = None
    try:
        state_dir = paths.state_dir(options)
    except UsageError as error:
        yield Finding("state", "error", error.message, error.hint)
    else:
        yield from _state(state_dir)
        yield from (Finding(*found) for found in owners(state_dir))
    yield _clock(time.time(), None if state_dir is None else _newest(state_dir))
    yield _targets_known()
    yield from _unit()
    directories = [s for s in config.sources if isinstance(s, DirectorySourceConfig)]
    yield from _directories(directories, config.watch.mode)
    ways = [Finding(*found) for found in look_at_proxies(config)]
    yield from ways
    told = {found.text for found in ways if found.state == "error"}
    for source in config.sources:
        if isinstance(source, BuildcacheSourceConfig) and source.is_local:
            yield from (Finding(*found) for found in local_mirrors.look_at(source, config))
        elif isinstance(source, BuildcacheSourceConfig) and source.mirrors is not None:
            some = named_mirrors.look_at_file(source, config, offline=offline)
            yield from (Finding(*found) for found in some)
        elif not isinstance(source, DirectorySourceConfig):
            found = remote_sources.look_at(source, config, offline=offline, told=told)
            yield Finding(*found)
            if isinstance(source, BuildcacheSourceConfig) and source.list is not None:
                if found[1] in ("error", "warning"):  # the list itself does not come
                    continue
                is_cut = offline or found[1] == "not asked"
                some = named_mirrors.look_at_list(source, config, offline=is_cut)
                yield from (Finding(*found) for found in some)
    is_running = state_dir is not None and runtime.running(state_dir) is not None
    yield from (Finding(*found) for found in metrics_port.look_at(config, is_running=is_running))
    from .. import credentials, targets

    yield from (Finding(*found) for found in targets.look_at(config))
    yield from (Finding(*found) for found in credentials.look_at(config, state_dir))


def _state(state_dir: Path) -> Iterator[Finding]:
    try:
        is_there = state_dir.exists()
    except OSError as error:
        yield Finding("state", "error", f"{state_dir}: {error.strerror}",
                      "run this as the user of the daemon, or name another with --state-dir")  # fmt: skip
        return
    if not is_there:
        parent = next(p for p in state_dir.parents if p.exists())
        can = os.access(parent, os.W_OK | os.X_OK)
        remedy = (
            None if can else f"create {state_dir} as its user, or name another with --state-dir"
        )
        yield Finding("state", "ok" if can else "error", f"{state_dir} does not exist yet", remedy)
        return
    if not state_dir.is_dir():
        yield Finding("state", "error", f"{state_dir} is no directory",
                      "move it away, or name another with --state-dir")  # fmt: skip
        return
    is_ours = os.access(state_dir, os.W_OK | os.X_OK)
    if is_ours:
        yield Finding("state", "ok", f"{state_dir} is writable")
    else:
        yield Finding("state", "warning", f"{state_dir} is not writable for this user",
                      "run this as the user of the daemon")  # fmt: skip
    if not state_dir.stat().st_mode & 0o005:
        yield Finding("state", "warning", f"other users cannot search {state_dir}",
                      f"chmod 755 {state_dir}")  # fmt: skip
    refused = locks.probe(state_dir)
    if refused is None:
        yield Finding("locks", "ok", "files in it can be locked")
    else:
        yield Finding("locks", "error", refused.message, refused.hint)
    free = shutil.disk_usage(state_dir).free
    yield Finding(
        "disk", "ok" if free >= LEAST_FREE else "warning", f"{free >> 20:,} MiB free in {state_dir}",
        None if free >= LEAST_FREE else "free some space; a first import of everything takes 150 MiB",
    )  # fmt: skip
    try:
        with connect.ledger_errors(state_dir), closing(connect.open_reader(state_dir)) as db:
            copying.check(db)
    except CachesyncError as error:
        is_new = isinstance(error, LedgerMissingError)
        yield Finding("ledger", "ok" if is_new else "error", error.message, error.hint)
    else:
        yield Finding("ledger", "ok", "it opens, and is sound")
        yield from _health(state_dir)


def _health(state_dir: Path) -> Iterator[Finding]:
    """What everybody else is told, too; the disk has a finding of its own."""
    states = {"ok": "ok", "degraded": "warning", "failing": "error"}
    reasons = standing.look(state_dir).reasons
    for reason in reasons:
        yield Finding(f"health: {reason.thing}", states[reason.state.value], reason.text,
                      reason.remedy)  # fmt: skip
    if all(reason.code is not Code.OUTBOX_UNUSABLE for reason in reasons):
        fault = sound.fault(state_dir, every_page=True)
        if fault is not None:
            yield Finding("outbox", "error", fault.message, fault.hint)


def _newest(state_dir: Path) -> float | None:
    """When the newest change was made (Unix time); None where there is none, or no ledger to ask."""
    try:
        with connect.ledger_errors(state_dir), closing(connect.open_reader(state_dir)) as db:
            newest = log.newest_at(db)
    except CachesyncError:  # it has a finding of its own
        return None
    return None if newest is None else newest / 1e6


def _clock(now: float, newest: float | None) -> Finding:
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    if now < OLDEST_TIME:
        return Finding("clock", "error", "it was never set", "timedatectl set-ntp true")
    if newest is not None and newest - now > CLOCK_SECONDS:
        text = f"{shown} is {output.age(newest - now)} before the newest change"
        return Finding("clock", "warning", text, "timedatectl set-ntp true; it is wrong now, or was then")  # fmt: skip
    return Finding("clock", "ok", shown)


def _targets_known() -> Finding:
    """Which archspec decides what runs where."""
    from importlib.metadata import version

    from ...spack import targets

    return Finding("archspec", "ok", f"{version('archspec')}, {len(targets.names())} targets")


def _unit() -> Iterator[Finding]:
    if not Path("/run/systemd/system").is_dir():
        yield Finding("unit", "ok", "this machine does not run systemd")
        return
    found = [d / "cachesync.service" for d in UNITS if (d / "cachesync.service").exists()]
    if found:
        yield Finding("unit", "ok", str(found[0]))
    else:
        yield Finding("unit", "warning", "cachesync.service is not installed",
                      "see `A site in five minutes` in the README")  # fmt: skip


def _watching(source: DirectorySourceConfig, mode: WatchMode) -> tuple[Finding, bool]:
    """How changes of a directory are noticed, and whether that needs inotify."""
    from ...system.filesystem import kind_of
    from ...watch.choice import choose

    kind = kind_of(source.path)
    chosen = choose(mode, kind)
    if chosen is not None:
        return Finding(source.name, "ok", f"polled, since {chosen.reason}"), False
    if kind is not None:
        text = f"watched by events, although {kind} does not tell what other hosts write"
        return Finding(source.name, "warning", text, "`watch: {mode: auto}`"), True
    return Finding(source.name, "ok", "watched by events"), True


def _directories(sources: list[DirectorySourceConfig], mode: WatchMode) -> Iterator[Finding]:
    total = watched = 0
    for source in sources:
        try:
            os.listdir(source.path)
        except OSError as error:
            yield Finding(source.name, "error", f"{source.path}: {error.strerror}",
                          "check `path:` and its permissions")  # fmt: skip
            continue
        unreadable: list[OSError] = []
        directories = sum(1 for _ in os.walk(source.path, onerror=unreadable.append))
        how, needs_watches = _watching(source, mode)
        total += directories if needs_watches else 0
        watched += needs_watches
        yield Finding(source.name, "ok", f"{source.path}: {directories:,} directories")
        yield how
        if unreadable:
            first = unreadable[0]
            text = f"{len(unreadable):,} cannot be read; {first.filename}: {first.strerror}"
            yield Finding(source.name, "warning", text,
                          "chmod, or run this as the user of the daemon")  # fmt: skip
    if not watched:
        return
    watches, instances = _limit("max_user_watches"), _limit("max_user_instances")
    if watches is None or instances is None:
        yield Finding("inotify", "warning", "the limits cannot be read")
        return
    text = f"{total:,} directories, fs.inotify.max_user_watches is {watches:,}"
    if total < watches * 0.9:
        yield Finding("inotify", "ok", text)
    else:
        enough = 1 << (2 * total).bit_length()
        yield Finding("inotify", "error" if total >= watches else "warning", text,
                      f"sysctl fs.inotify.max_user_watches={enough}; systemd/cachesync.sysctl")  # fmt: skip
    if instances < watched + 8:
        yield Finding("inotify", "warning", f"fs.inotify.max_user_instances is {instances:,}",
                      "sysctl fs.inotify.max_user_instances=512")  # fmt: skip


def _limit(name: str) -> int | None:
    try:
        return int((INOTIFY / name).read_text(encoding="ascii"))
    except (OSError, ValueError):  # not Linux's, or no /proc: there is nothing to compare
        return None
