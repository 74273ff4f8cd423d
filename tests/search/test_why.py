"""Which dependency matched, and how far `^` goes: `search --why` and `--through build`."""

import pytest

from tests.support.console import assert_error
from tests.support.mirrors import edge, make_mirror, record
from tests.support.world import World

PERL = record("perl", "5.40.0")
OPENSSL = record("openssl", "3.0.13", edge(PERL, "build"))
CURL = record("curl", "8.9.1", edge(OPENSSL, "build", "link"))
CMAKE = record("cmake", "3.31.6", edge(CURL, "link"))
ZLIB = record("zlib-ng", "2.2.4", edge(CMAKE, "build"))
HDF5 = record("hdf5", "1.14.6", edge(ZLIB, "build", "link", virtuals=["zlib-api"]))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A mirror in which openssl is known to hdf5 as what a build tool of zlib-ng needs. Read only."""
    made = World(tmp_path_factory.mktemp("why"))
    mirror = make_mirror(made.root / "mirror", [HDF5, ZLIB, CMAKE, CURL, OPENSSL, PERL])
    made.run("sync", "--mirror", mirror.url)
    return made


def path(*records):
    """A way, as JSON has it."""
    return [{"name": r.name, "version": r.spec["version"], "hash": r.hash} for r in records]


def whys(world, *words):
    """What is told of each package's spec."""
    results = world.run("search", "--json", "--why", *words).json["results"]
    return {result["package"]: result["specs"][0]["why"] for result in results}


def test_the_way_to_what_matched_is_told(world):
    """From the hit along edges to the dependency, of each hit and of each thing asked for."""
    assert whys(world, "^openssl@:3.0.13") == {
        "curl": [{"asked": "^openssl@:3.0.13", "path": path(CURL, OPENSSL)}],
        "cmake": [{"asked": "^openssl@:3.0.13", "path": path(CMAKE, CURL, OPENSSL)}],
    }
    (said,) = whys(world, "hdf5 ^zlib-api=zlib-ng %cmake@3").values()
    assert said == [
        {"asked": "^zlib-api=zlib-ng", "path": path(HDF5, ZLIB)},
        {"asked": "%cmake@3", "path": path(HDF5, ZLIB, CMAKE)},
    ]


def test_of_alternatives_those_that_hold_are_told(world):
    """What is excluded has no way to it, and who asks for no dependency is told of none."""
    assert whys(world, "hdf5 ^zlib-ng OR curl ^openssl") == {
        "hdf5": [{"asked": "^zlib-ng", "path": path(HDF5, ZLIB)}],
        "curl": [{"asked": "^openssl", "path": path(CURL, OPENSSL)}],
    }
    assert whys(world, "package:hdf5") == {"hdf5": []}
    assert "why" not in world.run("search", "--json", "hdf5").json["results"][0]["specs"][0]


def test_through_build_goes_on(world):
    """`^` follows edges of all types, to any depth, and says so; else one build edge at the root."""
    assert world.run("search", "--json", "hdf5 ^perl").json["builds"] == 0
    found = world.run("search", "--json", "--why", "--through", "build", "hdf5 ^perl").json
    assert (found["builds"], found["through"]) == (1, "build")
    (said,) = found["results"][0]["specs"][0]["why"]
    assert said["path"] == path(HDF5, ZLIB, CMAKE, CURL, OPENSSL, PERL)
    waited = world.run("wait", "--through=build", "--json", "--timeout", "1s", "hdf5 ^perl").json
    assert (waited["found"], waited["through"]) == (True, "build")


def test_people_read_the_way(world):
    """Names, versions and short hashes, one cell in a pipe."""
    head, row = world.run("search", "--why", "hdf5 ^zlib-ng").out.splitlines()
    assert head.split("\t")[-1] == "WHY"
    way = f"hdf5@1.14.6/{HDF5.hash[:7]} > zlib-ng@2.2.4/{ZLIB.hash[:7]}"
    assert row.split("\t")[-1] == f"^zlib-ng  {way}"


def test_other_values_and_contradictions_are_refused(world):
    """Nothing else than `build` is gone through, and no option is passed over in silence."""
    assert_error(world.run("search", "--through", "run", "^perl", status=2), "takes build")
    assert_error(world.run("search", "--through", status=2), "takes build")
    assert_error(world.run("wait", "--through", "run", "^perl", status=2), "build")
    assert_error(world.run("search", "--why", "--hashes", "^perl", status=2), "exclude each other")
