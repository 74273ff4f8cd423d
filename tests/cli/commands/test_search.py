"""What `search` says and shows beside its hits."""

import shutil

import pytest

from cachesync.config.file import parse
from tests.support.commands import NEW, OLD, A, B, D, E
from tests.support.console import assert_error, on_terminal
from tests.support.world import spec

# -- no hit


def test_did_you_mean(site):
    """A misspelt word is answered by what is spelled alike, on standard error and in JSON."""
    result = site.run("search", "hdf6")
    assert result.out == ""
    assert "hdf6 is in no source; nearest: hdf5" in result.err
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
        (["--long", "--columns", "package"], "exclude each other"),
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
    assert "nearest: hdf5" in site.run("search", "hdf6", "--group-by", "package").err
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
        "# add --no-check-signature where its binaries are not signed: Spack refuses them without",
        f"spack install --cache-only /{A}",
    ]
    (result,) = site.run("search", "hdf5@1.14.6", "--install", "--json").json["results"]
    assert result["install"]["tag"] == NEW
    assert result["install"]["mirror"] == f"https://cache.example.org/{NEW}"
    assert result["install"]["commands"][-1] == f"spack install --cache-only /{E}"


def test_install_on_a_narrow_terminal(site):
    """Comments go on as comments, between words; a command is one line, ready to be copied."""
    whole = site.run("search", "hdf5@1.14.5", "--install").out.splitlines()
    shown = on_terminal(site, "search", "hdf5@1.14.5", "--install", columns=40).splitlines()
    comments = [line for line in shown if line.startswith("# ")]
    commands = [line for line in whole if line.startswith("spack ")]
    assert [line for line in shown if line.startswith("spack ")] == commands
    assert max(map(len, comments)) <= 40
    words = [word for line in whole if line.startswith("# ") for word in line[2:].split()]
    assert [word for line in comments for word in line[2:].split()] == words


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
    assert mirrors(loaded, {}) == {"a": public, "c": "file:///m", "d": public}
