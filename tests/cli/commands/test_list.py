"""`list`: what is cached, by kind, with counts and ages."""

import json
import re
from contextlib import closing

import pytest

from cachesync.ledger import connect, read
from cachesync.reports import lists
from tests.support import mirrors
from tests.support.commands import NEW, OLD
from tests.support.console import assert_error, on_terminal
from tests.support.world import World, spec


def rows(site, *arguments):
    """The lines of a list, without the header, as fields."""
    return [line.split("\t") for line in site.run("list", *arguments).out.splitlines()[1:]]


def said(site, result):
    """What a command says, its remedies without the state directory that they reach."""
    return result.err.replace(f" --state-dir {site.state}", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("packages",), ["hdf5 1.14.6 3 4", "zlib 1.14.5 1 1"]),
        (("versions", "hdf5"), ["1.14.3 1 1 1", "1.14.5 1 1 2", "1.14.6 1 1 1"]),
        (("tags",), [f"{OLD} 2 3 3", f"{NEW} 1 2 3", "develop 1 1 1"]),
        (("tags", "zlib"), [f"{OLD} 1 1 1"]),
        (("stacks",), ["e4s 2 4 5", "root 2 4 5"]),
        (("compilers", "h*"), ["gcc@=13.2.0 1 3 4"]),
        (("compilers",), ["gcc@=7.5.0 1 1 1", "gcc@=13.2.0 1 3 4"]),
        (("oses",), ["ubuntu24.04 2 4 5"]),
        (("target",), ["aarch64 2 3 3", "x86_64_v3 1 1 2"]),
        (("sources",), ["site ok 2 4 5"]),
        (("variants", "zlib"), ["build_system=cmake 1 1 1", "+mpi 1 1 1"]),
    ],
)
def test_what_is_listed(site, arguments, expected):
    """In a pipe a header and tab-separated lines: counts of what is placed now, versions and tags in order."""
    found = rows(site, *arguments)
    wide = len(expected[0].split())
    assert [" ".join(row[:wide]) for row in found] == expected
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:]{8}Z", row[wide]) for row in found)


