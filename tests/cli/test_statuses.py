"""Exit statuses and the error document (CLI.md, "Exit status"): command by fault, with real faults."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.cli.commands import waiting
from cachesync.cli.options import split_globals
from tests.support.world import TIMEOUT_SECONDS, Result, World, hash_of, spec

# Each reads the ledger; with the status of one that cannot be asked.
READERS = {
    "search hdf5": 1,
    "search --group-by package hdf5": 1,
    "search -q hdf5": 3,
    "--quiet search hdf5": 3,
    "check LIST": 3,
    "check LOCK": 3,
    "wait --timeout 300ms hdf5": 3,
    "show hdf5": 1,
    "show /aaaaaaa": 1,
    "history hdf5": 1,
    "history /aaaaaaa": 1,
    "list tags": 1,
    "diff develop v1": 1,
    "changes": 1,
    "status": 1,
    "status --check": 3,
    "verify": 1,
    "probe": 3,
    "probe hdf5": 3,
    "backup COPY": 1,
    "rebuild index": 1,
    "forget nope": 1,
    "subscriptions test all --dry-run": 1,
}
WRITERS = ("sync", "rebuild index", "forget nope")
LOCK = {
    "_meta": {"file-type": "spack-lockfile", "lockfile-version": 5, "specfile-version": 4},
    "roots": [{"hash": "a" * 32, "spec": "hdf5"}],
    "concrete_specs": {"a" * 32: {"name": "hdf5", "version": "1", "hash": "a" * 32}},
}
HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA locking_mode = EXCLUSIVE")
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def site(tmp_path) -> World:
    """One source, synced, and a subscription."""
    return _made(tmp_path)


@pytest.fixture(scope="module")
def still(tmp_path_factory) -> World:
    """The same, for tests that change nothing."""
    return _made(tmp_path_factory.mktemp("still"))


def _made(root: Path) -> World:
    world = World(root)
    world.configure(
        f"sources:\n{world.directory_source()}"
        "subscriptions:\n  - {name: all, query: hdf5, targets: [{type: command, argv: [/bin/true]}]}\n"
    )
    world.page("develop", "hdf5", spec("a"))
    world.page("v1", "hdf5", spec("b"))
    (root / "list").write_text("hdf5\n")
    (root / "spack.lock").write_text(json.dumps(LOCK))
    world.sync()
    return world


def filled(world: World, line: str) -> list[str]:
    """The arguments of a line of a table."""
    paths = {"LIST": "list", "LOCK": "spack.lock", "COPY": "copy.sqlite"}
    return [str(world.root / paths[word]) if word in paths else word for word in line.split()]


def assert_error(result: Result, status: int, *, quiet: bool = False) -> dict[str, object]:
    """The error of the document, which is the last line, after the lines for people."""
    assert result.status == status, result
    lines = result.err.splitlines()
    document = json.loads(lines[-1])
    error = document.pop("error")
    assert document == {"schema": 1}
    assert list(error) == ["message", "hint", "exit"]
    assert error["exit"] == status
    people = [line for line in lines[:-1] if line.startswith("cachesync: error: ")]
    if quiet:
        assert lines[:-1] == []
    else:
        assert len(people) == 1
        assert error["message"].startswith(people[0].removeprefix("cachesync: error: "))
        assert error["hint"] is None or f"hint: {error['hint']}" in lines
    return error


def all_at_once(
    world: World, table: dict[str, int], about: str, others: Sequence[World] = ()
) -> None:
    """Every command of a table ends with its status, and an error about this.

    Those that write never meet, since the second would be told of the first: each has a world of its own
    where `others` brings them, else they run one after the other.
    """
    readers = {
        line: _start(world, *filled(world, line), "--json") for line in table if line not in WRITERS
    }
    writers = [line for line in table if line in WRITERS]
    running = iter(
        [
            (line, _start(own, *filled(world, line), "--json"))
            for line, own in zip(writers, others, strict=True)
        ]
        if others
        else ((line, _start(world, *filled(world, line), "--json")) for line in writers)
    )
    for line, process in readers.items():
        _is_told(line, _ended(process), table, about)
    for line, process in running:
        _is_told(line, _ended(process), table, about)


def _is_told(line: str, result: Result, table: dict[str, int], about: str) -> None:
    error = assert_error(result, table[line], quiet="q" in line)
    assert about in str(error["message"]), line
    assert error["hint"], line
    assert result.out == ""


def test_without_a_ledger(site):
    """Nothing was ever synced: 3 for a yes-or-no question, else 1; nothing on standard output."""
    (site.state / "ledger.sqlite").unlink()
    all_at_once(site, READERS, "nothing was ever synced")


@pytest.mark.parametrize("damage", ["no database", "a page", "text"])
def test_with_a_damaged_ledger(site, damage):
    """So it is where the ledger is no database, where its schema is garbage, and where its text is none."""
    path = site.state / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    if damage == "no database":
        data[:16] = b"no database here"
    elif damage == "a page":
        data[100:4096] = b"\xff" * 3996
    else:
        at = data.index(b"CREATE TABLE")
        data[at : at + 6] = b"\xff\xfe\xfd\xfc\xfb\xfa"
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (site.state / name).unlink(missing_ok=True)
    path.write_bytes(data)
    all_at_once(site, {**READERS, "sync": 1}, "is damaged")


def test_with_a_ledger_whose_rows_are_damaged(site):
    """Rows that SQLite hands out as if they were sound are damage as well, not a mistake of ours."""
    path = site.state / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'change'").fetchone()
        db.execute("PRAGMA journal_mode = DELETE")
    data = bytearray(path.read_bytes())
    start = (page - 1) * 4096
    data[start + 2_000 : start + 4_096] = bytes(2_096)
    path.write_bytes(data)
    error = assert_error(site.run("changes", "--json", status=1), 1)
    assert "is damaged" in str(error["message"])


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Another process has the ledger for itself."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(world.state / "ledger.sqlite")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


def test_with_a_locked_ledger(site, tmp_path):
    """One that another process holds is named as that by every command, with the same statuses."""
    others = [site, _made(tmp_path / "second"), _made(tmp_path / "third")]
    with ExitStack() as held:
        for world in others:
            held.enter_context(locked(world))
        all_at_once(site, {**READERS, "sync": 1}, "is locked by another process", others)


def test_with_a_locked_state_directory(site):
    """A second writer is told who holds it: 1; readers answer."""
    import fcntl

    with open(site.state / "writer.lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        for line in ("sync", "rebuild index", "forget gone", "sync --pages ."):
            error = assert_error(site.run(*line.split(), "--json", status=1), 1)
            assert str(os.getpid()) in str(error["message"])
        assert site.run("search", "-q", "hdf5").status == 0


@pytest.mark.parametrize(
    ("line", "status"),
    {
        "show nope": 1,
        "show /zzz": 1,
        "show hdf5 --tag nope": 1,
        "history nope": 1,
        "history /zzz": 1,
        "history hdf5 --source nope": 1,
        "diff develop nope": 1,
        "diff nope develop": 1,
        "check LIST --tag nope": 1,
        "check LOCK --tag nope": 1,
        "check LIST --source nope": 1,
        "deliveries show zzz": 1,
        "deliveries retry zzz": 1,
        "deliveries retry --target nope": 1,
        "deliveries replay --since 2d --subscription nope": 1,
        "sync nope": 2,
        "forget nope": 2,
        "subscriptions test nope": 2,
        "changes --subscription nope": 2,
        "search --runs-on nope hdf5": 2,
        "check LIST --runs-on nope": 2,
        "check /nonexistent": 2,
        "webhook verify --secret-env HOME /nonexistent": 2,
        "--config /nonexistent status": 2,
        "--config /nonexistent config check": 2,
        "sync --pages /nonexistent": 2,
        "backup /nonexistent/copy": 1,
        "backup LIST": 2,
        "webhook verify --secret-file /nonexistent": 1,
        "listen --secret-file /nonexistent": 1,
    }.items(),
)
def test_what_is_not_there(still, line, status):
    """1 for what is not in the ledger or the outbox, 2 for what is none of the configuration's."""
    result = still.run(*filled(still, line), "--json", status=status)
    assert_error(result, status)
    assert result.out == ""
    assert_error(still.run("-q", *filled(still, line), "--json", status=status), status, quiet=True)


