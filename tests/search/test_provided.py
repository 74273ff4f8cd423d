"""Versions of virtual packages, which indexes tell from database 9 on: `provided_virtuals`."""

import shutil

import pytest

from cachesync.ledger import connect
from tests.support import mirrors
from tests.support.console import assert_error
from tests.support.world import World


def provider(name: str, version: str, *provided: str) -> mirrors.Record:
    return mirrors.record(name, version, spec_format=6, provided_virtuals=list(provided))


OPENMPI = provider("openmpi", "5.0.6", "mpi@:3.1")
MPICH = provider("mpich", "4.2.3", "mpi@:4.0", "pmi")
SERIAL = provider("mpi-serial", "2.5.0", "mpi")
SILENT = mirrors.record("mvapich2", "2.3.7")


def user(version: str, mpi: mirrors.Record) -> mirrors.Record:
    return mirrors.record(
        "hdf5", version, mirrors.edge(mpi, "link", virtuals=["mpi"]),
        spec_format=6, provided_virtuals=[],
    )  # fmt: skip


USERS = [user("1", OPENMPI), user("2", MPICH), user("3", SERIAL)]
OPEN = user("4", SILENT)


def site(root, records, *, by: str = "index") -> World:
    world = World(root)
    mirror = mirrors.make_mirror(root / "mirror", records, version="9")
    assert world.run("sync", "--mirror", mirror.url).status == 0
    if by == "ledger":
        shutil.rmtree(world.state / connect.INDEX_DIRECTORY)
    return world


@pytest.fixture(scope="module", params=["index", "ledger"])
def told(request, tmp_path_factory) -> World:
    """A mirror of database 9 that tells of every provider. Read only."""
    records = [*USERS, OPENMPI, MPICH, SERIAL]
    return site(tmp_path_factory.mktemp("told"), records, by=request.param)


@pytest.fixture(scope="module", params=["index", "ledger"])
def half(request, tmp_path_factory) -> World:
    """The same with a provider that says nothing of it. Read only."""
    records = [*USERS, OPEN, OPENMPI, MPICH, SERIAL, SILENT]
    return site(tmp_path_factory.mktemp("half"), records, by=request.param)


def versions(world: World, *query: str) -> list[str]:
    """Of the hdf5 that are found."""
    results = world.run("search", "--json", "--sort", "package", *query).json["results"]
    return sorted(one["version"] for one in results if one["package"] == "hdf5")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hdf5 ^mpi@3:", ["1", "2", "3"]),
        ("hdf5 ^mpi@3.1", ["1", "2", "3"]),
        ("hdf5 ^mpi@4:", ["2", "3"]),
        ("hdf5 ^mpi@5:", ["3"]),
        ("hdf5 %mpi@4:", ["2", "3"]),
        ("hdf5 ^mpi@:1", ["1", "2", "3"]),
        ("hdf5 ^mpi@4.1", ["3"]),
        ("hdf5 -^mpi@4:", ["1"]),
        ("hdf5 -%mpi@4:", ["1"]),
        ("hdf5 ^[when='^mpi@4:'] mpich", ["1", "2"]),
    ],
)
def test_a_version_is_found_where_it_is_told(told, text, found):
    """What is provided and what is asked for have a version in common; without a version it provides all."""
    assert versions(told, text) == found
    assert "unjudged" not in told.run("search", "--json", text).json


@pytest.mark.parametrize(
    ("text", "found"),
    [("hdf5 ^mpi@4:", ["2", "3"]), ("hdf5 ^mpi@4: ^mpich", ["2"]), ("hdf5 ^mpi@9", ["3"])],
)
def test_a_spack_is_answered_too(told, text, found):
    """To the letter, where everybody tells."""
    assert versions(told, "--spack", "1.x", text) == found
    assert versions(told, "--spack", "0.23", text) == found


@pytest.mark.parametrize(
    ("text", "found", "unjudged"),
    [
        ("hdf5 ^mpi@4:", ["2", "3"], 1),
        ("hdf5 -^mpi@4:", ["1"], 1),
        ("hdf5 ^mpi@4: ^mpich", ["2"], 0),
        ("hdf5 ^mpi@4: OR hdf5@4", ["2", "3", "4"], 0),
        ("hdf5 ^mpi", ["1", "2", "3", "4"], 0),
        ("hdf5 ^mvapich2", ["4"], 0),
    ],
)
def test_what_nobody_tells_is_left_open(half, text, found, unjudged):
    """Wanted or excluded it is no hit, and counted where nothing else decides."""
    assert versions(half, text) == found
    document = half.run("search", "--json", text).json
    assert document.get("unjudged", {"builds": 0})["builds"] == unjudged
    if unjudged:
        err = half.run("search", text).err
        assert "1 build could not be judged by `^mpi@4:`: no index says which version" in err
        assert "only pages" not in err


@pytest.mark.parametrize(
    "query",
    [
        ("--spack", "1.x", "hdf5 ^mpi@4:"),
        ("--spack", "0.23", "hdf5 ^mpi@4:"),
        ("hdf5 %mpi@4:",),
        ("hdf5 ^[when='^mpi@4:'] mpich",),
    ],
)
def test_what_cannot_be_left_open_is_refused(half, query):
    """What a Spack answers to the letter, and what more would match by if less was provided."""
    result = half.run("search", *query, status=2)
    assert_error(result)
    assert "no cache index says which version of mpi" in result.err


def test_without_anybody_who_tells_it_is_refused(tmp_path):
    """As ever."""
    world = site(tmp_path, [OPEN, SILENT])
    result = world.run("search", "hdf5 ^mpi@3:", status=2)
    assert_error(result)
    assert "no cache index says which version of mpi" in result.err


def test_it_is_kept_and_told(told):
    """In the log, and by `show`, as it stands in the index."""
    changes = told.run("changes", "--json", "--kind", "spec.described", "--limit", "0").lines
    said = {one["hash"]: one["details"].get("provided_virtuals") for one in changes}
    assert said[MPICH.hash] == ["mpi@:4.0", "pmi"]
    assert said[USERS[0].hash] is None
    assert "mpi@:4.0 pmi" in told.run("show", f"/{MPICH.hash}").out
