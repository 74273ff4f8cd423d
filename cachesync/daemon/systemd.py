"""What the service manager is told: sd_notify(3), as far as a service of `Type=notify` needs it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

__all__ = ["Notifier", "watchdog_seconds"]


class Notifier:
    """Sends state to the service manager; without one it does nothing."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._untold: dict[str, str] = {}

    def tell(self, *lines: str) -> None:
        """Send assignments such as `READY=1`. Never raises: the daemon runs on without.

        What the manager has no room for now is sent with what it is told next, the newest of each name.
        """
        if self._address[:1] not in ("/", "@"):
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        self._untold.update((line.partition("=")[0], line) for line in lines)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)
            try:
                out.sendto("\n".join(self._untold.values()).encode(), address)
            except OSError:
                self._untold.pop("WATCHDOG", None)  # it says something of its moment only
            else:
                self._untold = {}


def watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """How often the manager wants to hear of this process; None when it does not."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None
