"""The target that is a program: it gets the message on its standard input, without any shell."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event

from ..config.settings import CommandTarget as CommandConfig
from ..errors import CachesyncError
from . import process
from .delivery import Delivery, Outcome, Result

__all__ = ["CommandTarget", "find_program"]

MOST_SHOWN = 200


class CommandTarget:
    """See `target.Target`. Exit status 0 is a success; of a failure the last line on standard error is kept."""

    def __init__(
        self,
        config: CommandConfig,
        *,
        hidden: Collection[str],
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._environment = process.inherited(environment, frozenset(hidden))
        self._clock = clock

    def describe(self) -> str:
        """The name of the program, without its arguments."""
        return os.path.basename(self._config.argv[0])

    def lacks(self) -> Sequence[CachesyncError]:
        """See `target.Target`."""
        return ()

    def send(self, delivery: Delivery, *, stop: Event) -> Result:
        """See `target.Target`."""
        began = self._clock()
        words = None
        try:
            finished = self._run(delivery, stop)
            verdict = self._verdict(finished)
            if verdict[0] is not Outcome.DELIVERED:
                words = _last_line(finished.output)
        except CachesyncError as error:
            verdict = Outcome.FAILED, None, error.message
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it cannot be started"
            verdict = Outcome.FAILED, None, reason.lower()
        outcome, status, said = verdict
        detail = _printable(f"{self.describe()}: {said}")
        return Result(outcome, status, detail, None, self._clock() - began, words)

    def _run(self, delivery: Delivery, stop: Event) -> process.Finished:
        program = find_program(self._config.argv[0], self._environment)
        named = {"CACHESYNC_ID": delivery.id, "CACHESYNC_TYPE": delivery.type}
        return process.run(
            (program, *self._config.argv[1:]),
            standard_input=delivery.body,
            environment={**self._environment, **named},
            seconds=self._config.timeout_seconds,
            stop=stop,
        )

    def _verdict(self, finished: process.Finished) -> tuple[Outcome, int | None, str]:
        status = finished.status
        if status == 0:
            return Outcome.DELIVERED, 0, "exit status 0"
        if finished.was_stopped:
            return Outcome.FAILED, None, "stopped"
        if status is None:
            what = f"not done within {self._config.timeout_seconds:g} s (`timeout:`)"
        elif status < 0:
            what = f"ended by signal {-status}"
        else:
            what = f"exit status {status}"
        return Outcome.FAILED, status, what


def find_program(name: str, environment: Mapping[str, str]) -> str:
    """The path of a program. Raises CachesyncError when there is none that can be run."""
    found = shutil.which(name, path=environment.get("PATH", os.defpath))
    if found is None:
        raise CachesyncError(
            f"there is no program {name}" if "/" not in name else f"{name} cannot be run",
            hint="give `argv` the absolute path of a file that the daemon's user may execute",
        )
    return found


def _last_line(output: bytes) -> str | None:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return _printable(lines[-1].strip()[:MOST_SHOWN]) if lines else None


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
