"""The commands that compare, look back and check, and what a search says and shows beside its hits."""

import json
import re
import shutil
import subprocess

import pytest

from cachesync.config.file import parse
from tests.support.console import assert_error, on_terminal
from tests.support.locks import entry, lock, text
from tests.support.world import World, hash_of, spec

OLD, NEW = "develop-2025-03-02", "develop-2025-03-09"
A, B, C, D, E = (letter * 32 for letter in "abcde")
GCC7 = {"compiler": "gcc@=7.5.0"}
ARM, X86 = {"target": "aarch64"}, {"target": "x86_64_v3"}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Two snapshots and a rolling tag, synced twice. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    mirror = ", mirror: 'https://cache.example.org/{tag}'"
    world.configure(f"sources:\n{world.directory_source(extra=mirror)}")
    world.page(OLD, "hdf5", spec("a", **X86), spec("b", versions=["1.14.3"]))
    world.page(OLD, "zlib", spec("c", **GCC7))
    world.page("develop", "hdf5", spec("a", **X86, stacks=["root"]), spec("d", **X86))
    world.sync()
    world.page(NEW, "hdf5", spec("a", **X86), spec("d", **X86), spec("e", versions=["1.14.6"]))
    world.page("develop", "hdf5", spec("a", **X86, stacks=["e4s", "root"]))
    world.sync()
    return world


# -- no hit


def test_did_you_mean(site):
    """A misspelt word is answered by what is spelled alike, on standard error and in JSON."""
    result = site.run("search", "hdf6")
    assert result.out == ""
    assert "nothing matches `hdf6`: did you mean hdf5?" in result.err
    document = site.run("search", "hdf6", "--json").json
    assert document["suggestions"] == [{"word": "hdf6", "field": None, "candidates": ["hdf5"]}]
    fields = site.run("search", "tag:develp", "--json").json["suggestions"]
    assert fields == [{"word": "develp", "field": "tag", "candidates": ["develop"]}]


def test_what_would_match_nearly(site):
    """The single condition to drop, how much there is without it, and what is cached instead."""
    document = site.run("search", "hdf5 %gcc@99 +mpi", "--json").json
    assert document["nearest"] == [
        {"without": "%gcc@99", "field": "compiler", "builds": 3, "specs": 4,
         "instead": ["gcc@=13.2.0"]}
    ]  # fmt: skip
    talk = site.run("search", "hdf5 %gcc@99 +mpi").err
    assert "without `%gcc@99` there are 3 builds, 4 specs: cached for gcc@=13.2.0" in talk


@pytest.mark.parametrize(
    ("query", "without", "instead"),
    [
        ("hdf5 tag:v9", "tag:v9", {OLD, NEW, "develop"}),
        ("hdf5@1.14.9", "@1.14.9", {"1.14.6", "1.14.5", "1.14.3"}),
        ("zlib target=zen4", "target=zen4", {"aarch64"}),
        ("hdf5 stack:radiuss", "stack:radiuss", {"e4s", "root"}),
        ("hdf5 ~mpi", "~mpi", {"+mpi"}),
        ("zlib %gcc@12:", "%gcc@12:", {"gcc@=7.5.0"}),
        ("hdf5 source:other", "source:other", {"site"}),
    ],
)
def test_the_nearest_of_each_field(site, query, without, instead):
    """Whatever the field, what is cached is named."""
    (miss,) = site.run("search", query, "--json").json["nearest"]
    assert (miss["without"], set(miss["instead"])) == (without, instead)


def test_an_option_is_called_by_its_name(site):
    """What --runs-on asks for is no part of the query, and is not shown as one."""
    result = site.run("search", "zlib", "--runs-on", "zen4")
    assert "without `--runs-on zen4` there are 1 build, 1 spec: cached for aarch64" in result.err


def test_a_hit_and_quiet_say_nothing_of_it(site):
    """With a hit there is neither; with -q nothing at all is said."""
    document = site.search("hdf5")
    assert not {"suggestions", "nearest"} & document.keys()
    assert site.run("search", "-q", "hdf6", status=1)[1:] == ("", "")


