"""A pass over cache indexes that is killed at any moment loses nothing and reports nothing twice."""

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.mirrors import document
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
from tests.support.statements import GCC, HDF5, MIXED, OLD, OLD_ZLIB, PY, ZLIB, migrated

from .test_crash import SYSCALLS

AT_MOST = 12
"""Of the calls of a kind; the soak leaves none out."""


class Case(NamedTuple):
    """A pass to disturb: the state before it and the log after it."""

    before: State
    files: list[Path]
    expected: list[dict]
    calls: Counter[str]


def indexes(root: Path, *documents: bytes) -> list[Path]:
    """Each as the file of a stack."""
    root.mkdir()
    files = [root / f"stack{number}.json" for number in range(len(documents))]
    for file, data in zip(files, documents, strict=True):
        file.write_bytes(data)
    return files


def first(root: Path) -> list[Path]:
    return indexes(
        root / "first",
        document([HDF5, MIXED, OLD], cached=[HDF5, MIXED, OLD, ZLIB]),
        document([HDF5, PY], cached=[PY, HDF5]),
    )


def second(root: Path) -> list[Path]:
    """A spec leaves, one leaves a stack only, one comes, one is told of in another form."""
    return indexes(
        root / "second",
        document([HDF5, migrated(OLD), PY], cached=[migrated(OLD), migrated(OLD_ZLIB), ZLIB, PY]),
        document([HDF5, PY, GCC], cached=[HDF5]),
    )


def passed(state: State, files: list[Path], tracer: Sequence[str] = ()) -> Done:
    child = [sys.executable, "-m", "tests.support.statement_child"]
    return call([*child, os.fspath(state.path), *map(os.fspath, files)], tracer=tracer)


def run(state: State, files: list[Path]) -> None:
    done = passed(state, files)
    assert done.status == 0, done


@pytest.fixture(scope="module", params=["first import", "second sync"])
def case(request, tmp_path_factory) -> Case:
    """The state before, and what an undisturbed pass makes of it."""
    reason = why_no_tracing()
    if reason is not None:
        pytest.skip(reason)
    root = tmp_path_factory.mktemp("crash")
    before, files = State(root / "before"), first(root)
    before.path.mkdir()
    if request.param == "second sync":
        run(before, files)
        files = second(root)
    undisturbed = before.copy_to(root / "undisturbed")
    done = passed(undisturbed, files, tracing(root / "trace", SYSCALLS))
    assert done.status == 0, done
    undisturbed.assert_sound()
    expected = undisturbed.log()
    run(undisturbed, files)
    assert undisturbed.log() == expected
    kinds = {change["kind"] for change in expected}
    assert {"spec.described", "spec.cached", "index.read"} <= kinds
    if request.param == "second sync":
        assert {"spec.evicted", "spec.restacked"} <= kinds
    return Case(before, files, expected, calls_of(root / "trace"))


def kill_before(case: Case, workdir: Path, syscall: str, number: int) -> None:
    """Kill a pass right before the `number`-th `syscall` and go on from there."""
    state = case.before.copy_to(workdir / f"{syscall}-{number}")
    log = workdir / f"{syscall}-{number}.trace"
    inject = f"inject={syscall}:signal=KILL:when={number}"
    done = passed(state, case.files, tracing(log, SYSCALLS, "-e", inject))
    survived = done.status == 0 and number > case.calls[syscall] - 3
    assert survived or done.status == -signal.SIGKILL, f"it was not killed: {done}"
    run(state, case.files)
    state.assert_sound()
    assert state.log() == case.expected
    shutil.rmtree(state.path)


@pytest.mark.parametrize("syscall", SYSCALLS)
def test_killed_before_a_write_the_next_pass_completes_it(case, tmp_path, syscall):
    """Killed before any one call that changes the disk, the next pass writes the same log."""
    numbers = evenly(range(1, case.calls[syscall] + 1), AT_MOST)
    assert not in_parallel(lambda n: kill_before(case, tmp_path, syscall, n), numbers)


@pytest.mark.soak
@pytest.mark.parametrize("syscall", SYSCALLS)
def test_killed_before_every_write_the_next_pass_completes_it(case, tmp_path, syscall):
    """As above, without leaving one out."""
    numbers = range(1, case.calls[syscall] + 1)
    assert not in_parallel(lambda n: kill_before(case, tmp_path, syscall, n), numbers)
