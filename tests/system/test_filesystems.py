"""File systems that refuse locks: the kernel is made to say so (`strace`), the rest is real."""

import errno
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from cachesync.ledger import connect, locks
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
    began = time.monotonic()
    done = _run(synced, prefix, "sync")
    assert time.monotonic() - began < connect.BUSY_SECONDS, "nobody has a lock that is waited for"
    reason = os.strerror(getattr(errno, error))
    said = f"the file system that holds {synced.state} cannot lock files: {reason}"
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"cachesync: error: {said}"
    assert "hint: choose a state directory on a local disk with --state-dir" in done.stderr
    assert "Traceback" not in done.stderr
    began = time.monotonic()
    done = _run(synced, prefix, "doctor", "--offline")
    assert time.monotonic() - began < connect.BUSY_SECONDS
    assert f"error   locks: {said}" in done.stdout
    assert done.returncode == 1
    assert not (synced.state / locks.PROBE_FILE).exists()


def test_a_locked_ledger_is_still_called_locked(synced):
    """Where locks hold, who has one is named, and doctor finds nothing."""
    assert locks.probe(synced.state) is None
    assert "ok      locks: files in it can be locked" in synced.run("doctor", "--offline").out


def test_a_damaged_ledger_is_not_backed_up(synced, tmp_path):
    """`backup` and `doctor` say that it is damaged; no file is left that looks like a backup."""
    path = synced.state / "ledger.sqlite"
    with open(path, "r+b") as ledger:
        for page in range(3, path.stat().st_size // 4096):
            ledger.seek(page * 4096)
            ledger.write(b"\xa5" * 4096)
    done = synced.run("backup", tmp_path / "copy", status=1)
    assert f"the ledger in {synced.state} is damaged" in done.err
    assert [name for name in os.listdir(tmp_path) if "copy" in name] == []
    done = synced.run("doctor", "--offline", status=1)
    assert f"error   ledger: the ledger in {synced.state} is damaged" in done.out


@pytest.mark.parametrize("words", [("search", "zlib"), ("show", "zlib"), ("status",), ("doctor", "--offline")],
                         ids=lambda words: words[0])  # fmt: skip
@pytest.mark.parametrize("where", ["itself", "above"])
def test_a_state_directory_that_may_not_be_read_is_named(synced, words, where):
    """Permission is what is missing, not a ledger; and no traceback."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    closed = synced.state if where == "itself" else synced.state.parent / "closed"
    state = synced.state if where == "itself" else closed / "state"
    closed.mkdir(exist_ok=True)
    closed.chmod(0)
    bounds = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    try:
        done = _run(synced, bounds if os.geteuid() == 0 else [], "--state-dir", str(state), *words)
    finally:
        closed.chmod(0o755)
    assert done.returncode == 1
    assert "ermission denied" in done.stdout + done.stderr
    assert str(state) in done.stdout + done.stderr
    assert "nothing was ever synced" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", ["search zlib", "show zlib", "status", "doctor --offline", "verify"]
)
def test_a_closed_standard_output_is_an_error(synced, words):
    """One line, no traceback, and no file gets the answer."""
    done = _run(synced, ["sh", "-c", 'exec "$@" >&-', "sh"], *words.split())
    assert done.returncode == 1
    assert done.stderr.endswith(
        "cachesync: error: standard output cannot be written: Bad file descriptor\n"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["search zlib", "sync", "status"])
@pytest.mark.parametrize("kilobytes", [24_000, 28_000, 32_000, 36_000])
def test_a_limit_on_memory_is_named(synced, words, kilobytes):
    """Whenever it is met, it is one line; or there was enough."""
    limited = f'ulimit -v {kilobytes}; exec "$@"'
    done = _run(synced, ["sh", "-c", limited, "sh"], *words.split())
    if "cachesync" not in done.stderr and done.returncode:
        pytest.skip("Python itself does not start in so little")
    if "Traceback" in done.stderr:  # a library that half imported, or Python, says something else
        assert not done.stderr.splitlines()[-1].startswith("MemoryError")
    elif done.returncode:
        assert "cachesync: error: out of memory" in done.stderr


def test_a_library_that_cannot_be_listed_for_want_of_memory(synced):
    """The kernel says so of a directory, and the import system hands that on: it is one line, too."""
    prefix = _strace("getdents64", "ENOMEM", [Path(yaml.__file__).parent])
    done = _run(synced, prefix, "sync")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "cachesync: error: out of memory"
    assert "Traceback" not in done.stderr


def test_a_library_that_cannot_be_mapped_is_no_damage(synced):
    """What fails for want of memory while the ledger is read is told as that, whatever the ledger is."""
    (synced.state / connect.LEDGER_FILE).write_bytes(b"no ledger")
    with pytest.raises(ImportError, match="failed to map"), connect.ledger_errors(synced.state):
        raise ImportError("libx.so: failed to map segment from shared object")