def test_without_an_index_nobody_waits_for_suggestions(world):
    """Where the ledger has to answer, nothing more is asked of it."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    shutil.rmtree(world.state / "index")
    document = world.run("search", "hdf6", "--json").json
    assert (document["builds"], document["suggestions"], document["nearest"]) == (0, [], [])
    grouped = world.run("search", "hdf5", "--group-by", "package")
    assert "hdf5\t1.14.5\t1\t1\tdevelop" in grouped.out
    assert "note: the ledger answered" in grouped.err


def test_many_conditions_are_bounded(site):
    """Two hundred terms that match nothing are answered as quickly as two."""
    document = site.run("search", "--json", *[f"word{n}" for n in range(200)]).json
    assert document["nearest"] == []
    assert len(document["suggestions"]) <= 16


# -- what is shown


def test_columns(site):
    """Exactly those asked for, by the names of columns or of fields, with every value."""
    result = site.run("search", "hdf5", "--columns", "package,version,tag,stacks,hash,arch")
    header, *lines = result.out.splitlines()
    assert header.split("\t") == ["PACKAGE", "VERSION", "TAGS", "STACKS", "HASHES", "ARCH"]
    assert [
        "hdf5", "1.14.5", f"develop,{OLD},{NEW}", "e4s,root", f"{A},{D}",
        "linux-ubuntu24.04-x86_64_v3",
    ] in [line.split("\t") for line in lines]  # fmt: skip


def test_every_column(site):
    """All columns at once, in the order asked for."""
    from cachesync.cli.display.columns import COLUMNS
    from cachesync.query import FIELDS

    header = site.run("search", "zlib", "--columns", ",".join(COLUMNS)).out.splitlines()[0]
    assert header.lower().split("\t") == list(COLUMNS)
    assert site.run("search", "--columns", ",".join(FIELDS)).status == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--columns", "package,size"], "no column 'size'"),
        (["--columns", "package,"], "empty name"),
        (["--columns", "tag,tags"], "twice"),
        (["--columns", "package", "--json"], "exclude each other"),
        (["--group-by", "tag"], "--group-by takes package"),
        (["--group-by", "package", "--hashes"], "exclude each other"),
        (["--install", "--facets"], "exclude each other"),
    ],
)
def test_what_cannot_be_shown(site, arguments, says):
    """Unknown columns and contradictions are usage errors; the columns there are are listed."""
    result = site.run("search", "hdf5", *arguments, status=2)
    assert_error(result, says)
    if "size" in says:
        assert "columns: package, version" in result.err


def test_hashes(site):
    """In a pipe nothing but hashes, one a line, all of them; on a terminal below each build."""
    assert sorted(site.run("search", "hdf5", "--hashes").out.split()) == [A, B, D, E]
    assert site.run("search", "hdf5", "--hashes", "--limit", "1").out.split() == [E]
    shown = on_terminal(site, "search", "hdf5", "--hashes")
    assert all(f"/{spec_hash}" in shown for spec_hash in (A, B, D, E))


def test_group_by_package(site):
    """One row a package, with its versions newest first and the newest tag; JSON has all."""
    lines = site.run("search", "gcc", "--group-by", "package", "--sort", "package").out.splitlines()
    assert [line.split("\t") for line in lines] == [
        ["PACKAGE", "VERSIONS", "BUILDS", "SPECS", "NEWEST TAG"],
        ["hdf5", "1.14.6, 1.14.5, 1.14.3", "3", "4", "develop"],
        ["zlib", "1.14.5", "1", "1", OLD],
    ]
    document = site.run("search", "--group-by", "package", "--limit", "1", "hdf5", "--json").json
    assert (document["packages"], document["builds"], document["specs"]) == (1, 3, 4)
    assert document["results"] == [
        {"package": "hdf5", "versions": ["1.14.6", "1.14.5", "1.14.3"], "builds": 3, "specs": 4,
         "tags": [OLD, NEW, "develop"], "newest_tag": "develop"}
    ]  # fmt: skip
    assert "did you mean" in site.run("search", "hdf6", "--group-by", "package").err
    for order in ("relevance", "version", "newest"):
        assert site.run("search", "--group-by", "package", "--sort", order).out.count("\n") == 3


def test_facets(site):
    """Readable tables on a terminal, all values of all facets in JSON."""
    shown = on_terminal(site, "search", "--facets")
    for part in ("TARGET", "STACK", "VERSION", "x86_64_v3", "e4s"):
        assert part in shown
    assert site.run("search", "--facets", "--json").json["facets"]["target"] == {
        "aarch64": {"specs": 3, "builds": 3}, "x86_64_v3": {"specs": 2, "builds": 1},
    }  # fmt: skip


def test_install(site):
    """The commands for the best hit, with the newest tag it is really in and the mirror's address."""
    lines = site.run("search", "hdf5@1.14.5", "--install").out.splitlines()
    assert lines == [
        "# hdf5@1.14.5 %gcc@=13.2.0 linux-ubuntu24.04-x86_64_v3, in develop of site (e4s, root)",
        "spack mirror add develop-cache https://cache.example.org/develop",
        "spack buildcache keys --install --trust",
        f"spack install --cache-only /{A}",
    ]
    (result,) = site.run("search", "hdf5@1.14.6", "--install", "--json").json["results"]
    assert result["install"]["tag"] == NEW
    assert result["install"]["mirror"] == f"https://cache.example.org/{NEW}"
    assert result["install"]["commands"][-1] == f"spack install --cache-only /{E}"


