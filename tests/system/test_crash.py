"""A sync that is killed at any moment loses nothing and reports nothing twice: see `support.killing`."""

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from tests.support.killing import (
    SYSCALLS,
    Case,
    killed_before_every,
    killed_before_some,
    need_tracing,
    resume,
    traced,
    undisturbed,
)
from tests.support.rig import State, Tree, call, evenly, in_parallel, page, spec

AT_MOST = {"pwrite64": 8, "write": 4, "fdatasync": 4, "unlink": 3, "unlinkat": 2}
"""Of so many calls the normal run tries these; of all others, and in the soak run, every one."""


def first_trees(root: Path) -> tuple[Path, Path]:
    """Two sources with hashes in common; one page is rejected from the start, one is placed twice."""
    site, other = Tree(root / "site"), Tree(root / "other")
    for number in range(9):
        rows = [spec("p", number, n, versions=[f"1.{n // 2}"]) for n in range(5)]
        site.write("develop", f"pkg-{number}", rows)
    site.write("v1.0", "pkg-0", [spec("p", 0, n, stacks=["root"]) for n in range(3)])
    site.put("v1.0", "broken", page("broken", "v1.0", [spec("b")])[:-30])
    site.put("v1.0", "pkg-0-again", page("pkg-0", "v1.0", [spec("p", 0, 9)]))
    other.write("develop", "pkg-1", [spec("p", 1, n) for n in range(6)])
    other.write("develop", "pkg-2", [spec("p", 2, n, compiler="none") for n in range(2)])
    other.write("develop", "only", [spec("only", n) for n in range(3)])
    return site.root, other.root


def second_trees(site_root: Path, other_root: Path) -> None:
    """Everything that can happen to a page happens to one."""
    site, other = Tree(site_root), Tree(other_root)
    site.write("develop", "new", [spec("new", n) for n in range(4)])
    site.remove("develop", "pkg-1")  # its hashes are in the other source, too
    site.remove("develop", "pkg-3")
    site.write("develop", "pkg-4", [spec("p", 4, n, stacks=["root", "gpu"]) for n in range(5)])
    site.put("develop", "pkg-5", page("pkg-5", "develop", [spec("p", 5, 0)])[:-9])
    site.write("develop", "pkg-6", [spec("p", 6, n) for n in (0, 1, 7, 8)])
    site.write("develop", "pkg-7", [])
    site.write("v1.0", "broken", [spec("b"), spec("p", 7, 0), spec("p", 3, 1)])
    site.write("v1.0", "pkg-8", [spec("p", 8, 0, compiler="gcc"), spec("p", 3, 2)])
    os.mkfifo(site.path("v1.0", "broken").with_name("fifo"))
    (site_root / "v1.0" / "pipe").mkdir()
    os.mkfifo(site.path("v1.0", "pipe"))
    other.write("develop", "pkg-1", [spec("p", 1, n) for n in (0, 1)])
    other.remove("develop", "only")
    other.write("develop", "late", [spec("only", 1), spec("p", 3, 3)])


@pytest.fixture(scope="module", params=["first import", "second sync"])
def case(request, tmp_path_factory) -> Case:
    """The state before, and what an undisturbed sync makes of it."""
    need_tracing()
    root = tmp_path_factory.mktemp("crash")
    sources = first_trees(root)
    before = State(root / "before", *sources)
    before.config()
    if request.param == "second sync":
        before.sync()
        second_trees(*sources)
    else:
        before.path.mkdir()
    after, case = undisturbed(before, root)
    assert after.sync().json["changes"] == {}
    cold = call(before.copy_to(root / "cold").command("sync", "--quiet", prefix=["env"]))
    return case._replace(seconds=cold.seconds)


def test_the_case_holds_every_kind_of_change(case):
    """What is disturbed below is worth it: the undisturbed log has flags of both values."""
    kinds = {change["kind"] for change in case.expected}
    assert {"page.added", "page.rejected", "spec.cached"} <= kinds
    assert {True, False} <= {c.get("first") for c in case.expected if c["kind"] == "spec.cached"}
    if any(
        not change.get("baseline") for change in case.expected if change["kind"] == "spec.cached"
    ):
        wanted = {"spec.evicted", "spec.restacked", "page.removed", "page.recovered"}
        assert wanted <= kinds
        assert {c["last"] for c in case.expected if c["kind"] == "spec.evicted"} == {True, False}


@pytest.mark.parametrize("syscall", SYSCALLS)
def test_killed_before_a_write_the_next_sync_completes_it(case, tmp_path, syscall):
    """Killed before any one call that changes the disk, the next sync writes the same log."""
    killed_before_some(case, tmp_path, syscall, AT_MOST.get(syscall, 60))


@pytest.mark.soak
@pytest.mark.parametrize("syscall", SYSCALLS)
def test_killed_before_every_single_write(case, tmp_path, syscall):
    """As above, without leaving one out."""
    killed_before_every(case, tmp_path, syscall)


def kill_at_random(case: Case, workdir: Path, seed: int) -> None:
    instant = random.Random(seed).uniform(0.02, case.seconds)
    state = case.before.copy_to(workdir / str(seed))
    # In the foreground it waits for what it killed, which holds the lock until it is gone.
    prefix = ["timeout", "--foreground", "--signal=KILL", f"{instant:.4f}"]
    done = call(state.command("sync", "--quiet", prefix=prefix))
    assert done.status in (0, 124, 137, -signal.SIGKILL), done
    resume(state, case)
    shutil.rmtree(state.path)


def test_killed_at_any_instant_the_next_sync_completes_it(case, tmp_path):
    """Killed at a random instant, the next sync writes the same log."""
    assert not in_parallel(lambda seed: kill_at_random(case, tmp_path, seed), range(8))


@pytest.mark.soak
def test_killed_at_many_instants(case, tmp_path):
    """As above, more often."""
    assert not in_parallel(lambda seed: kill_at_random(case, tmp_path, seed), range(100, 200))


def test_killed_again_and_again_the_syncs_get_there(case, tmp_path):
    """A sync that is killed at every attempt, each time a little later, still gets everything once."""
    state = case.before.copy_to(tmp_path / "state")
    for number in evenly(range(1, case.calls["pwrite64"] + 1), 8):
        inject = ("-e", f"inject=pwrite64:signal=KILL:when={number}")
        done = traced(state, tmp_path / "trace", *inject)
        assert done.status in (0, -signal.SIGKILL), done
    resume(state, case)


@pytest.mark.soak
def test_killed_between_the_chunks_of_a_large_import(tmp_path):
    """An import of several transactions, cut off between them, ends with the same log."""
    need_tracing()
    tree = Tree(tmp_path / "large")
    for number in range(130):
        rows = [spec("l", number, n, versions=[f"1.{n % 9}"]) for n in range(1000)]
        tree.write("develop", f"pkg-{number}", rows)
    before = State(tmp_path / "empty", tree.root)
    before.config()
    before.path.mkdir()
    _, case = undisturbed(before, tmp_path)
    for syscall in ("fdatasync", "rename", "pwrite64"):
        killed_before_some(case, tmp_path, syscall, 12)
