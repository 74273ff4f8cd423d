"""A running daemon, for tests: the real process, told and asked as users do it."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

from tests.support.world import World

SECONDS = 30.0


def eventually(what: Callable[[], Any], seconds: float = SECONDS, every: float = 0.05) -> Any:
    """The first true value of `what`; fails when there is none in time."""
    until = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(every)


class Daemon:
    """`cachesync run` on the state directory of a world."""

    def __init__(self, world: World, process: subprocess.Popen[str], log: Path) -> None:
        self.world = world
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All it said."""
        return self._log.read_text(encoding="utf-8")

    def says(self, text: str, *, times: int = 1, seconds: float = SECONDS) -> None:
        """Wait until the log has `text` so often."""
        eventually(lambda: self.log.count(text) >= times or self._gone(), seconds)
        assert self.log.count(text) >= times, self.log

    def _gone(self) -> bool:
        return self.process.poll() is not None

    def state(self) -> dict[str, Any]:
        """What `status --json` says of it."""
        found: dict[str, Any] = self.world.status()["daemon"]
        return found

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def stop(self, number: int = SIGTERM, seconds: float = SECONDS) -> int:
        """End it; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def daemon(world: World, *arguments: object, ready: bool = True) -> Iterator[Daemon]:
    """A daemon, ready unless it is said otherwise; it is killed in the end if it still runs."""
    log = world.root / f"daemon-{time.monotonic_ns()}.log"
    with (
        log.open("w") as out,
        world.start("-v", "run", *arguments, stdout=out, stderr=out) as process,
    ):
        running = Daemon(world, process, log)
        if ready:
            running.says("ready, sources:")
        yield running


def watched(running: Daemon, *, times: int = 1) -> None:
    """Wait until its directories are watched and it has looked at what happened before."""
    running.says("watching", times=times)
    idle(running)


def idle(running: Daemon) -> None:
    """Wait until nothing is under way."""

    def nothing() -> bool:
        said = running.world.run("status", "--json", status=None)
        document = json.loads(said.out) if said.status == 0 else {}
        sources = ((document.get("daemon") or {}).get("sources") or {}).values()
        return bool(sources) and all(
            s["passes"] and s["doing"] == "idle" and not s["waiting"] for s in sources
        )

    eventually(nothing)
