"""A pass over spec manifests that is killed at any moment loses nothing and reports nothing twice."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.killing import (
    SYSCALLS,
    Case,
    killed_before_every,
    killed_before_some,
    need_tracing,
    undisturbed,
)
from tests.support.mirrors import push
from tests.support.rig import State, call
from tests.support.statements import HDF5, MIXED, OLD, PY, ZLIB

AT_MOST = 4
"""Of the calls of a kind; the soak leaves none out."""


def over(mirror: Path) -> Callable[[State], list[str]]:
    """What makes a pass over a mirror."""
    child = [sys.executable, "-m", "tests.support.manifest_child"]
    return lambda state: [*child, os.fspath(state.path), os.fspath(mirror)]


def run(state: State, mirror: Path) -> None:
    done = call(over(mirror)(state))
    assert done.status == 0, done


@pytest.fixture(scope="module", params=["first import", "second sync"])
def case(request, tmp_path_factory) -> Case:
    """The state before, and what an undisturbed pass makes of it."""
    need_tracing()
    root = tmp_path_factory.mktemp("crash")
    before, mirror = State(root / "before"), root / "mirror"
    before.path.mkdir()
    pushed = [push(mirror, one) for one in (HDF5, OLD, ZLIB)]
    if request.param == "second sync":
        run(before, mirror)
        pushed[-1].unlink()
        push(mirror, PY)
        push(mirror, MIXED)
    after, case = undisturbed(before, root, command=over(mirror))
    run(after, mirror)
    assert after.log() == case.expected
    kinds = {change["kind"] for change in case.expected}
    assert {"spec.described", "spec.cached", "index.read"} <= kinds
    assert ("spec.evicted" in kinds) == (request.param == "second sync")
    return case


@pytest.mark.parametrize("syscall", SYSCALLS)
def test_killed_before_a_write_the_next_pass_completes_it(case, tmp_path, syscall):
    """Killed before any one call that changes the disk, the next pass writes the same log."""
    killed_before_some(case, tmp_path, syscall, AT_MOST)


@pytest.mark.soak
@pytest.mark.parametrize("syscall", SYSCALLS)
def test_killed_before_every_write_the_next_pass_completes_it(case, tmp_path, syscall):
    """As above, without leaving one out."""
    killed_before_every(case, tmp_path, syscall)
