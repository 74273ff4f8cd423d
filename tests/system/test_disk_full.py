"""A full disk: one clear error, nothing half-written, and the next sync goes on as if nothing was."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.daemons import daemon, eventually, watched
from tests.support.pagetext import spec as row
from tests.support.receiver import SECRET, receiver, subscription
from tests.support.rig import Done, State, Tree, spec
from tests.support.world import hash_of

SIZE_KIB = 8_192
LEFT_KIB = (0, 8, 16, 32, 64, 128, 250, 400, 600, 800)
"""Kibibytes left free: the passes below need some 600."""


class Case(NamedTuple):
    before: Path
    sources: tuple[Path, ...]
    expected: list[dict[str, Any]]


def write_trees(root: Path, *, later: bool) -> Path:
    tree = Tree(root / "site")
    for number in range(12):
        kept = range(10, 40) if later and number % 3 == 0 else range(30)
        stacks = ["root"] if later and number % 3 == 1 else ["e4s", "root"]
        rows = [spec("d", number, n, versions=[f"1.{n}"], stacks=stacks) for n in kept]
        tree.write("develop", f"pkg-{number}", rows)
    if later:
        tree.remove("develop", "pkg-2")
        tree.write("develop", "new", [spec("new", n, versions=[f"3.{n}"]) for n in range(50)])
        tree.put("develop", "pkg-5", b"---\nno page")
    return tree.root


@pytest.fixture(scope="module", params=["first import", "second sync"])
def case(request, tmp_path_factory) -> Case:
    root = tmp_path_factory.mktemp("full")
    before = State(root / "before", write_trees(root, later=False))
    if request.param == "second sync":
        before.sync()
        write_trees(root, later=True)
    else:
        before.path.mkdir()
    undisturbed = before.copy_to(root / "undisturbed")
    undisturbed.sync()
    undisturbed.assert_sound()
    return Case(before.path, before.sources, undisturbed.log())


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Iterator[Path]:
    """A small file system of its own."""
    where = tmp_path_factory.mktemp("small")
    command = [
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={SIZE_KIB}k",
        "cachesync-test",
        os.fspath(where),
    ]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", os.fspath(where)], check=True)


def fill(where: Path, left_kib: int) -> Path:
    """A file that leaves so much free."""
    ballast = where / "ballast"
    free = os.statvfs(where)
    size = free.f_bavail * free.f_frsize - left_kib * 1024
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return ballast


def assert_clear(done: Done) -> None:
    """One error, one hint, nothing else but warnings about pages and the document for programs."""
    passed_over = ("cachesync: info: ", "cachesync: warning: ", '{"schema": 1, "error": ')
    talk = [line for line in done.talk if not line.startswith(passed_over)]
    assert len(talk) == 2, done
    assert talk[0].startswith("cachesync: error: "), done
    assert "no space left" in talk[0], done
    assert talk[1].startswith("hint: "), done


def assert_intact(state: State, elsewhere: Path) -> None:
    """The ledger, as far as there is one, is sound.

    A copy of it is asked: SQLite needs a little room itself to open a ledger with a WAL.
    """
    shutil.rmtree(elsewhere, ignore_errors=True)
    elsewhere.mkdir()
    for name in ("ledger.sqlite", "ledger.sqlite-wal"):
        if (state.path / name).exists():
            shutil.copy(state.path / name, elsewhere)
    db = sqlite3.connect(elsewhere / "ledger.sqlite")
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


@pytest.mark.parametrize("left_kib", LEFT_KIB)
def test_a_sync_that_runs_out_of_space(case, small, left_kib, tmp_path):
    """It exits 1 with one line and a hint, breaks nothing, and with space again it completes."""
    state = State(small / "state", *case.sources)
    shutil.copytree(case.before, state.path, symlinks=True)
    state.config()
    ballast = fill(small, left_kib)
    try:
        done = state.run("sync", "--json")
        assert b"Traceback" not in done.err, done
        assert done.status in (0, 1), done
        if done.status == 1:
            assert_clear(done)
            assert_intact(state, tmp_path / "copy")
            again = state.run("sync", "--json")
            if again.status:  # the first one may have left enough room for the second
                assert_clear(again)
            assert_intact(state, tmp_path / "copy")
        else:
            assert left_kib > 0, "nothing was needed?"
        ballast.unlink()
        state.sync()
        state.assert_sound()
        assert state.log() == case.expected
    finally:
        ballast.unlink(missing_ok=True)
        shutil.rmtree(state.path)


def test_reading_from_a_full_disk(case, small):
    """Searches and all that only reads go on when there is not a byte left."""
    state = State(small / "state", *case.sources)
    shutil.copytree(case.before, state.path, symlinks=True)
    state.sync()
    ballast = fill(small, 0)
    try:
        assert len(state.hashes("package:pkg-0")) == 30
        for arguments in (("status",), ("changes",), ("show", "pkg-0"), ("verify",)):
            state.good(*arguments)
        done = state.run("rebuild", "index")
        assert done.status == 1, done
        assert_clear(done)
        done = state.run("backup", small / "copy")
        assert done.status == 1, done
        assert_clear(done)
        assert not list(small.glob("*copy*"))
        assert len(state.hashes("package:pkg-0")) == 30
    finally:
        ballast.unlink()
        shutil.rmtree(state.path)


NOT_INDEXED = "the search index is not up to date"


def test_the_ledger_heals_when_space_returns(world, small):
    """A daemon records and indexes what it saw on a full disk, and no page has to change for it."""
    world.state = small / "state"
    world.configure("sources:\n" + world.directory_source())
    world.page("develop", "hdf5", row(hash_of(1)))
    try:
        with daemon(world) as running:
            watched(running)
            ballast = fill(small, 0)
            for number in range(400):
                rows = [row(hash_of(1000 + number * 10 + n)) for n in range(10)]
                world.page("develop", f"p{number}", *rows)
            running.says("no space left")
            ballast.unlink()
            eventually(lambda: len(world.found("")) == 4001, 60)
            running.says("is recorded again")
            assert running.log.count("no space left") <= 2, running.log
        world.verify()
    finally:
        (small / "ballast").unlink(missing_ok=True)
        shutil.rmtree(world.state)


def test_what_was_seen_on_a_full_disk_is_told_when_space_returns(world, small):
    """Every spec once, to a subscriber, from an outbox that had no more room than the ledger."""
    world.state = small / "state"
    secret = world.root / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    world.page("develop", "hdf5", row(hash_of(1)))
    try:
        with receiver() as there:
            fast = "    batch: {window: 100ms}\n"
            world.configure("sources:\n" + world.directory_source() + "subscriptions:\n"
                            + subscription(there.url, secret=secret, extra=fast))  # fmt: skip
            with daemon(world) as running:
                watched(running)
                world.page("develop", "first", row(hash_of(2)))
                eventually(there.changes)
                ballast = fill(small, 0)
                for number in range(200):
                    world.page("develop", f"p{number}", row(hash_of(1000 + number)))
                running.says("no space left")
                ballast.unlink()
                expected = sorted([hash_of(2), *(hash_of(1000 + n) for n in range(200))])
                eventually(lambda: len(there.changes()) >= len(expected), 60)
                assert sorted(change["hash"] for change in there.changes()) == expected
                assert not there.bad
    finally:
        (small / "ballast").unlink(missing_ok=True)
        shutil.rmtree(world.state)


def test_the_index_heals_when_it_can_be_written_again(world, small):
    """It alone lies on a file system that takes nothing: the source is well all the same."""
    world.configure("sources:\n" + world.directory_source())
    world.page("develop", "hdf5", row(hash_of(1)))
    index = world.state / "index"
    with daemon(world) as running:
        watched(running)
        eventually(lambda: world.found("hdf5"))
        subprocess.run(["mount", "--bind", index, index], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", index], check=True)
            world.page("develop", "new", row(hash_of(2)))
            running.says(NOT_INDEXED)
            assert world.status()["sources"][0]["state"] == "ok"
            assert running.state()["sources"]["site"]["failures"] == 0
        finally:
            subprocess.run(["umount", "-l", index], check=True)
        running.says("the search index is up to date again", seconds=60)
        assert running.log.count(NOT_INDEXED) == 1
        assert world.found("new")
    world.verify()