def test_as_json(site):
    """One document, with what tables have no room for."""
    document = site.run("list", "packages", "HDF5", "--json").json
    (hdf5,) = document["results"]
    assert (document["schema"], document["list"], document["package"]) == (1, "packages", "HDF5")
    assert hdf5["versions"] == ["1.14.3", "1.14.5", "1.14.6"]
    (source,) = site.run("list", "sources", "--json").json["results"]
    assert (source["state"], source["tags"]) == ("ok", [OLD, NEW, "develop"])
    assert {tag["name"]: tag["sources"] for tag in site.run("list", "tags", "--json").json["results"]} == {
        OLD: ["site"], NEW: ["site"], "develop": ["site"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Three sources that share tags, stacks and hashes; one tells of several compilers."""
    made = World(tmp_path_factory.mktemp("several"))
    other = made.root / "other"
    for where in (made.pages, other):
        made.page(
            "develop", "hdf5", spec("a", stacks=["e4s"]), spec("b", variants=["~mpi"]), root=where
        )
    made.page("v1.10", "zlib", spec("c", stacks=["root"]), root=other)
    made.page("v1.9", "zlib", spec("c", stacks=["e4s", "root"]), root=other)
    gcc, llvm = mirrors.record("gcc", "13.2.0"), mirrors.record("llvm", "17.0.6")
    mixed = mirrors.record(
        "mixed", "1", mirrors.edge(llvm, "build", virtuals=["c"]),
        mirrors.edge(gcc, "build", virtuals=["fortran"]),
    )  # fmt: skip
    for arguments in (
        ("--pages", made.pages), ("--pages", other),
        ("--mirror", mirrors.make_mirror(made.root / "mirror", [mixed, gcc, llvm]).url),
    ):  # fmt: skip
        made.run("sync", *arguments)
    return made


def of_builds(kind, build):
    """The values of a kind that a build has."""
    if kind == "compilers":
        return {build.compiler, *dict(build.compilers).values()} - {"none"}
    name = {"oses": "os"}.get(kind, kind.removesuffix("s"))
    return set(build.variants) if kind == "variants" else {getattr(build, name)}


@pytest.mark.parametrize("where", ["site", "several"])
@pytest.mark.parametrize("packages", [None, ["hdf5"]])
def test_counts_are_those_of_a_plain_loop_and_of_facets(where, packages, request):
    """Of every kind: what one counts over all placements, one by one, and what a search counts."""
    world = request.getfixturevalue(where)
    of_places = {
        "tags": lambda one: {one.tag}, "sources": lambda one: {one.source},
        "stacks": lambda one: set(one.stacks),
    }  # fmt: skip
    words = [f"package:{name}" for name in packages or ()]
    facets = world.run("search", *words, "--facets", "--limit", "1", "--json").json["facets"]
    facets["compiler"].pop("none", None)
    with closing(connect.open_reader(world.state)) as db, read.snapshot(db):
        builds = {
            number: build
            for number, build in read.all_builds(db)
            if packages is None or build.package in packages
        }
        placed = list(read.placed_specs(db, builds))
        for kind in lists.Kind:
            expected = {}
            for one in placed:
                build = builds[one.build_id]
                of_it = of_places[kind](one) if kind in of_places else of_builds(kind, build)
                for value in of_it:
                    sums = expected.setdefault(value, (set(), set(), set()))
                    for whole, part in zip(
                        sums, (build.package, one.build_id, one.hash), strict=True
                    ):
                        whole.add(part)
            found = {entry.name: entry[1:4] for entry in lists.listed(db, kind, packages)}
            assert found == {value: tuple(map(len, sums)) for value, sums in expected.items()}, kind
            counted = facets.get("os" if kind == "oses" else kind.removesuffix("s"))
            if counted is not None:
                told = {name: (one["builds"], one["specs"]) for name, one in counted.items()}
                assert told == {name: one[1:] for name, one in found.items()}, kind


def test_sources_that_share_a_tag(several):
    """A tag of two sources is one row that names both; a release is older than the rolling tag."""
    tags = several.run("list", "tags", "--json").json["results"]
    assert [tag["name"] for tag in tags] == ["v1.9", "v1.10", "mirror", "develop"]
    assert [len(tag["sources"]) for tag in tags if tag["name"] == "develop"] == [2]
    assert [row[0] for row in rows(several, "compilers", "mixed")] == [
        "gcc@=13.2.0",
        "llvm@=17.0.6",
    ]


def test_when_it_last_grew(site):
    """A tag is as old as the last spec that came to it; a stack as the last spec that it got."""
    changes = [
        json.loads(line) for line in site.run("changes", "--json", "--limit", "0").out.splitlines()
    ]
    last = {
        tag["name"]: tag["last_cached"]
        for tag in site.run("list", "tags", "--json").json["results"]
    }
    for tag, at in last.items():
        came = [c["at"] for c in changes if c["kind"] == "spec.cached" and c["tag"] == tag]
        assert at == re.sub(r"\.\d+", "", max(came))  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "status", "says", "hint"),
    [
        ((), 2, "list needs to know of what", "one of packages, versions, tags"),
        (("tgas",), 2, "there is no list of tgas", "did you mean tags?"),
        (("hdf5",), 2, "there is no list of hdf5", "one of packages"),
        (("tags", "hdf6"), 1, "hdf6 is in no source", "nearest: hdf5"),
        (("tags", "nope-*"), 1, "there is no package nope-*", "cachesync search"),
    ],
)
def test_what_cannot_be_listed(site, arguments, status, says, hint):
    """What is no kind is status 2, what is no package 1; with the hint that helps."""
    result = site.run("list", *arguments, status=status)
    assert_error(result, says)
    assert hint in said(site, result)


def test_what_is_not_cached_any_more(world):
    """A package that has left is status 1, and its history is where to look."""
    world.page("develop", "hdf5", spec("a"))
    world.page("develop", "zlib", spec("b", variants=[]))
    world.sync("--pages", world.pages)
    assert rows(world, "variants", "zlib") == []
    (world.pages / "develop" / "hdf5" / "specs.md").unlink()
    world.sync()
    result = world.run("list", "versions", "hdf5", status=1)
    assert_error(result, "nothing of hdf5 is cached now")
    assert "hint: cachesync history hdf5" in said(world, result)
    assert [row[0] for row in rows(world, "packages")] == ["zlib"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("ls", "cachesync list packages"),
        ("tags", "cachesync list tags"),
        ("find", "cachesync search WORDS"),
        ("info", "cachesync show PACKAGE"),
        ("compilers", "cachesync list compilers"),
    ],
)
def test_what_people_type_instead(site, word, hint):
    """What is no command here, and one elsewhere, is told as what it is here."""
    result = site.run(word, "hdf5", status=2)
    assert_error(result, f"there is no command {word}")
    assert hint in said(site, result)


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal_it_fits(site, columns):
    """A table no wider than the terminal, with how long ago, and no word of it cut."""
    shown = on_terminal(site, "list", "tags", "--no-pager", columns=columns)
    shown = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert all(len(line) <= columns for line in shown.splitlines())
    assert re.search(r"\d+ (s|min|h) ago", shown)
    assert NEW in shown
