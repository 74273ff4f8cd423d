"""A pass that is killed at any moment, and the next one, which has to end where it would have ended.

Every system call that changes what is on disk is a moment; `strace` kills the process right before
the N-th of them.
"""

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.rig import (
    Done,
    State,
    call,
    calls_of,
    evenly,
    in_parallel,
    tracing,
    why_no_tracing,
)  # fmt: skip

__all__ = [
    "SYSCALLS",
    "Case",
    "complete",
    "killed_before_every",
    "killed_before_some",
    "need_tracing",
    "passing",
    "resume",
    "traced",
    "undisturbed",
]

SYSCALLS = (
    "pwrite64", "write", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink",
    "unlinkat", "ftruncate", "mkdir", "symlink",
)  # fmt: skip


def _sync(state: State) -> list[str]:
    return state.command("sync", "--quiet")


class Case(NamedTuple):
    """A pass to disturb: the state before it and the log after it."""

    before: State
    expected: list[dict[str, Any]]
    calls: Counter[str]
    seconds: float
    """How long it takes from nothing, undisturbed."""
    command: Callable[[State], list[str]] = _sync
    """What makes the pass over a state."""


def passing(child: str, *paths: Path) -> Callable[[State], list[str]]:
    """What makes a pass over some mirrors or indexes: a module of `tests.support` that is run."""
    program = [sys.executable, "-m", f"tests.support.{child}"]
    return lambda state: [*program, os.fspath(state.path), *map(os.fspath, paths)]


def complete(state: State, command: Callable[[State], list[str]]) -> None:
    """Let a pass end well."""
    done = call(command(state))
    assert done.status == 0, done


def need_tracing() -> None:
    """Skip where no process can be traced."""
    reason = why_no_tracing()
    if reason is not None:
        pytest.skip(reason)


def traced(
    state: State, trace: Path, *inject: str, command: Callable[[State], list[str]] = _sync
) -> Done:
    """A pass whose calls are written down, and which is disturbed so."""
    return call(command(state), tracer=tracing(trace, SYSCALLS, *inject))


def undisturbed(
    before: State, root: Path, *, command: Callable[[State], list[str]] = _sync
) -> tuple[State, Case]:
    """What a pass makes of a state when nothing disturbs it: the state after it, and the case."""
    state = before.copy_to(root / "undisturbed")
    done = traced(state, root / "trace", command=command)
    assert done.status == 0, done
    state.assert_sound()
    return state, Case(before, state.log(), calls_of(root / "trace"), done.seconds, command)


def resume(state: State, case: Case) -> None:
    """The next pass ends well, everything agrees, and the log is that of an undisturbed one."""
    done = call(case.command(state))
    assert done.status == 0, f"the next pass failed: {done}"
    state.assert_sound()
    assert state.log() == case.expected


def killed_before_some(case: Case, workdir: Path, syscall: str, at_most: int) -> None:
    """Kill passes before so many of all calls of a kind, spread evenly; from each the next one goes on."""
    numbers = evenly(range(1, case.calls[syscall] + 1), at_most)
    _killed_before(case, workdir, syscall, numbers)


def killed_before_every(case: Case, workdir: Path, syscall: str) -> None:
    """As above, before every single one."""
    _killed_before(case, workdir, syscall, range(1, case.calls[syscall] + 1))


def _killed_before(case: Case, workdir: Path, syscall: str, numbers: Iterable[int]) -> None:
    assert not in_parallel(lambda number: _kill_before(case, workdir, syscall, number), numbers)


def _kill_before(case: Case, workdir: Path, syscall: str, number: int) -> None:
    """Kill a pass right before the `number`-th `syscall` and go on from there."""
    state = case.before.copy_to(workdir / f"{syscall}-{number}")
    log = workdir / f"{syscall}-{number}.trace"
    inject = f"inject={syscall}:signal=KILL:when={number}"
    done = traced(state, log, "-e", inject, command=case.command)
    # Runs differ by a call or two (names are random): the last ones may not be reached.
    survived = done.status == 0 and number > case.calls[syscall] - 3
    assert survived or done.status == -signal.SIGKILL, f"it was not killed: {done}"
    resume(state, case)
    shutil.rmtree(state.path)