def test_install_from_where_no_mirror_is_known(world):
    """A source without `mirror:` is said to have none."""
    world.page("v1", "hdf5", spec("a"))
    world.sync()
    out = world.run("search", "hdf5", "--install").out
    assert "where the mirror of " in out
    assert "# spack mirror add v1-cache ADDRESS" in out
    document = world.run("search", "hdf5", "--install", "--json").json
    assert document["results"][0]["install"]["mirror"] is None


def test_the_mirror_of_the_public_pages_is_known():
    """The repository the public pages live in needs no `mirror:`; any other source does."""
    from cachesync.cli.display.install import mirrors

    loaded = parse(
        "sources:\n"
        "  - {name: a, type: github, repository: spack/cache.spack.io}\n"
        "  - {name: b, type: github, repository: me/cache.spack.io}\n"
        "  - {name: c, type: github, repository: spack/cache.spack.io, mirror: 'file:///m'}\n"
        "  - {name: d, type: archive,"
        " url: 'https://codeload.github.com/spack/cache.spack.io/tar.gz/refs/heads/main'}\n",
        name="x",
    )
    public = "https://binaries.spack.io/{tag}"
    assert mirrors(loaded) == {"a": public, "c": "file:///m", "d": public}


# -- diff


def test_diff(site):
    """Builds and specs only in one and in both, and what is newer, as a program reads it."""
    document = site.run("diff", OLD, NEW, "--json").json
    assert document["schema"] == 1
    assert document["a"] == [{"source": "site", "tag": OLD}]
    assert document["builds"] == {"only_a": 2, "only_b": 1, "both": 1}
    assert document["specs"] == {"only_a": 2, "only_b": 2, "both": 1}
    assert {(b["package"], *b["only_a"]) for b in document["only_a"]} == {("hdf5", B), ("zlib", C)}
    assert [b["only_b"] for b in document["only_b"]] == [[E]]
    (changed,) = document["changed"]
    assert (changed["only_a"], changed["only_b"], changed["both"]) == ([], [D], [A])
    assert document["newer"] == [
        {"package": "hdf5", "platform": "linux", "os": "ubuntu24.04", "target": "aarch64",
         "a": "1.14.3", "b": "1.14.6"}
    ]  # fmt: skip
    assert document["older"] == []


def test_diff_the_other_way_round(site):
    """A and B change places, and newer becomes older."""
    there = site.run("diff", OLD, NEW, "--json").json
    back = site.run("diff", NEW, f"site/{OLD}", "--json").json
    assert (back["builds"]["only_a"], back["builds"]["only_b"]) == (1, 2)
    assert back["older"] == [{**s, "a": s["b"], "b": s["a"]} for s in there["newer"]]
    same = site.run("diff", OLD, OLD, "--json").json
    assert (same["only_a"], same["only_b"], same["changed"]) == ([], [], [])


