"""`cachesync doctor`: what would go wrong, before it does."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import click

from ... import net
from ...config.settings import (
    Config,
    DirectorySourceConfig,
    GithubSourceConfig,
    SecretKind,
    SourceConfig,
)
from ...daemon import runtime
from ...errors import CachesyncError, ConfigError, LedgerMissingError
from ...ledger import connect
from .. import paths, standing
from ..configuration import find_config, load_config
from ..display import output
from ..ending import ending
from ..options import Globals

__all__ = ["doctor"]

OLDEST_TIME = 1_735_689_600  # 2025: a clock before that was never set
LEAST_FREE = 512 << 20
INOTIFY = Path("/proc/sys/fs/inotify")
UNITS = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    state: str
    """`ok`, `warning` or `error`."""
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
    findings = list(_findings(options, offline=offline))
    status = 1 if any(finding.state == "error" for finding in findings) else 0
    with ending(status):
        if as_json:
            output.print_json({"findings": [finding._asdict() for finding in findings]})
        else:
            for finding in findings:
                print(output.visible(f"{finding.state:<8}{finding.check}: {finding.text}"))
                if finding.remedy is not None:
                    print(output.visible(f"        remedy: {finding.remedy}"))
    return status


def _findings(options: Globals, *, offline: bool) -> Iterator[Finding]:
    try:
        config = load_config(options)
    except ConfigError as error:
        text = "; ".join(error.problems) or error.message
        yield Finding("config", "error", text, "cachesync config check")
        yield from _state(paths.reader_state_dir(options))  # the daemon goes on with an older one
        return
    path = find_config(options)
    yield Finding("config", "ok", str(path) if path else "none; the defaults apply")
    state_dir = paths.reader_state_dir(options)
    yield from _state(state_dir)
    yield _clock(time.time())
    yield from _unit()
    directories = [s for s in config.sources if isinstance(s, DirectorySourceConfig)]
    yield from _directories(directories)
    for source in config.sources:
        if not isinstance(source, DirectorySourceConfig):
            yield _reach(source, config, offline=offline)
    yield from _metrics(config, is_running=runtime.running(state_dir) is not None)
    from ..targets import look_at

    yield from (Finding(*found) for found in look_at(config))


def _state(state_dir: Path) -> Iterator[Finding]:
    if not state_dir.exists():
        parent = next(p for p in state_dir.parents if p.exists())
        can = os.access(parent, os.W_OK | os.X_OK)
        remedy = (
            None if can else f"create {state_dir} as its user, or name another with --state-dir"
        )
        yield Finding("state", "ok" if can else "error", f"{state_dir} does not exist yet", remedy)
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
    free = shutil.disk_usage(state_dir).free
    yield Finding(
        "disk", "ok" if free >= LEAST_FREE else "warning", f"{free >> 20:,} MiB free in {state_dir}",
        None if free >= LEAST_FREE else "free some space; a first import of everything takes 150 MiB",
    )  # fmt: skip
    try:
        connect.open_reader(state_dir).close()
    except CachesyncError as error:
        is_new = isinstance(error, LedgerMissingError)
        yield Finding("ledger", "ok" if is_new else "error", error.message, error.hint)
    else:
        yield Finding("ledger", "ok", "it opens")
        yield from _health(state_dir)


def _health(state_dir: Path) -> Iterator[Finding]:
    """What everybody else is told, too; the disk has a finding of its own."""
    states = {"ok": "ok", "degraded": "warning", "failing": "error"}
    for reason in standing.look(state_dir).reasons:
        yield Finding(f"health: {reason.thing}", states[reason.state.value], reason.text,
                      reason.remedy)  # fmt: skip


def _clock(now: float) -> Finding:
    if now >= OLDEST_TIME:
        return Finding("clock", "ok", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)))
    return Finding("clock", "error", "it was never set", "timedatectl set-ntp true")


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


def _directories(sources: list[DirectorySourceConfig]) -> Iterator[Finding]:
    total = 0
    for source in sources:
        try:
            os.listdir(source.path)
        except OSError as error:
            yield Finding(source.name, "error", f"{source.path}: {error.strerror}",
                          "check `path:` and its permissions")  # fmt: skip
            continue
        unreadable: list[OSError] = []
        directories = sum(1 for _ in os.walk(source.path, onerror=unreadable.append))
        total += directories
        yield Finding(source.name, "ok", f"{source.path}: {directories:,} directories")
        if unreadable:
            first = unreadable[0]
            text = f"{len(unreadable):,} cannot be read; {first.filename}: {first.strerror}"
            yield Finding(source.name, "warning", text,
                          "chmod, or run this as the user of the daemon")  # fmt: skip
    if not sources:
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
    if instances < len(sources) + 8:
        yield Finding("inotify", "warning", f"fs.inotify.max_user_instances is {instances:,}",
                      "sysctl fs.inotify.max_user_instances=512")  # fmt: skip


def _limit(name: str) -> int | None:
    try:
        return int((INOTIFY / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _metrics(config: Config, *, is_running: bool) -> Iterator[Finding]:
    if config.metrics is None:
        return
    if find_spec("prometheus_client") is None:
        yield Finding("metrics", "error", "prometheus-client is not installed",
                      "pip install 'cachesync[metrics]'")  # fmt: skip
        return
    host, port = config.metrics.host, config.metrics.port
    if not is_running:  # else the port is the daemon's
        try:
            socket.create_server((host, port)).close()
        except OSError as error:
            yield Finding("metrics", "error", f"{host}:{port}: {error.strerror}",
                          "name another port in `metrics: listen`")  # fmt: skip
            return
    yield Finding("metrics", "ok", f"{host}:{port}")


def _credential(entry: SourceConfig) -> str | None:
    """The systemd credential that only the service can see."""
    secret = entry.token if isinstance(entry, GithubSourceConfig) else None
    is_hidden = secret is not None and secret.kind is SecretKind.CREDENTIAL
    if secret is None or not is_hidden or "CREDENTIALS_DIRECTORY" in os.environ:
        return None
    return secret.name


def _reach(entry: SourceConfig, config: Config, *, offline: bool) -> Finding:
    from ...sync.opening import Remotes, address

    if offline:
        return Finding(entry.name, "ok", "not asked (--offline)")
    remotes = Remotes(config.limits)
    credential = _credential(entry)
    try:
        if credential is None:
            remotes.open(entry)  # its secret is where the config says
        status = remotes.reach(address(entry))
        text = f"{net.host(address(entry))} answers {status}"
        if credential is not None:
            text += f"; the credential {credential} was not tried: only the service has it"
        if status in (401, 403, 404, 410) or status >= 500:
            return Finding(entry.name, "warning", text, "check `url:` and the secret")
        return Finding(entry.name, "ok", text)
    except CachesyncError as error:
        remedy = error.hint or "check `url:`, the network and the secret"
        return Finding(entry.name, "error", error.message, remedy)
    finally:
        remotes.close()
