"""Who may write a state directory, and as whom: root acts as its owner.

What root would make in the service's directory the service could not write afterwards, and a path
in a directory of somebody else's is nothing for root to follow.
"""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

from ..errors import CachesyncError, LedgerError
from ..ledger import connect
from . import paths

__all__ = ["UNIT", "act_as_owner", "name_of", "require_writable", "user_of_unit"]

UNIT = "cachesync.service"
ASK_SECONDS = 5.0
SYSTEMD = Path("/run/systemd/system")
SHARED_UMASK = 0o022
"""What nobody but the owner may ever do with a file: write it."""


def name_of(user: int) -> str:
    """The name of a user, or its number."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def require_writable(state_dir: Path, *, may_be_own: bool) -> None:
    """Raise LedgerError, which says whose it is and what works, when somebody else's may not be written.

    `may_be_own` is whether a state directory of one's own would do as well. What is missing, or is
    this user's and cannot be written all the same, is said where it is written.
    """
    try:
        owner = os.stat(state_dir).st_uid
    except OSError:  # what is missing is said where it is written
        return
    if owner == os.geteuid() or _may_write(state_dir):
        return
    whose, who = f"{name_of(owner)}'s", f"as {name_of(owner)}"
    if _is_system(state_dir):
        whose = f"the service's ({name_of(owner)})"
        who = f"as root or {who}"
        elsewhere = f"; `--state-dir {paths.own()}` makes your own"
    else:
        elsewhere = ", or choose another with --state-dir"
    raise LedgerError(
        f"cannot write to the state directory {state_dir}: it is {whose}",
        hint=f"run this {who}{elsewhere if may_be_own else ''}",
    )


def _may_write(state_dir: Path) -> bool:
    files = (state_dir / name for name in (connect.LOCK_FILE, connect.LEDGER_FILE))
    return os.access(state_dir, os.W_OK | os.X_OK) and all(
        os.access(file, os.R_OK | os.W_OK) for file in files if os.path.lexists(file)
    )


def _is_system(state_dir: Path) -> bool:
    try:
        return os.path.samefile(state_dir, paths.SYSTEM_STATE)
    except OSError:  # one of them is not there
        return False


def act_as_owner(state_dir: Path) -> None:
    """As root, be the owner of `state_dir` from here on: whatever is made in it belongs to them.

    What is made is as open to others as the directory is, whatever root's umask says. Does nothing
    for anybody else, nor where the directory is missing or root's. Raises CachesyncError when its
    owner cannot run this program.
    """
    if os.geteuid() != 0:
        return
    try:
        status = os.stat(state_dir)
    except OSError:  # it is missing: what makes it says so, if it cannot
        return
    os.umask(~status.st_mode & 0o777 | SHARED_UMASK)
    if status.st_uid != 0:
        _become(status.st_uid, status.st_gid, state_dir)


def _become(user: int, group: int, state_dir: Path) -> None:
    name = name_of(user)
    hint = f"run this as {name}"
    try:
        try:
            entry = pwd.getpwuid(user)
        except KeyError:
            os.setgroups([])
        else:
            group = entry.pw_gid
            os.initgroups(entry.pw_name, group)
        unreadable = _unreadable(user, group)
        if unreadable is None:
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
    except OSError as error:
        raise CachesyncError(
            f"cannot act as {name}, who owns {state_dir}: {error.strerror}", hint=hint
        ) from None
    if unreadable is not None:
        raise CachesyncError(
            f"cannot act as {name}, who owns {state_dir}: they cannot read {unreadable}",
            hint="install cachesync where everybody can read it, such as /opt/cachesync",
        )


def _unreadable(user: int, group: int) -> str | None:
    """What of this program that user cannot read: modules are imported when they are needed."""
    import click

    os.setegid(group)
    os.seteuid(user)
    try:
        for file in (sys.executable, os.__file__, click.__file__, __file__):
            try:
                os.close(os.open(file, os.O_RDONLY | os.O_CLOEXEC))
            except OSError:
                return file
        return None
    finally:
        os.seteuid(0)
        os.setegid(0)


def user_of_unit() -> int | None:
    """The user that the service runs as; None where systemd knows no such unit, or user."""
    if not SYSTEMD.is_dir():
        return None
    import subprocess

    try:
        done = subprocess.run(
            ["systemctl", "show", "--property=LoadState,User", UNIT],
            capture_output=True, text=True, timeout=ASK_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    said = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if said.get("LoadState") != "loaded":
        return None
    user = said.get("User") or "root"
    try:
        return int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
    except KeyError:
        return None