def test_diff_of_what_matches(site):
    """A query narrows both sides."""
    document = site.run("diff", OLD, NEW, "target:aarch64", "hdf5", "--json").json
    assert (document["query"], document["specs"]) == (
        "target:aarch64 hdf5", {"only_a": 1, "only_b": 1, "both": 0},
    )  # fmt: skip
    spack = site.run("diff", OLD, NEW, "hdf5@1.14.6:", "--json").json
    assert spack["specs"] == {"only_a": 0, "only_b": 1, "both": 0}
    excluded = site.run("diff", OLD, NEW, "-hdf5", "--json").json
    assert excluded["specs"] == {"only_a": 1, "only_b": 0, "both": 0}


def test_diff_for_people_and_pipes(site):
    """Tables with titles on a terminal; in a pipe one table whose first column says what it is."""
    shown = on_terminal(site, "diff", OLD, NEW)
    for part in (f"only in {OLD}: 2 builds", f"only in {NEW}: 1 build", "1.14.3 -> 1.14.6"):
        assert part in shown
    lines = [line.split("\t") for line in site.run("diff", OLD, NEW).out.splitlines()]
    assert [line[0] for line in lines] == [
        "CHANGE", "only_a", "only_a", "only_b", "changed", "newer",
    ]  # fmt: skip
    assert {len(line) for line in lines} == {8}


@pytest.mark.parametrize(
    ("arguments", "status", "says", "hint"),
    [
        ((OLD, "develp"), 1, "no tag develp", "did you mean develop?"),
        (("other/develop", NEW), 1, "no tag other/develop", "did you mean"),
        ((OLD, NEW, "hdf5 ^zlib"), 2, "dependency", ""),
        ((OLD,), 2, "Missing argument", ""),
    ],
)
def test_what_cannot_be_compared(site, arguments, status, says, hint):
    """Tags that are not there are status 1, queries that are not understood 2."""
    result = site.run("diff", *arguments, status=status)
    assert_error(result, says)
    assert hint in result.err


# -- history


def test_history_of_a_package(site):
    """A row for each version in each tag, from when to when, by which stacks."""
    document = site.run("history", "hdf5", "--json").json
    assert document["schema"] == 1
    periods = {(p["tag"], p["version"]): p for p in document["periods"]}
    assert periods.keys() == {
        (OLD, "1.14.5"), (OLD, "1.14.3"), ("develop", "1.14.5"), (NEW, "1.14.5"), (NEW, "1.14.6"),
    }  # fmt: skip
    assert periods[OLD, "1.14.5"]["appeared"]["baseline"] is True
    assert periods[NEW, "1.14.6"]["appeared"]["baseline"] is False
    rolling = periods["develop", "1.14.5"]
    assert (rolling["specs"], rolling["vanished"], rolling["stacks"]) == (1, None, ["e4s", "root"])
    gone = [stay for stay in document["stays"] if stay["vanished"] is not None]
    assert [(stay["hash"], stay["tag"]) for stay in gone] == [(D, "develop")]
    assert gone[0]["vanished"]["seq"] > gone[0]["appeared"]["seq"]


def test_history_of_a_spec(site):
    """Where one hash was, with what became of its stacks."""
    document = site.run("history", "/aaa", "--tag", "develop", "--json").json
    (stay,) = document["stays"]
    assert (stay["stacks"], stay["vanished"]) == (["e4s", "root"], None)
    (restacked,) = stay["restacked"]
    assert (restacked["before"], restacked["stacks"]) == (["root"], ["e4s", "root"])
    text_ = site.run("history", f"/{A}").out
    assert "stacks in develop: +e4s" in text_
    assert "first sync, 20" in text_
    assert re.search(
        r"^develop\t1.14.5\t\S+\t\S+Z\t1", site.run("history", f"/{D}").out, re.MULTILINE
    ) or (
        re.search(
            r"^develop\t1.14.5\tfirst sync, \S+\t\S+Z\t1",
            site.run("history", f"/{D}").out,
            re.MULTILINE,
        )
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("hdf6",), "nothing is known of hdf6"),
        (("hdf5", "--tag", "v9"), "nothing is known of hdf5 in v9"),
        (("/xyz9",), "is not a hash"),
        (("/zzz",), "no spec has a hash that begins with zzz"),
    ],
)
def test_history_of_nothing(site, arguments, says):
    """What was never there is status 1, what is no hash 2; with a hint."""
    result = site.run("history", *arguments, status=2 if "not a hash" in says else 1)
    assert_error(result, says)
    assert "hint: " in result.err


