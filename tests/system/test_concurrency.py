"""Readers and writers at the same time, each in a process of its own."""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.nobody import let_pass
from tests.support.rig import Loop, State, Tree, environment, rounds, spec, unprivileged, until

STABLE = sorted(spec("stable", n)["hash"] for n in range(4))

_SEARCH = """
import contextlib, io
from cachesync.cli.entry import main
state, empty_allowed = sys.argv[1], sys.argv[2] == "empty allowed"
expected = json.loads(sys.argv[3])
queries = (["package:stable"], ["stable", "aarch64"], ["tag:v1.0", "-package:nothing"], [expected[0][:9]])
count, notes, wrong, seen, seq = 0, [], [], not empty_allowed, 0
while go_on() and len(wrong) < 5:
    query = queries[count % len(queries)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["--state-dir", state, "search", "--json", "--limit", "0", *query])
    count += 1
    if status == 1 and not seen and "nothing was ever synced" in err.getvalue():
        continue
    if status != 0:
        wrong.append([query, status, err.getvalue()])
        continue
    notes += err.getvalue().splitlines()
    answer = json.loads(out.getvalue())
    if answer["as_of"]["seq"] < seq:
        wrong.append([query, "went back in time", answer["as_of"]["seq"], seq])
    seq = answer["as_of"]["seq"]
    found = {s["hash"] for r in answer["results"] for s in r["specs"] if r["package"] == "stable"}
    wanted = set(expected[:1] if query == queries[3] else expected)
    if not found and not seen:
        continue
    if found != wanted:
        wrong.append([query, sorted(found), answer["as_of"]])
    seen = True
print(json.dumps({"count": count, "notes": notes, "wrong": wrong, "seen": seen}))
"""

_COMMANDS = """
import subprocess
state, count, wrong = sys.argv[1], 0, []
commands = (["status", "--json"], ["changes", "--json", "--limit", "5"], ["show", "stable"],
            ["search", "stable"], ["search", "-q", "package:stable"])
while go_on() and len(wrong) < 5:
    command = commands[count % len(commands)]
    done = subprocess.run([sys.executable, "-m", "cachesync", "--state-dir", state, *command],
                          capture_output=True, text=True)
    count += 1
    if done.returncode or "Traceback" in done.stderr or "error" in done.stderr:
        wrong.append([command, done.returncode, done.stderr])
print(json.dumps({"count": count, "wrong": wrong}))
"""


def build_tree(root: Path, *, packages: int = 60, specs: int = 6) -> Tree:
    tree = Tree(root)
    for number in range(packages):
        rows = [spec("c", number, n, versions=[f"1.{n}"]) for n in range(specs)]
        tree.write("develop", f"pkg-{number}", rows)
    tree.write("v1.0", "stable", [spec("stable", n, versions=[f"2.{n}"]) for n in range(4)])
    return tree


def searchers(
    state: State, number: int, *, empty: str = "never", prefix: Sequence[str] = ()
) -> list[Loop]:
    expected = json.dumps(STABLE)
    return [Loop(_SEARCH, state.path, empty, expected, prefix=prefix) for _ in range(number)]


def end_all(loops: list[Loop]) -> list[dict[str, Any]]:
    """End every loop; each must have done something and met nothing wrong."""
    results = [loop.end() for loop in loops]
    for result in results:
        assert not result["wrong"], result["wrong"][:3]
        assert result["count"] > 3
    return results


@pytest.fixture
def busy(tmp_path) -> Iterator[tuple[Tree, State, list[Loop]]]:
    """A synced tree, and a list of loops that are ended whatever happens."""
    tree = build_tree(tmp_path / "site")
    state = State(tmp_path / "state", tree.root)
    state.sync()
    loops: list[Loop] = []
    yield tree, state, loops
    for loop in loops:
        if loop.runs:
            loop.kill()


def test_searches_during_a_first_import(tmp_path):
    """From the first instant on a search answers or says that nothing was synced yet; what was
    found once is found from then on."""
    tree = build_tree(tmp_path / "site", packages=300, specs=60)
    state = State(tmp_path / "state", tree.root)
    loops = searchers(state, 2, empty="empty allowed")
    try:
        state.sync()
        until(lambda: all(loop.runs for loop in loops))
        for _ in rounds(1, beside=loops):
            state.sync()
        begun = [loop.turns + 2 for loop in loops]  # one that began after the import
        until(lambda: all(loop.turns >= turn for loop, turn in zip(loops, begun, strict=True)))
        results = end_all(loops)
    finally:
        for loop in loops:
            if loop.runs:
                loop.kill()
    assert all(result["seen"] for result in results)
    state.assert_sound()


def test_searches_during_syncs_that_commit(busy):
    """Commits and merges of the index, one after another: every search finds what is there."""
    tree, state, loops = busy
    loops += [*searchers(state, 2), Loop(_COMMANDS, state.path)]
    for number in rounds(3, at_least=12, beside=loops):
        package = f"pkg-{number % 7}"
        rows = [spec("commit", number, n, versions=[f"1.{n}.{number}"]) for n in range(6)]
        tree.write("develop", package, rows)
        assert state.sync().json["changes"]
    results = end_all(loops)
    loops.clear()
    assert sum(len(result.get("notes", [])) for result in results) == 0, results
    state.assert_sound()


def test_searches_during_rebuilds(busy):
    """While the index is built anew and swapped in, every search finds what is there."""
    tree, state, loops = busy
    loops += [*searchers(state, 2), Loop(_COMMANDS, state.path)]
    for number in rounds(3, at_least=12, beside=loops):
        state.good("rebuild", "index")
        if number % 3 == 0:
            tree.write("develop", "pkg-1", [spec("c", number, n) for n in range(6)])
            state.sync()
    results = end_all(loops)
    loops.clear()
    assert sum(len(result.get("notes", [])) for result in results) == 0, results
    state.assert_sound()


