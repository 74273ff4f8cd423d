"""`probe`: asks the mirrors, and says what is there, what is missing, and what nobody can tell."""

import pytest

from tests.support import stubserver as stub
from tests.support.mirrors import make_mirror, record, tarball_of
from tests.support.webservers import serving
from tests.support.world import World, spec

ZLIB = record("zlib", "1.3.1")
HDF5 = record("hdf5", "1.14.6", ZLIB)
MANY = [record(f"many{number}") for number in range(60)]


@pytest.fixture
def world(tmp_path) -> World:
    tmp_path.chmod(0o755)  # a server of another user reads the mirror
    return World(tmp_path / "world")


@pytest.fixture
def server():
    with stub.StubServer() as made:
        yield made


@pytest.mark.parametrize("by", ["file", "nginx", "apache"])
def test_a_tarball_that_is_gone_is_told(world, tmp_path, by):
    """With status 1, its hash and mirror; 0 before."""
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB, HDF5])
    if by == "file":
        _tell_lost(world, root, root.as_uri())
    else:
        with serving(by, root, packed=True) as running:
            _tell_lost(world, root, running.origin)


def _tell_lost(world, root, url):
    world.configure(f"sources: [{{name: m, type: buildcache, url: '{url}', tag: t}}]\n")
    world.run("sync")
    told = world.run("probe", "--json").json
    assert (told["state"], told["matching"], told["asked"], told["there"]) == ("there", 2, 2, 2)
    (zlib,) = [one for one in told["results"] if one["package"] == "zlib"]
    size = tarball_of(root, ZLIB).stat().st_size
    assert (zlib["bytes"], zlib["bytes_by_manifest"], zlib["signed"]) == (size, size, False)
    assert zlib["tarball"].endswith(str(tarball_of(root, ZLIB).relative_to(root)))
    assert zlib["tarball"].startswith(f"{url}/blobs/")
    assert zlib["modified"].startswith("20")
    tarball_of(root, ZLIB).unlink()
    told = world.run("probe", "--json", status=1).json
    assert (told["state"], told["missing"], told["there"]) == ("missing", 1, 1)
    assert [one["state"] for one in told["results"]] == ["missing", "there"]
    ended = world.run("probe", f"/{ZLIB.hash[:8]}", status=1)
    _, row, last = ended.out.splitlines()
    assert row.split("\t")[:4] == [f"/{ZLIB.hash[:7]}", "zlib@1.3.1", url, "missing"]
    assert "its tarball" in row
    assert last.startswith("1 of 1 asked for (--seed ")
    assert world.run("probe", "hdf5").out.splitlines()[1].split("\t")[3] == "there"
    tarball_of(root, HDF5).write_bytes(b"cut")
    assert "its tarball has 3 bytes, and" in world.run("probe", "hdf5", status=1).out


def test_a_sample_is_bounded_and_can_be_had_again(world, tmp_path):
    make_mirror(tmp_path / "mirror", MANY)
    world.run("sync", "--mirror", (tmp_path / "mirror").as_uri())

    def hashes(*arguments):
        told = world.run("probe", "--json", *arguments).json
        assert told["matching"] == 60
        return told["seed"], {one["hash"] for one in told["results"]}

    seed, first = hashes()
    assert len(first) == 50
    assert hashes("--seed", seed) == (seed, first)
    assert hashes("--seed", "another")[1] != first
    assert hashes("--seed", seed, "--sample", "7")[1] < first
    assert len(hashes("--sample", "0")[1]) == 60


def test_a_mirror_that_does_not_answer_tells_nothing(world, tmp_path, server):
    """Status 3; but 1 where another one lacks something."""
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB])

    url = server.mirror(root)
    world.run("sync", "--mirror", url)
    world.run("sync", "--mirror", root.as_uri())
    server.mount("/mirror/", stub.status(401))
    told = world.run("probe", "--json", status=3).json
    assert (told["state"], told["unknown"], told["there"]) == ("unknown", 1, 1)
    assert told["results"][0]["reason"] == "answered 401"
    assert world.run("probe", f"source:{root.as_uri()}").status == 0
    root.rename(tmp_path / "away")
    assert "there is no directory" in world.run("probe", status=3).out
    (tmp_path / "away").rename(root)
    tarball_of(root, ZLIB).unlink()
    world.run("probe", status=1)


def test_of_pages_nobody_can_tell(world, tmp_path):
    """Alone status 3; beside mirrors they are counted."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    ended = world.run("probe", "hdf5", status=3)
    assert "only pages tell of it" in ended.err
    world.run("probe", "--json", "hdf5", status=3)
    make_mirror(tmp_path / "mirror", [HDF5])
    world.run("sync", "--mirror", (tmp_path / "mirror").as_uri())
    told = world.run("probe", "--json").json
    assert (told["only_pages"], told["matching"]) == (1, 1)
    assert "1 spec more, of which only pages tell" in world.run("probe").out


def test_what_is_asked_for_is_what_matches(world, tmp_path):
    """A tag is asked in its own mirror; -x excludes; nothing is 1, and no query 2."""
    for name, *records in (("a", ZLIB, HDF5), ("b", ZLIB)):
        make_mirror(tmp_path / name, records)
    entries = [
        f"  - {{name: {name}, type: buildcache, url: '{(tmp_path / name).as_uri()}', tag: {name}}}\n"
        for name in "ab"
    ]
    world.configure("sources:\n" + "".join(entries))
    world.run("sync")

    def asked(*query):
        told = world.run("probe", "--json", *query).json
        return sorted((one["package"], one["source"]) for one in told["results"])

    assert asked() == [("hdf5", "a"), ("zlib", "a"), ("zlib", "b")]
    assert asked("tag:b") == [("zlib", "b")]
    assert asked("zlib", "-source:a") == [("zlib", "b")]
    assert asked("-zlib") == [("hdf5", "a")]
    assert "nothing matches nope" in world.run("probe", "nope", status=1).err
    world.run("probe", "hdf5@1:@2", status=2)
    assert "Usage: " in world.run("probe", "--help").out
    assert "Usage: " in world.run("probe", "-h").out


def test_what_is_leaving_is_not_asked_for(world, tmp_path):
    """Its index does not name it any more."""
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB, HDF5])
    world.run("sync", "--mirror", root.as_uri())
    world.settle()
    make_mirror(root, [ZLIB])
    world.run("sync")
    told = world.run("probe", "--json").json
    assert [one["package"] for one in told["results"]] == ["zlib"]


def test_nothing_raw_reaches_a_terminal(world, tmp_path, server):
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB])

    url = server.mirror(root)
    world.run("sync", "--mirror", url)
    server.mount("/mirror/v3/manifests/spec", stub.reply(b"\x1b[31m{"))
    ended = world.run("probe", status=1)
    assert "\x1b" not in ended.out
    assert "the manifest is no JSON" in ended.out
