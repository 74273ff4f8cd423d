"""The command line's contract (CLI.md): exit statuses, arguments, JSON shapes, streams, signals."""

import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.support.daemons import eventually
from tests.support.pagetext import Facts, as_block
from tests.support.rig import owner_prefix
from tests.support.world import World, hash_of, spec

SEQ_FREE = ["status", "changes", "show", "verify", "search", "rebuild", "backup", "forget"]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Two syncs of a small site: hdf5 and zlib in two tags, a broken page, a skipped one. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.configure(f"sources:\n{world.directory_source()}")
    world.page("develop", "hdf5", spec("a", stacks=["root", "e4s"]), spec("b", variants=["+cuda"]))
    world.page("v1", "hdf5", spec("a"))
    world.page("develop", "py-filelock", spec("ab" + "c" * 30, versions=["3.12.4"]))
    world.write(
        "adlbx", b"---\ntitle: adlbx\ncategory: package\nspec_names: []\nspec_files: []\n---"
    )
    world.sync()
    world.page("develop", "hdf5", spec("a", stacks=["root"]), spec("d", compiler="gcc@=7.5.0"))
    world.page("develop", "zlib", spec("z"), where="develop/zlib-moved")
    world.write("develop/broken", b"nonsense")
    world.sync()
    return world


def assert_error(result, text: str = "") -> None:
    """One line of error, at most one hint, nothing on standard output."""
    assert result.out == ""
    lines = result.err.splitlines()
    assert lines[0].startswith("cachesync: error: "), result
    assert text in lines[0]
    assert sum(line.startswith("cachesync: error:") for line in lines) == 1


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
        ("changes", "--since", "yesterday"),
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
    assert "hint: cachesync sync" in result.err
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
        ("hdf5 ^zlib@1.2", 5),
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


# -- arguments of search


def test_words_that_begin_with_a_dash_are_query_text(site):
    """`search hdf5 -cuda` needs no `--`; -v and -x are query text too."""
    with_cuda = site.search("hdf5", "tag:develop")
    assert site.search("hdf5", "-compiler:gcc@7.5.0")["specs"] < with_cuda["specs"] + 1
    assert site.search("hdf5", "-cuda")["query"] == "hdf5 -cuda"
    assert site.found("hdf5", "-tag:v1", "-compiler:gcc@7.5.0") == ["a" * 32]
    assert site.search("-v")["query"] == "-v"


def test_long_options_work_anywhere(site):
    """Options before, between and after words, with `=` or a space, global ones too."""
    expected = site.search("hdf5", "gcc")["results"][:1]
    for arguments in (
        ["search", "--json", "--limit", "1", "hdf5", "gcc"],
        ["search", "hdf5", "--limit=1", "gcc", "--json"],
        ["search", "hdf5", "gcc", "--json", "--limit", "1", "--state-dir", site.state],
    ):
        assert site.run(*arguments).json["results"] == expected


def test_two_dashes_end_the_options(site):
    """After `--` everything is query text, options as well."""
    document = site.run("search", "--json", "--", "-q", "hdf5").json
    assert document["query"] == "-q hdf5"
    assert_error(site.run("search", "--", "--limit=1", status=2))


def test_search_help(site):
    """-h and --help anywhere print the help, which names every option."""
    for arguments in (["search", "-h"], ["search", "hdf5", "--help"]):
        text = site.run(*arguments).out
        assert "Usage: cachesync search" in text
        for option in ("--limit", "--offset", "--sort", "--facets", "--json", "--quiet"):
            assert option in text


def test_limit_offset_and_sort(site):
    """`--limit` and `--offset` cut the same order; builds and specs count all matches."""
    everything = site.search()
    assert everything["builds"] == len(everything["results"]) == 4
    pages = [site.run("search", "--json", "--limit", "1", "--offset", n).json for n in range(5)]
    assert [r for p in pages for r in p["results"]] == everything["results"]
    assert {(p["builds"], p["specs"]) for p in pages} == {(4, everything["specs"])}
    for order in ("relevance", "package", "version", "newest"):
        assert len(site.search("--sort", order)["results"]) == 4
    packages = [r["package"] for r in site.search("--sort", "package")["results"]]
    assert packages == sorted(packages)
    assert site.search("--sort", "newest")["results"][0]["package"] == "zlib"