def test_searches_without_write_permission_during_syncs(busy, tmp_path):
    """A user who may not write, who opens the ledger between two syncs as well as in the midst of
    one, always gets an answer, and the right one."""
    prefix = unprivileged()
    if prefix is None or os.geteuid() != 0:
        pytest.skip("needs root, to be two users")
    tree, state, loops = busy
    let_pass(tmp_path)
    if "--reuid=65534" not in prefix:
        state.path.chmod(0o555)
    loops += searchers(state, 2, prefix=prefix)
    for number in rounds(6, at_least=12, beside=loops):
        rows = [spec("commit", number, n, versions=[f"1.{n}.{number}"]) for n in range(6)]
        tree.write("develop", f"pkg-{number % 7}", rows)
        state.sync(measured=True)  # a process begun from nothing: syncs come as fast as real ones
    end_all(loops)
    loops.clear()
    state.assert_sound()


# -- two writers


def start_and_stop(state: State) -> subprocess.Popen[bytes]:
    """A sync that holds the writer's lock, has written, and stands still.

    Before it has written it may be where SQLite prepares the memory that it shares with readers, which is
    short; one that is stopped just there keeps every reader waiting for ten seconds ("locking protocol").
    """
    wal = state.path / "ledger.sqlite-wal"
    assert wal.stat().st_size == 0, "the pass before left it so"
    process = subprocess.Popen(
        state.command("sync", "--quiet"), env=environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip

    def holds() -> bool:
        assert process.poll() is None, process.communicate()
        try:
            with open(state.path / "writer.lock", "rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return False
        except FileNotFoundError:
            return False
        except BlockingIOError:
            holder = (state.path / "writer.lock").read_text().strip()
            return holder == str(process.pid) and wal.stat().st_size > 0

    until(holds)
    process.send_signal(signal.SIGSTOP)
    assert holds(), "it had ended before it was stopped"
    return process


@pytest.fixture
def stopped(tmp_path) -> Iterator[tuple[State, subprocess.Popen[bytes]]]:
    """A state directory whose writer stands still in the middle of a second, large pass."""
    tree = build_tree(tmp_path / "site")
    state = State(tmp_path / "state", tree.root)
    state.sync()
    build_tree(tree.root, packages=600, specs=30)
    process = start_and_stop(state)
    yield state, process
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.communicate()


@pytest.mark.parametrize(
    "arguments", [("sync",), ("rebuild", "index"), ("forget", "x")], ids=" ".join
)
def test_a_second_writer_is_told_who_the_first_is(stopped, arguments):
    """It exits 1 at once, names the holder's pid, and gives a hint; the first is not disturbed."""
    state, process = stopped
    done = state.run(*arguments)
    assert done.status == 1, done
    assert done.seconds < 3
    assert len(done.talk) == 2, done
    assert f"pid {process.pid})" in done.talk[0], done
    assert done.talk[1].startswith("hint: "), done
    process.send_signal(signal.SIGCONT)
    assert process.wait(60) == 0
    state.sync()
    state.assert_sound()


def test_readers_do_not_wait_for_a_writer_that_stands_still(stopped, tmp_path):
    """Everything that only reads answers at once while a writer is stopped in mid-pass."""
    state, _ = stopped
    assert state.hashes("package:stable") == set(STABLE)
    for arguments in (("status",), ("changes",), ("show", "stable"), ("backup", tmp_path / "b")):
        done = state.good(*arguments)
        assert done.seconds < 5
    done = state.run("verify", "--json")
    wrong = [text for text in done.json["differences"] if not text.startswith("site: ")]
    assert not wrong


def test_the_lock_goes_with_a_killed_writer(stopped):
    """After kill -9 of the holder the next writer starts at once and completes the pass."""
    state, process = stopped
    process.kill()
    process.wait()
    state.sync()
    state.assert_sound()


# -- backups


def test_backups_while_a_writer_runs_are_each_one_moment(busy, tmp_path):
    """Every copy is a sound ledger whose log gives its placements, and can be synced on from."""
    tree, state, loops = busy
    program = """
import subprocess
state, folder, count, wrong = sys.argv[1], sys.argv[2], 0, []
while go_on() or count < 4:
    done = subprocess.run([sys.executable, "-m", "cachesync", "--state-dir", state, "backup",
                           f"{folder}/{count}.sqlite"], capture_output=True, text=True)
    if done.returncode:
        wrong.append(done.stderr)
    count += 1
print(json.dumps({"count": count, "wrong": wrong}))
"""
    copies = tmp_path / "copies"
    copies.mkdir()
    loops.append(Loop(program, state.path, copies))
    for number in rounds(3, at_least=5, beside=loops):
        for package in range(40):
            rows = [spec("c", number % 2, package, n, versions=[f"1.{n}"]) for n in range(30)]
            tree.write("develop", f"pkg-{package}", rows)
        state.sync()
    (result,) = end_all(loops)
    loops.clear()
    for number in range(0, result["count"], max(1, result["count"] // 5)):
        restored = State(tmp_path / f"restored-{number}", tree.root)
        restored.path.mkdir()
        ledger = restored.path / "ledger.sqlite"
        shutil.copy(copies / f"{number}.sqlite", ledger)
        db = sqlite3.connect(ledger)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.close()
        done = restored.run("verify", "--json")
        wrong = [t for t in done.json["differences"] if t.startswith(("ledger", "change log"))]
        assert not wrong
        restored.sync()
        restored.assert_sound()
        assert restored.hashes("package:stable") == set(STABLE)
