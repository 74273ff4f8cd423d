"""Exit statuses, streams and signals (CLI.md)."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.support.console import assert_error, on_terminal
from tests.support.daemons import eventually
from tests.support.pagetext import Facts, as_block
from tests.support.rig import owner_prefix
from tests.support.world import hash_of, spec

SEQ_FREE = ["status", "changes", "show", "verify", "search", "rebuild", "backup", "forget"]


# -- exit statuses


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("--nonsense",),
        ("status", "--nonsense"),
        ("search", "hdf5", "--nonsense"),
        ("search", "--limit"),
        ("search", "--limit", "many"),
        ("search", "--sort", "size"),
        ("search", "--json=yes"),
        ("show",),
        ("show", "/"),
        ("show", "/ABC!"),
        ("changes", "--kind", "spec.eaten"),
        ("changes", "--since", "yesterdy"),
        ("changes", "--limit", "-1"),
        ("sync", "nosuch"),
        ("forget", "nosuch"),
        ("forget",),
        ("rebuild", "everything"),
        ("completion", "tcsh"),
        ("backup",),
        ("sync", "--pages", ""),
    ],
    ids=" ".join,
)
def test_usage_errors_are_2(site, arguments):
    """An unknown option, command, source, kind or a value that does not fit is status 2 and one line."""
    assert_error(site.run(*arguments, status=2))


INTERRUPTED_EARLY = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *rest):
        if name == "cachesync.cli.entry":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from cachesync.__main__ import main
sys.exit(main())
"""