# -- JSON shapes

BUILD = {
    "version": str,
    "compiler": str,
    "os": str,
    "platform": str,
    "target": str,
    "variants": list,
}
RESULT = {"package": str, **BUILD, "score": float, "specs": list}


def assert_shape(value: dict, shape: dict, *, optional: dict | None = None) -> None:
    """Exactly the keys of `shape`, plus some of `optional`, each with its type."""
    optional = optional or {}
    assert shape.keys() <= value.keys() <= shape.keys() | optional.keys()
    for key, kind in (shape | optional).items():
        if key in value:
            assert isinstance(value[key], kind), (key, value[key])


def test_json_of_search(site):
    """`search --json` is as CLI.md says, key for key."""
    document = site.search("hdf5", "tag:v1")
    shape = {"schema": int, "query": str, "builds": int, "specs": int, "took_ms": float,
             "as_of": dict, "results": list}  # fmt: skip
    assert_shape(document, shape)
    assert document["schema"] == 1
    assert_shape(document["as_of"], {"seq": int, "sources": list})
    assert document["as_of"]["seq"] == site.seq()
    (source,) = document["as_of"]["sources"]
    assert_shape(source, {"name": str, "state": str, "last_success": str})
    assert (source["name"], source["state"]) == ("site", "ok")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", source["last_success"])
    (result,) = document["results"]
    assert_shape(result, RESULT)
    (found,) = result["specs"]
    assert_shape(found, {"hash": str, "placements": list})
    assert found["placements"] == [{"source": "site", "tag": "v1", "stacks": ["e4s", "root"]}]
    facets = site.run("search", "--json", "--facets").json["facets"]
    assert facets["target"] == {"aarch64": {"specs": 4, "builds": 4}}
    assert facets["tag"]["v1"] == {"specs": 1, "builds": 1}


def test_json_of_changes(site):
    """Every line of `changes --json` is one object with schema, seq, at, kind and source."""
    lines = site.changes()
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})
    for line in lines:
        assert line["schema"] == 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"])
        assert line["source"] == "site"
        if line["kind"].startswith("spec."):
            assert_shape(line["build"], BUILD)
            assert len(line["hash"]) == 32
            assert {"tag", "package", "stacks"} <= line.keys()
        assert ("first" in line) == (line["kind"] == "spec.cached")
        assert ("last" in line) == (line["kind"] == "spec.evicted")
    kinds = {line["kind"] for line in lines}
    assert kinds == {"page.added", "page.rejected", "spec.cached", "spec.evicted", "spec.restacked"}
    (rejected,) = [line for line in lines if line["kind"] == "page.rejected"]
    assert rejected["path"] == "develop/broken/specs.md"
    assert rejected["reason"]


def test_json_of_sync(world):
    """`sync --json` is as CLI.md says, key for key."""
    world.configure(f"sources:\n{world.directory_source()}")
    world.page("develop", "hdf5", spec("a"), spec("b"))
    document = world.sync()
    seconds = document.pop("seconds")
    assert isinstance(seconds, float)
    assert document == {
        "schema": 1,
        "sources": [{"name": "site", "state": "ok", "listed": 1, "changed": 1, "unchanged": 0,
                     "removed": 0, "rejected": 0, "held": 0, "skipped": 0, "missing": []}],
        "changes": {"page.added": 1, "spec.cached": 2},
        "seq": 3,
    }  # fmt: skip


