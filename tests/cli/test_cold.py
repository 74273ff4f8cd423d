"""What `cachesync search` loads and leaves: it is asked at every key of other tools, and starts cold."""

import json
import re
import subprocess

import pytest

from tests.support.world import spec

HEAVY = {
    "apprise", "argparse", "asyncio", "bz2", "calendar", "click", "copy", "csv", "ctypes",
    "dataclasses", "decimal", "difflib", "email", "hashlib", "http", "httpx", "inspect", "json",
    "locale", "logging", "lzma", "msgspec", "platform", "random", "rich", "secrets", "shutil",
    "signal", "socket", "ssl", "subprocess", "tempfile", "textwrap", "threading", "tokenize",
    "uuid", "whoosh", "yaml", "zoneinfo",
}  # fmt: skip
LOADED = {
    "errors", "model",
    "cli", "cli.commands", "cli.commands.search", "cli.display", "cli.display.answer",
    "cli.display.columns", "cli.display.output", "cli.display.pager", "cli.display.terminal",
    "cli.ending", "cli.entry", "cli.options", "cli.paths", "cli.request", "cli.streams",
    "index", "index.documents", "index.layout", "index.reader", "index.segment",
    "ledger", "ledger.connect", "ledger.ids", "ledger.locks", "ledger.read", "ledger.schema",
    "query", "query.grammar", "query.items", "query.languages", "query.meaning",
    "query.prepared", "query.tree", "query.values",
    "search", "search.candidates", "search.ranking", "search.records", "search.scan",
    "search.answers", "search.hits", "search.leftout", "search.searcher", "spack", "spack.variants", "spack.versions",
}  # fmt: skip
"""One more is one more file to find, read and run: some 0.3 ms of 40."""


@pytest.fixture
def synced(world):
    """A world whose one page was synced."""
    world.page("develop", "zlib", spec())
    world.run("sync", "--pages", str(world.pages))
    return world


def _cold(world, *words, **more):
    """A process of its own, as a shell starts one."""
    environment = {**world.environment, **more}
    return subprocess.run(world.command(*words), env=environment, text=True, capture_output=True,
                          check=False, timeout=120)  # fmt: skip


def test_a_search_loads_what_it_needs(synced):
    """No module of the package but those listed, and no heavy library: the index is read by our own."""
    done = _cold(synced, "search", "zlib", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 2
    names = set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))
    ours = {name.removeprefix("cachesync.") for name in names if name.startswith("cachesync.")}
    assert ours == LOADED
    assert {name.partition(".")[0] for name in names} & HEAVY == set()


def test_checking_a_lock_asks_no_query(synced, tmp_path):
    """So it loads neither the language nor what answers it: a CI job checks a lock at every change."""
    spec_hash = "a" * 32
    lock = {
        "_meta": {"file-type": "spack-lockfile", "lockfile-version": 6, "specfile-version": 5},
        "roots": [{"hash": spec_hash, "spec": "zlib"}],
        "concrete_specs": {spec_hash: {"name": "zlib", "version": "1", "hash": spec_hash}},
    }
    path = tmp_path / "spack.lock"
    path.write_text(json.dumps(lock))
    done = _cold(synced, "check", str(path), PYTHONPROFILEIMPORTTIME="1")
    assert "1 missing" in done.stderr or "0 missing" in done.stderr
    names = set(re.findall(r"^import time:.*\| +cachesync\.(\w+)", done.stderr, re.MULTILINE))
    assert names & {"query", "search", "index", "sync", "notify", "config"} == set()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("search", "zlib"), 0),
        (("search", "-q", "nothing-of-this-name"), 1),
        (("--json", "search", "os:("), 2),
        (("search", "run"), 0),
    ],
)
def test_a_search_that_ends_at_once_has_said_everything(synced, words, status):
    """It leaves without taking the interpreter apart; status, answer and talk are as they were."""
    done = _cold(synced, *words)
    assert done.returncode == status
    assert bool(done.stdout) == (status == 0 and words != ("search", "run"))
    assert bool(done.stderr) == ("-q" not in words)


@pytest.mark.parametrize("kilobytes", range(12_000, 17_000, 500))
def test_too_little_memory_to_begin_is_one_line(synced, kilobytes):
    """Where Python starts at all, what it cannot import is told as what it is."""
    limited = ["sh", "-c", f'ulimit -v {kilobytes}; exec "$@"', "sh"]
    done = subprocess.run([*limited, *synced.command("search", "zlib")], env=synced.environment,
                          text=True, capture_output=True, check=False, timeout=120)  # fmt: skip
    if done.returncode and "cachesync: error:" not in done.stderr:
        pytest.skip("Python itself, or what finds this package, does not start in so little")
    if done.returncode:
        assert done.stderr.splitlines()[0] == "cachesync: error: out of memory"
