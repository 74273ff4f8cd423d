"""Having the daemon that runs take the configuration over, for commands that changed it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..errors import CachesyncError

__all__ = ["Reloaded", "reload"]


class Reloaded(NamedTuple):
    """What came of it."""

    pid: int | None
    """None: no daemon runs."""
    names: tuple[str, ...] | None
    """Who is subscribed now; None where it was not asked, or refuses."""
    refusal: str | None = None
    """Why it refuses the configuration, and goes on with the old one."""
    problem: str | None = None
    """Why it was not asked."""

    def said(self) -> str:
        """What is to know, or to do."""
        if self.pid is None:
            return "no daemon runs: `cachesync sync` and `run` read it when they begin"
        if self.refusal is not None:
            return f"the daemon (pid {self.pid}) refuses the configuration: {self.refusal}"
        if self.problem is not None:
            return f"the daemon (pid {self.pid}) does not know of it yet: {self.problem}"
        return f"the daemon (pid {self.pid}) has taken it over"


def reload(state_dir: Path) -> Reloaded:
    """Ask the daemon on `state_dir`. Never raises CachesyncError."""
    from ..daemon import calling, runtime

    running = runtime.running(state_dir)
    if running is None:
        return Reloaded(None, None)
    pid = int(running["pid"])
    remedy = f"`systemctl reload cachesync`, or `kill -HUP {pid}` where it is no service"
    try:
        answer = calling.request(state_dir, {"command": "reload"})
    except CachesyncError as error:
        return Reloaded(pid, None, problem=f"{error.message}; {remedy}")
    if answer is None:
        return Reloaded(pid, None, problem=f"only its user and root may ask it; {remedy}")
    if answer.get("problem") is not None:
        return Reloaded(pid, None, refusal=str(answer["problem"]))
    return Reloaded(pid, tuple(map(str, answer.get("subscriptions", ()))))