def test_without_an_outbox(world):
    """Deliveries of a state directory in which nothing was ever subscribed are not there."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    for line in ("list", "show a", "retry", "replay --since 1d"):
        assert_error(world.run("deliveries", *line.split(), "--json", status=1), 1)


USAGE = [
    "", "nope", "--nope", "status --nope", "status extra", "show", "show a b", "changes --limit x",
    "changes --kind eaten", "changes --since yesterdy", "sync --pages", "run", "run --nope", "wait",
    "wait --timeout soon hdf5", "wait --specs 0 hdf5", "wait (", "diff develop", "diff a b (",
    "check", "config", "config nope", "config check extra", "rebuild", "rebuild nope", "backup",
    "forget", "help nope", "completion tcsh", "deliveries", "deliveries show", "deliveries replay",
    "deliveries replay --since 7", "deliveries list --state eaten", "subscriptions",
    "subscriptions test", "subscriptions test all --days 0", "webhook", "webhook verify",
    "webhook verify --secret-env HOME --at never", "listen --port 99999", "doctor extra",
    "search --nope", "search --limit", "search --limit x", "search (", "search --columns nope",
    "search --sort size", "search --facets=1", "show /", "show /ABC!", "verify --nope", "history",
]  # fmt: skip


@pytest.mark.parametrize("line", USAGE)
def test_usage(still, line):
    """Every command's usage errors, click's and our own, are 2 with a document."""
    # Before the line where the command would take it for a value.
    arguments = ["--json", *line.split()] if line in ("", "nope", "--nope") else line.split()
    if line in ("sync --pages", "search --limit"):
        before, last = arguments[:-1], arguments[-1]
        arguments = [*before, "--json", last]
    result = still.run(*arguments, *(() if "--json" in arguments else ("--json",)), status=2)
    if line in ("config", "rebuild", "deliveries", "subscriptions", "webhook"):
        line_of_group = json.loads(result.err.splitlines()[-1])
        assert line_of_group["error"]["exit"] == 2
        return
    assert_error(result, 2)
    assert result.out == ""


@pytest.mark.parametrize(
    "line", ["sync", "verify", "subscriptions list", "forget gone", "search --install hdf5"]
)
def test_a_config_that_is_wrong(site, line):
    """Every problem is in the document of a command that needs the configuration: 2."""
    site.configure("sources:\n  - {name: a, type: directory, pth: /x}\nwatch: {quiet: soon}\n")
    error = assert_error(site.run(*line.split(), "--json", status=2), 2)
    for where in (":2:", ":3:"):
        assert f"{site.config}{where}" in str(error["message"])


def test_config_check(site):
    """`config check --json` answers with the counts, or with the problems beside the error."""
    good = site.run("config", "check", "--json").json
    assert good == {
        "schema": 1, "config": str(site.config), "ok": True, "problems": [],
        "notes": [], "sources": 1, "subscriptions": 1, "files": [],
    }  # fmt: skip
    site.configure("sources:\n  - {name: a, type: directory, pth: /x}\nwatch: {quiet: soon}\n")
    result = site.run("config", "check", "--json", status=2)
    assert_error(result, 2)
    assert not result.json["ok"]
    assert result.json["problems"][-1].startswith(f"{site.config}:3:")
    site.config.unlink()
    assert_error(site.run("config", "check", "--json", status=2), 2)


def test_maintenance_answers_programs(site):
    """`backup`, `rebuild index` and `forget` print one document each, and only that."""
    copy = site.root / "copy"
    done = site.run("backup", copy, "--json")
    assert done.json == {"schema": 1, "backup": str(copy), "bytes": copy.stat().st_size}
    assert done.err == ""
    assert site.run("rebuild", "index", "--json").json["rebuilt"] == "index"
    site.configure("")
    assert site.run("forget", "site", "--json").json == {
        "schema": 1, "forgotten": "site", "changes": 4,
    }  # fmt: skip


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_a_source_that_fails(site, quiet):
    """1, its answer on standard output and a document after the log."""
    site.pages.rename(site.root / "away")
    result = site.run(*quiet, "sync", "--json", status=1)
    assert result.json["sources"][0]["state"] == "failed"
    error = (
        assert_error(result, 1, quiet=True)
        if quiet
        else json.loads(result.err.splitlines()[-1])["error"]
    )
    assert error == {
        "message": "site: failed", "hint": f"cachesync --state-dir {site.state} status", "exit": 1,
    }  # fmt: skip


def test_an_answer_that_is_no(site):
    """No is no error: there is no document on standard error."""
    assert site.run("search", "-q", "nope", "--json", status=1).err == ""
    (site.root / "list").write_text("nope\n")
    assert site.run("check", site.root / "list", "--json", status=1).err == ""
    assert site.run("-q", "wait", "--timeout", "1ms", "nope", "--json", status=1).err == ""
    assert site.run("search", "nope", "--json").json["builds"] == 0


@pytest.mark.parametrize(
    "line", ["changes --follow --json", "wait nope --json", "changes --follow"]
)
def test_interrupted(still, line):
    """130, and where asked for a document that says so."""
    process = _start(still, *line.split())
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    result = _ended(process)
    assert result.status == 130
    last = result.err.splitlines()[-1:]
    if "--json" in line:
        assert json.loads(last[0])["error"] == {"message": "interrupted", "hint": None, "exit": 130}
    else:
        assert result.err.strip() == ""


def test_a_state_that_no_source_was_ever_read_into(world):
    """Where a source was tried, what to ask is `cachesync status`."""
    world.configure("sources:\n" + world.directory_source(path=world.root / "missing"))
    world.run("sync", status=1)
    hint = f"hint: cachesync --state-dir {world.state} status"
    for line, status in (("search hdf5", 1), ("show hdf5", 1), ("search -q hdf5", 3)):
        assert world.run(*line.split(), status=status).err.splitlines()[-1] == hint
    assert "failed" in world.run("status").out


# -- what cannot be written


@pytest.mark.parametrize(
    "line", ["search", "search --json", "changes", "changes --json", "status", "show hdf5"]
)
@pytest.mark.parametrize("specs", [1, 2_000])
def test_a_full_device_below_standard_output(world, line, specs):
    """It is named as that, however much is written: not as the device of the ledger."""
    world.page("develop", "hdf5", *(spec(hash_of(n), versions=[f"1.{n}"]) for n in range(specs)))
    world.sync()
    more = ["--limit", "0"] if line.split()[0] in ("search", "changes") else []
    with open("/dev/full", "w") as full:
        result = _ended(_start(world, *line.split(), *more, stdout=full))
    assert result.status == 1
    errors = [one for one in result.err.splitlines() if "error: " in one]
    assert errors == [
        "cachesync: error: standard output cannot be written: No space left on device"
    ]


def test_full_or_closed_standard_error(still):
    """Talk that cannot be written changes nothing."""
    with open("/dev/full", "w") as full:
        assert _ended(_start(still, "search", "nope", stderr=full)).status == 0
        assert _ended(_start(still, "show", "nope", stderr=full)).status == 1
    for closed, status in ((0, 0), (2, 0), (1, 1)):
        shell = ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *still.command("status")]
        done = subprocess.run(
            shell,
            env=still.environment,
            cwd=still.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done
        assert "Traceback" not in done.stderr
    assert "standard output cannot be written: Bad file descriptor" in done.stderr
    shell = ["sh", "-c", 'exec "$@" <&-', "sh", *still.command("check", "-")]
    done = subprocess.run(
        shell, env=still.environment, cwd=still.root, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def _limit(kib: int):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (kib << 10, kib << 10))


def test_a_limit_on_the_size_of_the_answer(site):
    """`ulimit -f` below standard output is named as that."""
    site.page("develop", "big", *(spec(hash_of(n), versions=[f"1.{n}"]) for n in range(300)))
    site.sync()
    with open(site.root / "out", "w") as out:
        result = _ended(_start(site, "changes", "--limit", "0", stdout=out, preexec_fn=_limit(4)))
    assert result.status == 1
    said = (
        "standard output cannot be written: the limit on file sizes (ulimit -f) of 4 KiB is reached"
    )
    assert result.err == f"cachesync: error: {said}\n"


@pytest.mark.parametrize("kib", [8, 40, 64, 128, 256, 400])
def test_a_limit_on_the_size_of_the_state(world, kib):
    """It is named with the file that reached it; without it the next sync completes."""
    world.page("develop", "big", *(spec(hash_of(n), versions=[f"1.{n}"]) for n in range(2_000)))
    process = _start(world, "sync", "--json", "--pages", str(world.pages), preexec_fn=_limit(kib))
    error = assert_error(_ended(process), 1)
    assert f"(ulimit -f) of {kib} KiB is reached by {world.state}" in str(error["message"])
    assert "raise it" in str(error["hint"])
    world.sync()
    world.verify()
    assert len(world.found()) == 2_000


def test_a_limit_on_the_size_of_a_backup(site):
    """The copy is named, and nothing of it is left."""
    copy = site.root / "copy"
    error = assert_error(_ended(_start(site, "backup", copy, "--json", preexec_fn=_limit(32))), 1)
    assert str(error["message"]).endswith(f"of 32 KiB is reached by {copy}")
    assert not list(site.root.glob("*copy*"))


# -- wait speaks


def test_wait_says_what_it_waits_for(site):
    """At the start the query, what was meant, ages and whether a daemon runs; at the end that it is over."""
    result = site.run("wait", "--timeout", "300ms", "hdf6", status=1)
    said = result.err.splitlines()
    assert said[0] == "cachesync: waiting for `hdf6`, for 0.3 s at most"
    assert said[1] == "cachesync: hdf6 is in no source; nearest: hdf5"
    assert said[2].startswith("cachesync: site is ")
    assert said[2].endswith(" old")
    assert said[3].startswith("cachesync: no daemon runs")
    assert said[4] == "cachesync: not cached after 0.3 s: `hdf6`"
    assert result.out == ""
    some = site.run("wait", "--timeout", "1ms", "--specs", "9", "hdf5", "--json", status=1)
    assert "cachesync: not cached after 0.001 s: 9 specs of `hdf5`, 2 cached" in some.err
    assert some.json == {"schema": 1, "query": "hdf5", "found": False, "builds": 1, "specs": 2}
    assert site.run("-q", "wait", "--timeout", "1ms", "hdf6", status=1).err == ""
    assert site.run("wait", "hdf5").err == "", "there is nothing to wait for"


def test_wait_says_that_a_source_fails(site):
    """Whoever waits for what a broken source should bring hears of it."""
    site.pages.rename(site.root / "away")
    site.run("sync", status=1)
    err = site.run("wait", "--timeout", "1ms", "zlib", status=1).err
    assert "(failed: " in err


def test_wait_waits_for_a_ledger_that_is_not_there_yet(site):
    """It says so, and ends with 0 once what it waits for is synced."""
    moved = site.root / "elsewhere"
    site.state.rename(moved)
    with site.start("wait", "--timeout", "30s", "hdf5") as waiting_for:
        time.sleep(1)
        assert waiting_for.poll() is None
        moved.rename(site.state)
        assert waiting_for.wait(20) == 0


@given(
    st.integers(1, 10**6), st.sampled_from([("s", 1), ("min", 60), ("h", 3_600), ("day", 86_400)])
)
@settings(max_examples=200)
def test_a_duration_is_told_exactly(count, unit):
    """What is told is the whole of it."""
    seconds = count * unit[1]
    number, _, name = waiting.span(seconds).partition(" ")
    sizes = {"s": 1, "min": 60, "h": 3_600, "day": 86_400, "days": 86_400}
    assert float(number) * sizes[name] == pytest.approx(seconds)


@given(
    st.lists(
        st.sampled_from(["status", "--json", "--", "-q", "--config", "x", "search"]), max_size=6
    )
)
def test_json_among_the_arguments(argv):
    """It is asked for where it stands before `--` and is no value of an option before it."""
    options, rest = split_globals(argv)
    before = rest[: rest.index("--")] if "--" in rest else rest
    assert options.json == ("--json" in before)


def _start(world: World, *arguments: object, **options: object) -> subprocess.Popen[bytes]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(
        world.command(*arguments), env=world.environment, cwd=world.root, stdin=subprocess.DEVNULL,
        **streams,
    )  # type: ignore[call-overload]  # fmt: skip


def _ended(process: subprocess.Popen[bytes]) -> Result:
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    result = Result(process.returncode, (out or b"").decode(), (err or b"").decode())
    assert "Traceback" not in result.err, result.err
    return result


NONSENSE = (
    "UPDATE source SET last_success = 'abc'", "UPDATE source SET last_success = 9e18",
    "UPDATE source SET selection = '[1'", "UPDATE source SET state = 'odd'",
    "UPDATE source SET name = CAST(x'ff68' AS TEXT)", "UPDATE location SET since = x'00'",
    "UPDATE change SET kind = 99", "UPDATE change SET kind = 3",
    "UPDATE change SET at = -9e18", "UPDATE change SET detail = '{'", "UPDATE change SET at = 'soon'",
    "UPDATE build SET variants = x'ff00'", "UPDATE build SET version = CAST(x'fffe' AS TEXT)",
    "UPDATE build SET package = x'00'", "UPDATE spec SET hash = x'01' WHERE id = 1",
    "UPDATE placement SET stacks_id = 77",
    "UPDATE page SET tag_id = 99 WHERE id = 1", "UPDATE tag SET name = x'ff' WHERE id = 1",
)  # fmt: skip


@pytest.mark.parametrize("statement", NONSENSE)
def test_with_rows_that_make_no_sense(site, statement):
    """SQLite finds nothing wrong with them: doctor does, and nobody ends with a traceback."""
    with closing(sqlite3.connect(site.state / "ledger.sqlite")) as db:
        db.execute(statement)
        db.commit()
        assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    found = site.run("doctor", "--offline", "--json", status=1).json["findings"]
    (ledger,) = (finding for finding in found if finding["check"] == "ledger")
    assert (ledger["state"], "is damaged" in ledger["text"]) == ("error", True)
    lines = ("status", "search hdf5", "changes", "show hdf5")
    running = {line: _start(site, *line.split()) for line in lines}
    for line, process in running.items():
        result = _ended(process)
        assert "UTF-8 column" not in result.err, (line, result.err)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (("--config", "nope|nope"), "there is no config file nope/nope"),
        (("--config", "/"), "cannot read /: Is a directory"),
        (("--state-dir", "nope"), "nothing was ever synced into nope"),
        (("--state-dir", ""), "--state-dir needs a directory"),
    ],
)
def test_a_monitor_that_asks_wrongly_cannot_tell(still, named, said):
    """1 and 2 are what it says of a site: a question that cannot be put to one is neither."""
    result = still.run(*named, "status", "--check", status=3)
    assert result.out == f"cachesync cannot tell: {said}\n"
    assert result.err == ""
    error = assert_error(still.run(*named, "status", "--check", "--json", status=3), 3)
    assert str(error["message"]).replace("|", "/") == said


@pytest.mark.parametrize(
    "line", ["status --check --nope", "--nope status --check", "status --check x"]
)
def test_a_monitor_whose_command_is_mistyped_cannot_tell(still, line):
    """2 is the status of a wrong question everywhere else, and to a monitor a site that fails."""
    result = still.run(*line.split(), status=3)
    assert result.out.startswith("cachesync cannot tell: ")
    assert result.err == ""
    told = still.run(*line.split(), "--json", status=3)
    assert told.out == ""
    assert assert_error(told, 3)["hint"]
    still.run(*line.replace(" --check", "").split(), *["--nope"], status=2)


def test_a_monitor_whose_answer_nobody_gets_cannot_tell(still):
    """A full device below standard output is no state of the site."""
    with open("/dev/full", "w") as full:
        assert _ended(_start(still, "status", "--check", stdout=full)).status == 3


def test_a_config_that_is_a_pipe(still, tmp_path):
    """What is no file may be a config, as `<(...)` of a shell, also for commands that only name it."""
    os.mkfifo(tmp_path / "config")
    still.run("--config", tmp_path / "config", "search", "-q", "hdf5")