def test_json_of_status(site):
    """`status --json` has at least what CLI.md names, with those types."""
    document = site.status()
    assert document["schema"] == 1
    for key in ("pages", "specs", "builds", "placements", "seq"):
        assert isinstance(document["ledger"][key], int)
    for key in ("builds", "seq", "bytes"):
        assert isinstance(document["index"][key], int)
    assert document["index"]["builds"] == document["ledger"]["builds"] == 4
    assert document["index"]["seq"] == document["ledger"]["seq"]
    (source,) = document["sources"]
    expected = {"name": "site", "type": "directory", "state": "ok", "pages": 4, "rejected": 1}
    assert {**source, **expected} == source
    assert source["error"] is None
    assert {"last_success", "last_attempt"} <= source.keys()
    for name, page in (("rejected", "develop/broken/specs.md"), ("skipped", "adlbx/specs.md"),
                       ("warnings", "develop/zlib-moved/specs.md")):  # fmt: skip
        (row,) = document[name]
        assert (row["source"], row["page"]) == ("site", page)
        assert row["reason"]
    assert "since" in document["rejected"][0]


def test_json_of_the_rest(site):
    """`show` and `verify` print one document with its schema too."""
    for arguments in (["show", "hdf5"], ["show", "/" + "a" * 32], ["verify"]):
        document = site.run(*arguments, "--json").json
        assert document["schema"] == 1
    assert document["differences"] == []


def test_json_is_all_of_standard_output(site):
    """Talk never mixes with the answer, even when there is much to say."""
    for arguments in (["-v", "sync", "--json"], ["-v", "search", "--json", "x"]):
        assert site.run(*arguments).json["schema"] == 1


def test_status_for_people(site):
    """`status` names the source, the counts, and every page that is not as it should be."""
    text = site.run("status").out
    for part in ("4 pages", "4 specs", "up to date", "site", "develop/broken/specs.md",
                 "adlbx/specs.md", "zlib-moved", "rejected: 1", "skipped: 1"):  # fmt: skip
        assert part in text


# -- changes


