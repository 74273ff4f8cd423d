"""What `doctor` says of systemd credentials, which only the service can read.

From a shell they are not to be seen. So the daemon is asked, through its control socket; where none
can be asked, what the unit loads and what lies in the credential stores tells as much as it can.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..config.reachvalues import SecretKind
from ..config.secrets import named_in
from ..config.settings import Config
from ..errors import CachesyncError
from .targets import TargetFinding

__all__ = ["hidden_credentials", "loaded_by", "look_at"]

UNIT = "cachesync.service"
STORES = tuple(
    Path(base, store)
    for store in ("credstore", "credstore.encrypted")
    for base in ("/etc", "/run", "/usr/lib")
)
"""Where systemd looks for a credential that is loaded by its name (systemd.exec(5), LoadCredential=)."""
SYSTEMCTL_SECONDS = 10.0
DAEMON_SECONDS = 10.0


def hidden_credentials(
    config: Config, environment: Mapping[str, str] = os.environ
) -> Sequence[str]:
    """The credentials of a configuration that this process cannot see: it is not the service's."""
    if "CREDENTIALS_DIRECTORY" in environment:
        return ()
    named = (s.name for s in named_in(config) if s.kind is SecretKind.CREDENTIAL)
    return sorted(set(named))


def look_at(config: Config, state_dir: Path | None) -> Iterator[TargetFinding]:
    """Each credential that only the service can see: whether it is there, as far as that is known."""
    names = hidden_credentials(config)
    if not names:
        return
    problems = None if state_dir is None else _asked(state_dir)
    loaded = None if problems is not None else _loaded()
    for name in names:
        if problems is not None and name in problems:
            yield _as_the_daemon_says(name, problems[name])
        else:
            yield _as_the_unit_says(name, loaded)


def _asked(state_dir: Path) -> Mapping[str, str | None] | None:
    """What the daemon says of each credential of its configuration; None where none can be asked."""
    from ..daemon import calling

    try:
        answer = calling.request(
            state_dir,
            {"command": "credentials"},
            patience=calling.Patience(DAEMON_SECONDS, DAEMON_SECONDS),
        )
    except CachesyncError:  # a daemon from before an upgrade, or one that ends
        return None
    return None if answer is None else answer["problems"]


def _as_the_daemon_says(name: str, problem: str | None) -> TargetFinding:
    if problem is None:
        return TargetFinding(f"credential {name}", "ok", "the daemon has it")
    return TargetFinding(
        f"credential {name}", "error", f"the daemon says: {problem}", _remedy(name)
    )


def _as_the_unit_says(name: str, loaded: Mapping[str, str] | None) -> TargetFinding:
    check = f"credential {name}"
    if loaded is None:
        return TargetFinding(check, "not asked", "neither a daemon nor a unit of it can be asked")
    if name not in loaded:
        return TargetFinding(check, "error", f"{UNIT} does not load it", _remedy(name))
    places = [Path(loaded[name])] if loaded[name].startswith("/") else _stored(loaded[name])
    if not all(_can_look(place.parent) for place in places):
        text = f"{UNIT} loads it; only root and the daemon's user can find out whether it is there"
        return TargetFinding(check, "not asked", text)
    found = next((place for place in places if place.exists()), None)
    if found is None:
        return TargetFinding(check, "error", f"{places[0]} is not there", _remedy(name))
    return TargetFinding(check, "ok", f"{UNIT} loads {found} when it starts")


def _remedy(name: str) -> str:
    return (
        f"put it into /etc/credstore/{name}, `LoadCredential={name}` into `systemctl edit cachesync`,"
        " and systemctl restart cachesync"
    )


def _stored(name: str) -> list[Path]:
    return [store / name for store in STORES]


def _can_look(directory: Path) -> bool:
    return not directory.exists() or os.access(directory, os.X_OK)


def _loaded() -> Mapping[str, str] | None:
    """What the unit loads, by name; None where there is no unit."""
    try:
        done = subprocess.run(
            ["systemctl", "cat", UNIT], capture_output=True, text=True, errors="replace",
            timeout=SYSTEMCTL_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return loaded_by(done.stdout) if done.returncode == 0 else None


def loaded_by(unit: str) -> Mapping[str, str]:
    """The credentials that the text of a unit, drop-ins included, loads: where from, by name. Pure.

    An assignment of nothing forgets what was assigned before (systemd.exec(5)).
    """
    found: dict[str, str] = {}
    for line in unit.splitlines():
        key, _, value = line.strip().partition("=")
        if key.strip() in ("LoadCredential", "LoadCredentialEncrypted"):
            if not value.strip():
                found.clear()
                continue
            name, _, place = value.strip().partition(":")
            found[name] = place or name
    return found
