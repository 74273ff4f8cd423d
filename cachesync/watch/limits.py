"""Why the kernel refuses to watch: which limit was met, and the command that raises it."""

from __future__ import annotations

import errno
import os

__all__ = ["LinkError", "check_descriptors", "is_exhausted", "refusal"]

_ROOM = 65_536
"""Limits are proposed in multiples of this."""


class LinkError(OSError):
    """What is watched lies behind a symbolic link, where nothing that happens is told."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ELOOP, f"{path} is a symbolic link")


def check_descriptors() -> None:
    """Raise OSError where this process has no file descriptors left.

    The kernel reports that and its limit of inotify instances by the same number, and watchdog
    loses an instance when it gets one but no pipe to go with it.
    """
    spare = [*os.pipe(), os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)]
    for descriptor in spare:
        os.close(descriptor)


def is_exhausted(error: OSError) -> bool:
    """Whether the kernel, or this process, has run out of something; else it is broken."""
    return error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def refusal(error: OSError, directories: int) -> str:
    """One line for the operator: the sysctl, its value, what is needed, and the remedy.

    `error` is what `Inotify` raised; `directories` is how many there are to be watched.
    """
    if error.errno == errno.ENOSPC:
        name, value = _limit("watches")
        wanted = -(-(value + 2 * directories) // _ROOM) * _ROOM
        need = f"{directories:,} directories each need a watch"
    elif error.errno == errno.EMFILE and _has_descriptors():
        name, value = _limit("instances")
        wanted = 4 * max(value, 128)
        need = f"all are in use, and one is needed for {directories:,} directories"
    elif error.errno == errno.EMFILE:
        return (
            f"this process has no file descriptor left to watch {directories:,} directories with "
            "(raise LimitNOFILE= of the unit, or `ulimit -n`)"
        )
    else:
        return f"inotify failed for {directories:,} directories: {error.strerror or error}"
    return f"{name} is {value:,}, but {need} (`sysctl {name}={wanted}`)"


def _limit(kind: str) -> tuple[str, int]:
    """The sysctl that holds, by name and value: a user namespace may have a lower limit."""
    return min(
        (
            (name, _value(name))
            for name in (f"fs.inotify.max_user_{kind}", f"user.max_inotify_{kind}")
        ),
        key=lambda named: named[1],
    )


def _value(name: str) -> int:
    try:
        with open(f"/proc/sys/{name.replace('.', '/')}", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):  # a kernel without it sets no limit
        return 2**31 - 1


def _has_descriptors() -> bool:
    try:
        check_descriptors()
    except OSError:
        return False
    return True