def test_ctrl_c_while_it_starts_is_130():
    """Before a command is there to heed it: no word, and above all no traceback."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_EARLY, "status"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


# Each of them with a byte that is not UTF-8, as the command line of Linux may have it.
NOT_TEXT = [
    "search #", "search hash:#", "search hdf5@#", "search --runs-on # hdf5", "search --columns #",
    "show #", "show /#", "show hdf5 --tag #", "history #", "history /#", "history hdf5 --source #",
    "changes --package #", "changes --tag #", "changes --source #", "changes --since #",
    "changes --subscription #", "diff # develop", "diff develop #", "diff develop develop #",
    "check LIST --tag #", "check LIST --source #", "check LIST --runs-on #", "check #", "wait #",
    "wait --timeout # hdf5", "forget #", "sync #", "sync --pages #", "sync --tags #",
    "rebuild #", "subscriptions test #", "subscriptions list --source #", "deliveries list --target #",
    "deliveries show #", "deliveries retry #", "webhook verify #", "webhook verify --tolerance #",
    "listen --secret-env #", "listen --port #", "help #", "completion #", "status #", "#", "--#",
    "config #", "doctor #",
]  # fmt: skip


@pytest.mark.parametrize("line", NOT_TEXT)
def test_what_is_no_text_is_refused(site, line):
    """One line that says so, never a traceback, and never that something else is broken."""
    arguments = line.replace("#", "\udcff").replace("LIST", str(site.root / "list")).split()
    (site.root / "list").write_text("hdf5\n")
    assert_error(site.run(*arguments, status=2))


@pytest.mark.parametrize(("query", "position"), [("\udcff", 0), ("hdf5 hash:\udcff", 10)])
def test_a_query_that_is_no_text(site, query, position):
    """The first byte that is none is pointed at."""
    result = site.run("search", query, status=2)
    assert_error(result, "the query is not UTF-8")
    assert result.err.splitlines()[2] == " " * (2 + position) + "^"


@pytest.mark.parametrize("command", [*SEQ_FREE, "sync", "config check"])
def test_a_named_config_must_exist(site, command):
    """--config FILE that is missing is status 2 for every command."""
    extra = {"show": ["x"], "rebuild": ["index"], "backup": ["x"], "forget": ["x"], "search": ["x"]}
    arguments = [*command.split(), *extra.get(command, [])]
    assert_error(site.run("--config", "/nonexistent.yaml", *arguments, status=2), "nonexistent")
    assert_error(site.run(*arguments, "--config=/nonexistent.yaml", status=2), "nonexistent")


def test_a_missing_default_config_is_fine(world):
    """Without any config, sync of a directory works; without a directory there is nothing to sync."""
    world.page("develop", "hdf5", spec("a"))
    assert_error(world.run("sync", status=2), "no source")
    world.sync()
    assert_error(world.run("config", "check", status=2))


def test_every_problem_of_a_config_at_once(world):
    """A bad config is status 2, and every problem is named with its line."""
    world.configure(
        "sources:\n  - name: a\n    type: directory\n    pth: /x\nwatch: {quiet: soon}\n"
    )
    for command in (["sync"], ["config", "check"], ["verify"]):
        result = world.run(*command, status=2)
        assert_error(result)
        for line in (":4:", ":5:"):
            assert f"{world.config}{line}" in result.err
        assert "did you mean" in result.err.lower()
    world.configure(f"sources:\n{world.directory_source()}")
    assert "ok, 1 source" in world.run("config", "check").out


def test_search_before_anything_was_synced(world):
    """A search in an empty state directory is status 1 with a hint; other readers fail likewise."""
    result = world.run("search", "hdf5", status=1)
    assert_error(result, "nothing was ever synced")
    assert f"hint: cachesync --state-dir {world.state} sync --pages DIR, or " in result.err
    assert not world.state.exists(), "a reader makes nothing"
    for command in (["show", "x"], ["changes"], ["status"], ["verify"], ["backup", "b"]):
        assert_error(world.run(*command, status=1), "nothing was ever synced")


def test_search_after_a_sync_that_named_nothing_known(world):
    """A sync refused for its arguments has synced nothing: search says so."""
    world.run("sync", "nosuch", status=2)
    assert_error(world.run("search", "hdf5", status=1), "nothing was ever synced")


def test_search_after_a_first_pass_that_failed(world):
    """A source that was never read is no answer: search fails and says why."""
    missing = world.root / "missing"
    world.configure(f"sources:\n{world.directory_source(path=missing)}")
    world.run("sync", status=1)
    assert "hint:" in world.run("search", "hdf5", status=1).err


def test_search_says_when_its_truth_is_older_than_its_schedule(world):
    """An answer stays one; that nothing looked for twice the interval is said beside it."""
    world.page("develop", "zlib", spec(hash_of(1)))
    world.configure("sources:\n" + world.directory_source(extra=", rescan: 1h"))
    world.run("sync")
    assert "older" not in world.run("search", "zlib").err
    world.configure("sources:\n" + world.directory_source(extra=", rescan: 1s"))
    world.run("sync")
    late = eventually(lambda: (r := world.run("search", "zlib")).err.count("older") and r)
    assert late.out.startswith("PACKAGE")
    assert re.search(r"site is ([2-9]|\d\d+) s old, older than its schedule", late.err)


def test_wait_goes_on_with_a_ledger_that_was_replaced(world):
    """As when a backup is put in its place: what lies there now is asked."""
    world.page("develop", "hdf5", spec(hash_of(1)))
    world.sync()
    with world.start("wait", "--timeout", "30s", "zlib") as waiting:
        time.sleep(1)
        world.state.rename(world.root / "old-state")
        world.page("develop", "zlib", spec(hash_of(2)))
        world.sync()
        assert waiting.wait(20) == 0


def test_doctor_sees_what_cannot_be_read(world):
    """A directory without permission below a source is a warning that names it, and ends nothing."""
    world.page("develop", "hdf5", spec(hash_of(1)))
    world.configure("sources:\n" + world.directory_source())
    (world.pages / "develop").chmod(0)
    try:
        done = subprocess.run(
            [*owner_prefix(), *world.command("doctor", "--json")], env=world.environment,
            cwd=world.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        (world.pages / "develop").chmod(0o755)
    found = [f for f in json.loads(done.stdout)["findings"] if "cannot be read" in f["text"]]
    assert [(f["state"], f["check"]) for f in found] == [("warning", "site")]
    assert str(world.pages / "develop") in found[0]["text"]


def test_no_hit_is_done(site):
    """A search without a hit is 0; with -q, --quiet, or -q before the command it is 1 and silent."""
    assert site.run("search", "nosuchthing").status == 0
    for arguments in (["search", "-q", "nosuchthing"], ["search", "nosuchthing", "--quiet"],
                      ["-q", "search", "nosuchthing"]):  # fmt: skip
        assert site.run(*arguments, status=1)[1:] == ("", "")
    assert site.run("search", "-q", "hdf5")[1:] == ("", "")


@pytest.mark.parametrize(
    ("query", "caret"),
    [
        ("hdf5 ^zlib@3:1", 11),
        ("hdf5  %", 6),
        ("hdf5@3:1", 5),
        ("hdf5 target=x86_99:", 12),
        ("hdf5 OR", 5),
        ("-nofield:x", 1),
        ('tag:"open', 4),
        ("tag:", 4),
        ("a*b", 1),
        ('"a"b', 3),
        ("(hdf5", 0),
        ("\x1b[31m x=", 10),  # the escape is shown as four characters
    ],
)
def test_a_query_error_points_at_the_character(site, query, caret):
    """A query that is not understood is status 2, shown with a caret under what is wrong."""
    result = site.run("search", "--", query, status=2)
    assert_error(result)
    _, shown, pointer, *_ = result.err.splitlines()
    assert shown == "  " + query.replace("\x1b", "\\x1b")
    assert pointer.index("^") - 2 == caret


def test_rejected_and_skipped_pages_leave_a_sync_at_0(site):
    """The site has a broken page and a skipped one, and its sync is done all the same."""
    assert site.run("sync").status == 0
    assert len(site.status()["rejected"]) == len(site.status()["skipped"]) == 1


# -- streams


@pytest.mark.parametrize(
    "command", [["search", "hdf5"], ["search", "--json"], ["status"], ["changes"], ["show", "hdf5"]]
)
def test_an_answer_that_cannot_be_written_is_said(site, command):
    """A full disk below standard output is an error of one line."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            site.command(*command), env=site.environment, cwd=site.root, stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    said = "cachesync: error: standard output cannot be written: No space left on device"
    errors = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert errors[-1] == said
    assert "Traceback" not in done.stderr


