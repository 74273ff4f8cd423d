"""A pass over cache indexes that is killed at any moment loses nothing and reports nothing twice."""

from pathlib import Path

import pytest

from tests.support.killing import (
    SYSCALLS,
    Case,
    complete,
    killed_before_every,
    killed_before_some,
    need_tracing,
    passing,
    undisturbed,
)
from tests.support.mirrors import document
from tests.support.rig import State
from tests.support.statements import GCC, HDF5, MIXED, OLD, OLD_ZLIB, PY, ZLIB, migrated

AT_MOST = 7
"""Of the calls of a kind; the soak leaves none out."""


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


@pytest.fixture(scope="module", params=["first import", "second sync"])
def case(request, tmp_path_factory) -> Case:
    """The state before, and what an undisturbed pass makes of it."""
    need_tracing()
    root = tmp_path_factory.mktemp("crash")
    before, files = State(root / "before"), first(root)
    before.path.mkdir()
    if request.param == "second sync":
        complete(before, passing("statement_child", *files))
        files = second(root)
    after, case = undisturbed(before, root, command=passing("statement_child", *files))
    complete(after, passing("statement_child", *files))
    assert after.log() == case.expected
    kinds = {change["kind"] for change in case.expected}
    assert {"spec.described", "spec.cached", "index.read"} <= kinds
    if request.param == "second sync":
        assert {"spec.evicted", "spec.restacked"} <= kinds
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