# -- check


@pytest.fixture
def lockfile(site, tmp_path):
    """A lock: a cached root with a missing build dependency, an external, and a missing root."""
    document = lock(
        [A, hash_of(1)],
        entry(A, "hdf5", link=[C], build=[hash_of(2)]),
        entry(C, "zlib", target="aarch64"),
        entry(hash_of(1), "petsc", link=[A, hash_of(3), hash_of(4)]),
        entry(hash_of(2), "cmake"),
        entry(hash_of(3), "openmpi", external={"path": "/usr"}),
        entry(hash_of(4), "mine", parameters={"dev_path": "/home/me"}),
    )
    path = tmp_path / "spack.lock"
    path.write_bytes(text(document))
    return path


def test_check_a_lock(site, lockfile):
    """Coverage by root and in total, where each spec is, and status 1 while something is missing."""
    document = site.run("check", lockfile, "--json", status=1).json
    assert (document["schema"], document["kind"]) == (1, "lock")
    assert document["total"] == {
        "total": 6, "cached": 2, "missing": 2, "unexpected": 2, "coverage": 0.5,
    }  # fmt: skip
    roots = {root["spec"]: root for root in document["roots"]}
    assert (roots["hdf5"]["cached"], roots["hdf5"]["missing"], roots["hdf5"]["total"]) == (2, 1, 3)
    assert (roots["petsc"]["missing"], roots["petsc"]["unexpected"]) == (2, 2)
    statuses = {one["spec"]: one["status"] for one in document["specs"]}
    assert statuses == {
        "hdf5@1.2": "cached", "zlib@1.2": "cached", "petsc@1.2": "missing", "cmake@1.2": "missing",
        "openmpi@1.2": "external", "mine@1.2": "developed",
    }  # fmt: skip
    (hdf5,) = (one for one in document["specs"] if one["spec"] == "hdf5@1.2")
    assert {place["tag"] for place in hdf5["placements"]} == {OLD, NEW, "develop"}
    assert {row["tag"]: row["specs"] for row in document["tags"]} == {OLD: 2, NEW: 1, "develop": 1}


def test_a_lock_may_begin_with_a_bom(site, lockfile):
    """As a list may: editors of other systems write one."""
    plain = site.run("check", lockfile, status=1).out
    lockfile.write_bytes(b"\xef\xbb\xbf" + lockfile.read_bytes())
    assert site.run("check", lockfile, status=1).out == plain


@pytest.mark.parametrize("count", [1, 20_000])
@pytest.mark.parametrize("options", [(), ("--json",), ("--subscription",)])
def test_a_reader_who_leaves_changes_no_status(site, tmp_path, count, options):
    """`check list | head -1` is still 1, whether or not all of it was written by then."""
    (tmp_path / "list").write_text("".join(f"/{hash_of(n)}\n" for n in range(1_000, 1_000 + count)))
    with site.start("check", tmp_path / "list", *options) as process:
        process.stdout.close()
        error = process.stderr.read()
        assert process.wait(60) == 1
    assert "Traceback" not in error
    assert "BrokenPipe" not in error


def test_check_within_bounds(site, lockfile):
    """A tag, a source, a machine and no build dependencies narrow what counts."""

    def counts(*arguments):
        total = site.run("check", lockfile, "--json", *arguments, status=1).json["total"]
        return total["cached"], total["missing"]

    assert counts("--tag", "develop") == (1, 3)
    assert counts("--tag", OLD, "--source", "site") == (2, 2)
    assert counts("--runs-on", "zen4") == (1, 3)
    assert counts("--no-build-deps") == (2, 1)
    unsuitable = site.run("check", lockfile, "--json", "--runs-on", "zen4", status=1).json["specs"]
    assert [one["spec"] for one in unsuitable if one["status"] == "unsuitable"] == ["zlib@1.2"]
    site.run("check", lockfile, "--runs-on", "host", status=1)