def test_broken_pipe(world):
    """A reader that goes away ends the command quietly."""
    rows = [spec(hash_of(n), variants=[f"v{n}={'x' * 200}"]) for n in range(600)]
    world.page("develop", "hdf5", *rows)
    world.sync()
    for arguments in (["search", "--limit", "0"], ["changes", "--limit", "0"],
                      ["changes", "--limit", "0", "--json"], ["search", "--json", "--limit", "0"]):  # fmt: skip
        with world.start(*arguments) as process:
            process.stdout.read(10)
            process.stdout.close()
            error = process.stderr.read()
            assert process.wait(30) in (0, 141, -signal.SIGPIPE)
        assert "Traceback" not in error
        assert "BrokenPipe" not in error


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


def test_nothing_of_a_page_reaches_a_terminal_raw(world):
    """Control characters of a page are made visible on a terminal, in every command's output."""
    facts = Facts(
        "evil", "develop", [spec("a", os="ubu\u202entu", variants=["x=\u202e"]), spec("b")]
    )
    world.write("develop/evil", as_block(facts))
    world.write("develop/worse", as_block(facts._replace(title=HOSTILE, rows=[spec("c")])))
    world.write(f"develop/{HOSTILE.replace('/', '')}", b"nonsense")
    world.run("sync", "--pages", world.pages)
    commands = (["search"], ["search", "--facets"], ["changes"], ["status"], ["show", "evil"],
                ["search", HOSTILE], ["show", HOSTILE], ["sync", HOSTILE], ["verify"])  # fmt: skip
    for arguments in commands:
        for text in (
            on_terminal(world, *arguments),
            "".join(world.run(*arguments, status=None)[1:]),
        ):
            for raw in ("\x1b]", "\x07", "\x1b[2J", "\x9b", "\u202e"):
                assert raw not in text, (arguments, raw)


def test_a_table_on_a_terminal(site):
    """On a terminal builds stand in groups with the answer's count behind them; with --long in a table."""
    text = on_terminal(site, "search", "hdf5")
    assert "PACKAGE" not in text
    assert "2 builds, 2 specs" in text
    text = on_terminal(site, "search", "hdf5", "--long")
    assert "PACKAGE" in text
    assert "2 builds, 2 specs" in text


def test_tables_elsewhere_are_tab_separated(site):
    """In a pipe every line is a build, tab-separated, and the count is talk."""
    result = site.run("search", "hdf5")
    header, *lines = result.out.splitlines()
    assert header.split("\t")[0] == "PACKAGE"
    assert [line.split("\t")[0] for line in lines] == ["hdf5", "hdf5"]
    assert "2 builds, 2 specs" in result.err
