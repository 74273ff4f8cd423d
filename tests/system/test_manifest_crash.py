"""A pass over spec manifests that is killed at any moment loses nothing and reports nothing twice."""

import random
import signal
import time
from pathlib import Path

import pytest

from cachesync.buildcache import specmanifest
from tests.support.daemons import daemon, eventually, idle
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
from tests.support.mirrors import push, record
from tests.support.pushing import in_order
from tests.support.rig import State
from tests.support.statements import HDF5, MIXED, OLD, PY, ZLIB
from tests.support.world import World

AT_MOST = 4
"""Of the calls of a kind; the soak leaves none out."""


@pytest.fixture(scope="module", params=["first import", "second sync"])
def case(request, tmp_path_factory) -> Case:
    """The state before, and what an undisturbed pass makes of it."""
    need_tracing()
    root = tmp_path_factory.mktemp("crash")
    before, mirror = State(root / "before"), root / "mirror"
    before.path.mkdir()
    pushed = [push(mirror, one) for one in (HDF5, OLD, ZLIB)]
    if request.param == "second sync":
        complete(before, passing("manifest_child", mirror))
        pushed[-1].unlink()
        push(mirror, PY)
        push(mirror, MIXED)
    after, case = undisturbed(before, root, command=passing("manifest_child", mirror))
    complete(after, passing("manifest_child", mirror))
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


class Pushers:
    """People who push into a mirror, prune it, and push again what was pruned."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root = root
        self._pick = random.Random(seed)
        self._gone: list[tuple[Path, bytes]] = []
        self._count = 0
        for number in range(60):  # so that the guard lets go of what is pruned
            push(root, record(f"standing-{number}", "1.0", ZLIB))

    def there(self) -> list[str]:
        """The hashes of all manifests."""
        names = [one.name for one in self._manifests()]
        return sorted(filter(None, map(specmanifest.hash_of, names)))

    def turn(self) -> None:
        """One of them does something."""
        chance = self._pick.random()
        pushed = [one for one in self._manifests() if one.parent.name.startswith("p")]
        if chance < 0.25 and pushed:
            gone = self._pick.choice(pushed)
            self._gone.append((gone, gone.read_bytes()))
            gone.unlink()
        elif chance < 0.35 and self._gone:
            file, data = self._gone.pop(self._pick.randrange(len(self._gone)))
            file.write_bytes(data)
        else:
            self._count += 1
            one = record(f"p{self._pick.randrange(8)}", f"1.{self._count}", HDF5)
            for write in in_order(self._root, one):
                write()
                if self._pick.random() < 0.1:
                    time.sleep(self._pick.uniform(0, 0.02))
        time.sleep(self._pick.uniform(0, 0.05))

    def _manifests(self) -> list[Path]:
        return sorted((self._root / specmanifest.DIRECTORY).glob("*/*"))


def replayed(world: World) -> list[str]:
    """What is placed by the change log, in which nothing comes twice and nothing goes that is not there."""
    placed: set[str] = set()
    for change in world.changes():
        if change["kind"] == "spec.cached":
            assert change["hash"] not in placed, change
            placed.add(change["hash"])
        elif change["kind"] == "spec.evicted":
            assert change["hash"] in placed, change
            placed.remove(change["hash"])
    return sorted(placed)


@pytest.mark.soak
def test_killed_at_many_instants_under_pushes_and_prunes(tmp_path):
    """After each restart what is placed is what is there, and by the log too, each spec once."""
    world, root = World(tmp_path / "world"), tmp_path / "mirror"
    pushers, pick = Pushers(root, seed=3), random.Random(4)
    world.configure(
        f"sources:\n  - {{name: ours, type: buildcache, url: '{root.as_uri()}', tag: t, read: manifests}}\n"
        "watch: {quiet: 50ms}\n"
    )
    for _ in range(60):
        with daemon(world, ready=pick.random() < 0.7) as running:
            until = time.monotonic() + pick.uniform(0.1, 2.0)
            while time.monotonic() < until:
                pushers.turn()
            running.stop(signal.SIGKILL)
        pushers.turn()  # nobody sees it happen
        if pick.random() < 0.2:
            with daemon(world) as running:
                idle(running)
                there = pushers.there()
                eventually(lambda there=there: world.found() == there)
                assert replayed(world) == there
                assert running.stop() == 0
            world.verify()
    with daemon(world) as running:
        idle(running)
        assert eventually(lambda: world.found() == pushers.there())
        assert running.stop() == 0
    assert replayed(world) == pushers.there()
    world.verify()