def test_check_everything_cached(site, tmp_path):
    """Nothing missing is status 0, and the subscriptions are none."""
    path = tmp_path / "spack.lock"
    path.write_bytes(text(lock([A], entry(A, "hdf5", link=[C]), entry(C, "zlib"))))
    assert "2 of 2 specs cached (100.0%), 0 missing" in site.run("check", path).err
    assert "subscriptions: []" in site.run("check", path, "--subscription").out


def test_check_for_people(site, lockfile):
    """Roots, what is missing, tags and the sum."""
    shown = on_terminal(site, "check", lockfile)
    for part in ("ROOT", "petsc", "missing: 2", f"cmake@1.2 x86_64_v3 /{hash_of(2)}",
                 "2 of 4 specs cached (50.0%), 2 missing; 1 external; 1 developed"):  # fmt: skip
        assert part in shown


def test_check_a_list(site, tmp_path):
    """Specs in Spack's syntax, words and hashes, a line each, with comments; also from a pipe."""
    path = tmp_path / "list"
    path.write_text(
        f"# what we need\nhdf5@1.14.6: %gcc@13  # newest\n\n/{A}\n{C}\n/eeee\nzlib@2:\n/{'z' * 32}\n"
    )
    document = site.run("check", path, "--json", status=1).json
    found = [(one["line"], one["status"]) for one in document["specs"]]
    assert found == [
        (2, "cached"), (4, "cached"), (5, "cached"), (6, "cached"), (7, "missing"), (8, "missing"),
    ]  # fmt: skip
    assert document["total"]["coverage"] == 0.6667
    within = site.run("check", path, "--json", "--tag", NEW, status=1).json
    assert [one["status"] for one in within["specs"]] == [
        "cached", "cached", "missing", "cached", "missing", "missing",
    ]  # fmt: skip
    piped = subprocess.run(
        site.command("check", "-"), env=site.environment, check=False,
        input=f"{A}\n", text=True, capture_output=True,
    )  # fmt: skip
    assert (piped.returncode, piped.stdout.split("\n")[1].split("\t")[0]) == (0, "cached")


def test_a_line_names_one_package_and_no_other(world):
    """zlib-ng is no zlib: what only contains the word does not answer for it, not even later."""
    world.page("develop", "zlib-ng", spec("a", variants=["+shared"]))
    world.sync()
    for line, status in (("zlib", "missing"), ("zlib +shared", "missing"), ("zlib-ng", "cached"),
                         ("zlib-ng +shared", "cached"), ('"zlib"', "cached")):  # fmt: skip
        (world.root / "list").write_text(f"{line}\n")
        missing = int(status == "missing")
        found = world.run("check", "list", "--json", status=missing).json["specs"]
        assert [one["status"] for one in found] == [status], line
        text = world.run("check", "list", "--subscription", status=missing).out
        for subscription in parse(text, name="x").subscriptions:
            assert world.run("search", subscription.query, "--json").json["builds"] == 0