def test_since(site):
    """A seq is exclusive; a time and an age are inclusive."""
    lines = site.changes()
    middle = lines[len(lines) // 2]["seq"]
    assert site.changes("--since", middle) == [line for line in lines if line["seq"] > middle]
    assert site.changes("--since", lines[-1]["seq"]) == []
    assert site.changes("--since", "0") == lines
    assert site.changes("--since", "2d") == lines
    assert site.changes("--since", "1970-01-01T00:00:00Z") == lines
    assert site.changes("--since", "2999-01-01") == []
    at = lines[-1]["at"]
    assert site.changes("--since", at)[-1] == lines[-1]
    assert site.changes("--since", at)[0]["at"] >= at


def test_filters(site):
    """Kinds add up, the other filters narrow."""
    lines = site.changes()

    def wanted(**conditions):
        return [c for c in lines if all(c.get(k) in v for k, v in conditions.items())]

    both = ["spec.evicted", "spec.restacked"]
    assert site.changes("--kind", both[0], "--kind", both[1]) == wanted(kind=both)
    assert site.changes("--package", "hdf5", "--tag", "v1") == wanted(package=["hdf5"], tag=["v1"])
    assert site.changes("--source", "site") == lines
    assert site.changes("--source", "other") == []
    assert len(wanted(kind=both)) == 2


def test_limit_of_changes(site):
    """--limit N is the oldest N after --since, and 0 is all."""
    lines = site.changes()
    assert site.run("changes", "--json", "--since", 1, "--limit", 2).lines == lines[1:3]
    assert site.run("changes", "--json", "--limit", 0).lines == lines
    human = site.run("changes", "--kind", "spec.restacked").out
    assert "-e4s" in human
    assert "develop/hdf5" in human


def test_follow_sees_a_later_sync_and_ends_with_130(world):
    """`changes --follow` prints what another process commits; Ctrl-C ends it with 130, said to programs only."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    with world.start("changes", "--follow", "--json", "--package", "zlib", "--since", 0) as process:
        world.page("develop", "zlib", spec("z"))
        world.page("develop", "other", spec("o"))
        world.sync()
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [(line["kind"], line["package"]) for line in lines] == [
            ("page.added", "zlib"),
            ("spec.cached", "zlib"),
        ]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (130, "")
        assert [json.loads(line)["error"]["exit"] for line in err.splitlines()] == [130]


# -- show, backup, forget, rebuild, completion


def test_show_a_package(site):
    """A package with its builds, where they are placed, and its history."""
    text = site.run("show", "hdf5").out
    assert "hdf5@1.14.5 %gcc@=13.2.0" in text
    assert "/" + "a" * 32 in text
    assert "spec.evicted" in text
    document = site.run("show", "hdf5", "--json").json
    assert {c["package"] for c in document["history"]} == {"hdf5"}
    assert (document["builds"], document["specs"]) == (2, 2)
    of_tag = site.run("show", "hdf5", "--json", "--tag", "v1").json
    assert of_tag["specs"] == 1
    assert {c["tag"] for c in of_tag["history"]} == {"v1"}
    assert_error(site.run("show", "hdf5", "--tag", "v9", status=1))


def test_show_a_hash(site):
    """A beginning that is unique is enough; one that is not is refused with what it may mean."""
    assert_error(site.run("show", "/a", status=2), "more than one")
    assert "/" + "a" * 32 in site.run("show", "/a", status=2).err
    assert_error(site.run("show", "/234567", status=1))
    document = site.run("show", "/ab", "--json").json
    assert [r["package"] for r in document["results"]] == ["py-filelock"]
    evicted = site.run("show", "/bbbb", "--json").json
    assert evicted["specs"] == 0
    assert [c["kind"] for c in evicted["history"]] == ["spec.cached", "spec.evicted"]
    assert evicted["history"][-1]["last"] is True


def test_backup(world):
    """A backup is a whole ledger, never overwrites, and serves a new state directory."""
    for number in range(30):
        world.page("develop", f"pkg-{number}", spec(hash_of(number)))
    world.sync()
    copy = world.root / "copy.sqlite"
    world.run("backup", copy)
    before = copy.read_bytes()
    assert_error(world.run("backup", copy, status=2), "exists")
    assert copy.read_bytes() == before
    assert [p.name for p in world.root.iterdir() if "partial" in p.name] == []
    db = sqlite3.connect(f"file:{copy}?mode=ro", uri=True)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        db.close()
    found, changes = world.found(), world.changes()
    world.page("develop", "later", spec("l"))
    world.sync()

    restored = World(world.root / "elsewhere")
    restored.state.mkdir()
    copy.rename(restored.state / "ledger.sqlite")
    world.remove("develop/later")
    assert restored.found() == found
    assert restored.changes() == changes
    restored.run("rebuild", "index")
    restored.verify()
    assert restored.run("search").err.count("note") == 0


def test_backup_into_an_old_state_directory(world):
    """A ledger put back below a newer index is noticed, and the next sync mends the index."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    copy = world.root / "copy.sqlite"
    world.run("backup", copy)
    world.page("develop", "zlib", spec("z"))
    world.sync()
    for path in world.state.glob("ledger.sqlite*"):
        path.unlink()
    copy.rename(world.state / "ledger.sqlite")
    assert world.found() == ["a" * 32]
    world.sync()
    assert len(world.found()) == 2
    world.verify()


def test_forget(world):
    """A source can be forgotten by the directory it was named by; its evictions are logged."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    seq = world.seq()
    world.run("forget", "./pages")
    assert world.kinds(seq) == ["spec.evicted", "page.removed"]
    assert world.status()["sources"] == []
    assert world.found() == []
    world.verify()
    assert_error(world.run("forget", world.pages, status=2), "no source")


def test_rebuild_index(world):
    """A damaged or missing index costs nothing but speed, and `rebuild index` mends it."""
    world.page("develop", "hdf5", spec("a"), spec("b"))
    world.sync()
    segment = max((world.state / "index").rglob("*.seg"), key=lambda path: path.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    result = world.run("search", "hdf5", "--json")
    assert result.json["specs"] == 2
    assert "rebuild index" in result.err
    assert world.run("verify", status=1).out.startswith("index: ")
    assert "rebuild index" in world.run("status").out
    world.run("rebuild", "index")
    assert world.run("search", "hdf5", "--json").err == ""
    world.verify()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(site, shell):
    """A completion script for each shell, which names the program."""
    script = site.run("completion", shell).out
    assert "_CACHESYNC_COMPLETE" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_completion_completes(site):
    """What the script asks for gets the commands, and the options of search."""
    environment = {**site.environment, "_CACHESYNC_COMPLETE": "bash_complete"}

    def complete(line: str) -> set[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        done = subprocess.run(
            site.command()[:3], env={**environment, **words}, capture_output=True, text=True,
            check=False, cwd=site.root,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return {entry.partition(",")[2] for entry in done.stdout.splitlines()}

    assert {"search", "sync", "status"} <= complete("cachesync s")
    assert "--limit" in complete("cachesync search --l")
    assert "--secret-file" in complete("cachesync webhook verify --s")
    assert "--secret-env" in complete("cachesync listen --s")


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


def on_terminal(world: World, *arguments: object) -> str:
    """What a command writes to a terminal of its own, standard error included."""
    master, slave = pty.openpty()
    try:
        with world.start(*arguments, stdout=slave, stderr=slave, stdin=slave) as process:
            os.close(slave)
            data = b"".join(_read_terminal(master))
            process.wait(30)
        return data.decode("utf-8", "backslashreplace")
    finally:
        os.close(master)


def _read_terminal(master: int) -> Iterator[bytes]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:  # EIO: the other side is closed
            return
        if not data:
            return
        yield data


def test_a_table_on_a_terminal(site):
    """On a terminal there is a table with the answer's count behind it."""
    text = on_terminal(site, "search", "hdf5")
    assert "PACKAGE" in text
    assert "2 builds, 2 specs" in text


def test_tables_elsewhere_are_tab_separated(site):
    """In a pipe every line is a build, tab-separated, and the count is talk."""
    result = site.run("search", "hdf5")
    header, *lines = result.out.splitlines()
    assert header.split("\t")[0] == "PACKAGE"
    assert [line.split("\t")[0] for line in lines] == ["hdf5", "hdf5"]
    assert "2 builds, 2 specs" in result.err


# -- no drift between commands and documents


def every_command() -> list[tuple[str, object]]:
    import click

    from cachesync.cli.app import COMMANDS, cli

    found: list[tuple[str, object]] = [("", cli)]
    context = click.Context(cli)
    for name in sorted(COMMANDS):
        command = cli.get_command(context, name)
        found.append((name, command))
        if isinstance(command, click.Group):
            found.extend((f"{name} {sub}", made) for sub, made in sorted(command.commands.items()))
    return found


def test_every_command_and_option_has_help(site):
    """`--help` of every command is status 0, and no option is without a word of explanation."""
    import click

    for name, command in every_command():
        assert "Usage" in site.run(*name.split(), "--help").out
        assert command.help or command.short_help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts}"
    listing = site.run("--help").out
    for name, _ in every_command()[1:]:
        assert name.split()[0] in listing


def test_every_command_and_option_is_documented():
    """Every command and option stands in README.md, in docs/ or in the man page."""
    import click

    from tests.support.documents import documents, read

    text = "\n".join(map(read, [*documents(), "config/cachesync.1"])).replace("\\-", "-")
    missing = [name for name, _ in every_command() if name not in text]
    for name, command in every_command():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                missing += [
                    f"{name} {o}" for o in parameter.opts if o.startswith("--") and o not in text
                ]
    assert missing == []


def test_version(site):
    """`--version` names the program and its version."""
    from cachesync import __version__

    assert site.run("--version").out == f"cachesync {__version__}\n"
