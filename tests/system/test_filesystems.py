"""File systems that refuse locks: the kernel is made to say so (`strace`), the rest is real."""

import errno
import os
import shutil
import subprocess

import pytest

from cachesync.ledger import locks
from tests.support.world import spec

ERRORS = ("ENOLCK", "EOPNOTSUPP", "EIO")
ALL_FILES = ("ledger.sqlite", "ledger.sqlite-shm", locks.LOCK_FILE, locks.PROBE_FILE)


def _strace(call, error, files=()):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    paths = [word for file in files for word in ("-P", os.fspath(file))]
    return ["strace", "-f", "-qq", "-o", "/dev/null", *paths,
            "-e", f"trace={call}", "-e", f"inject={call}:error={error}"]  # fmt: skip


def _run(world, prefix, *words):
    return subprocess.run([*prefix, *world.command(*words)], env=world.environment, text=True,
                          capture_output=True, check=False, timeout=120)  # fmt: skip


@pytest.fixture
def synced(world):
    """A world whose one page was synced."""
    world.page("develop", "zlib", spec())
    world.run("sync", "--pages", str(world.pages))
    return world


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", ["flock", "fcntl"])
def test_a_state_directory_without_locks_is_named(synced, call, error):
    """`sync` ends with one error that names the directory, the reason and a remedy; so says doctor."""
    files = [synced.state / name for name in ALL_FILES] if call == "fcntl" else ()
    prefix = _strace(call, error, files)
    done = _run(synced, prefix, "sync")
    reason = os.strerror(getattr(errno, error))
    said = f"the file system that holds {synced.state} cannot lock files: {reason}"
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"cachesync: error: {said}"
    assert "hint: choose a state directory on a local disk with --state-dir" in done.stderr
    assert "Traceback" not in done.stderr
    done = _run(synced, prefix, "doctor", "--offline")
    assert f"error   locks: {said}" in done.stdout
    assert done.returncode == 1
    assert not (synced.state / locks.PROBE_FILE).exists()


def test_a_locked_ledger_is_still_called_locked(synced):
    """Where locks hold, who has one is named, and doctor finds nothing."""
    assert locks.probe(synced.state) is None
    assert "ok      locks: files in it can be locked" in synced.run("doctor", "--offline").out