def test_check_a_list_of_specs_with_hashes(site, tmp_path):
    """What `spack find --format '{name}{@version}/{hash}'` prints: name and hash must agree."""
    path = tmp_path / "list"
    path.write_text(f"hdf5@1.14.5/{A}\nzlib/{A}\nhdf5@1.14.6/eee\nhdf5/{hash_of(1)}\n")
    document = site.run("check", path, "--json", status=1).json
    assert [one["status"] for one in document["specs"]] == [
        "cached",
        "missing",
        "cached",
        "missing",
    ]
    machine = site.run("check", path, "--json", "--runs-on", "zen4", status=1).json
    assert [one["status"] for one in machine["specs"]] == [
        "cached", "missing", "unsuitable", "missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hdf5\nzlib ^cmake\n", "list: line 2: ^ asks for a dependency"),
        (b"hdf5\n\xff\n", "line 2 is not UTF-8"),
        (b'{"_meta": {}}', "no spack.lock: it has no _meta with file-type"),
        (b'\n {"_meta": ', "no JSON"),
    ],
)
def test_files_that_are_not_understood(site, tmp_path, content, says):
    """One line with the position, status 2."""
    (tmp_path / "list").write_bytes(content)
    result = site.run("check", tmp_path / "list", status=2)
    assert_error(result)
    assert says in result.err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["/nonexistent"], 2, "cannot read /nonexistent: No such file"),
        (["/"], 2, "cannot read /: Is a directory"),
        (["{}", "--tag", "develp"], 1, "there is no tag develp"),
        (["{}", "--source", "other"], 1, "no source is called other"),
        (["{}", "--runs-on", "zen99"], 2, "archspec knows no target zen99"),
    ],
)
def test_what_cannot_be_checked(site, lockfile, arguments, status, says):
    """Files and targets that do not exist are status 2, tags and sources that are not there 1."""
    filled = [str(lockfile) if argument == "{}" else argument for argument in arguments]
    assert_error(site.run("check", *filled, status=status), says)


def test_the_subscriptions_for_what_is_missing(site, tmp_path):
    """They are read by the config as they stand, and together match exactly what is missing."""
    missing = [hash_of(number) for number in range(250)]
    path = tmp_path / "my list.txt"
    path.write_text("".join(f"/{h}\n" for h in [*missing, A]) + "zlib@9: +mpi\nhdf5 OR zlib@9\n")
    result = site.run("check", path, "--subscription", "--tag", "develop", status=1)
    read = parse(result.out, name="x").subscriptions
    assert [s.name for s in read] == [f"my-list.txt-{n}" for n in (1, 2, 3, 4)]
    assert {s.first for s in read} == {False}
    from cachesync import query
    from cachesync.model import Build

    build = Build("p", "1", "none", "os", "linux", "aarch64", ())
    where = {"source": "site", "stacks": ("root",)}
    for tag in ("develop", "v1"):
        matched = {
            h
            for h in [*missing, A]
            if any(query.matches(s.condition, build, h, tag=tag, **where) for s in read)
        }
        assert matched == (set(missing) if tag == "develop" else set())
    everywhere = site.run("check", path, "--subscription", status=1).out
    assert "first: false" not in everywhere
    assert len(parse(everywhere, name="x").subscriptions) == 4


# -- nothing raw


def test_nothing_raw_reaches_a_terminal(world):
    """Escapes in pages, files and arguments are made visible by the new commands too."""
    evil = "\x1b]0;x\x07"
    world.page("develop", "evil", spec("a", os="ubu\u202entu", variants=["x=\u202e"]))
    world.page("v1", "evil", spec("b", os="ubu\u202entu", stacks=["e\u202es"]))
    world.sync()
    (world.root / "list").write_text(f"/{A}\nubu\u202entu\n{evil}\n")
    document = lock([A], entry(A, f"evil{evil}", version=6), entry(B, "x", target="\u202e"))
    (world.root / "lock").write_bytes(text(document))
    commands = (
        ["diff", "develop", "v1"], ["history", "evil"], ["history", f"/{B}"], ["diff", evil, "v1"],
        ["check", "list"], ["check", "lock"], ["check", "lock", "--subscription"],
        ["search", "evil", "--columns", "os,variants,stacks"], ["search", "evil", "--install"],
        ["search", "--group-by", "package"], ["search", f"evi {evil}"], ["search", "-os:x", evil],
    )  # fmt: skip
    for arguments in commands:
        piped = "".join(world.run(*arguments, status=None)[1:])
        for shown in (on_terminal(world, *arguments), piped):
            for raw in ("\x1b]", "\x07", "\u202e"):
                assert raw not in shown, (arguments, raw)


def test_json_is_ascii_and_has_its_schema(site, lockfile):
    """Every document of the new commands carries its schema."""
    for arguments in (["diff", OLD, NEW], ["history", "hdf5"], ["check", lockfile],
                      ["search", "--group-by", "package"], ["search", "hdf6"]):  # fmt: skip
        out = site.run(*arguments, "--json", status=None).out
        assert out.isascii()
        assert json.loads(out)["schema"] == 1
