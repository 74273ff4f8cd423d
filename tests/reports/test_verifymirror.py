"""`verify` reads the cache indexes of mirrors on disk, and names what they say otherwise than the ledger."""

import sqlite3

import pytest

from tests.support import mirrors
from tests.support.pagetext import spec
from tests.support.webservers import serving
from tests.support.world import World, hash_of

ZLIB = mirrors.record("zlib", "1.3.1")
HDF5 = mirrors.record("hdf5", "1.14.6", ZLIB)
CMAKE = mirrors.record("cmake", "3.31.6")
OLD = mirrors.record("bzip2", "1.0.8", spec_format=4, compiler="gcc@12.3.0")


@pytest.fixture
def root(world):
    """Where a mirror is, with an own index and a view, in a ledger that agrees with them."""
    path = world.root / "mirror"
    mirrors.make_mirror(path, [ZLIB, HDF5])
    mirrors.make_mirror(path, [HDF5], view="io")
    world.configure(
        "sources:\n"
        f"  - {{name: own, type: buildcache, url: '{path.as_uri()}'}}\n"
        f"  - {{name: view, type: buildcache, url: '{path.as_uri()}', view: io, settle: 3}}\n"
    )
    world.run("sync")
    world.verify()
    return path


def differences(world: World, status: int = 1) -> list[str]:
    found: list[str] = world.run("verify", "--json", status=status).json["differences"]
    return found


@pytest.mark.parametrize("layout", [2, 3])
def test_an_index_that_changed_since_the_last_pass(world, layout):
    """What came and went is counted, and records that no pass has read, until the next pass."""
    path = world.root / "mirror"
    mirrors.make_mirror(path, [ZLIB, HDF5], layout=layout)
    url = path.as_uri()
    world.run("sync", "--mirror", url)
    assert differences(world, 0) == []
    mirrors.make_mirror(path, [ZLIB, CMAKE, OLD], layout=layout)
    assert differences(world) == [
        f"{url}: {url} has 2 specs that the ledger does not, lacks 1",
        f"{url}: {url} tells of 2 specs what no pass has read",
    ]
    world.run("sync")
    assert differences(world, 0) == []  # hdf5 leaves, and stays until that has settled
    mirrors.make_mirror(path, [ZLIB, CMAKE, OLD, HDF5], layout=layout)
    assert differences(world) == [f"{url}: {url} has 1 specs that left it before the last pass"]
    world.run("sync")
    world.verify()


def test_each_view_is_compared_with_what_it_has(world, root):
    mirrors.make_mirror(root, [HDF5, ZLIB], view="io")
    (found,) = differences(world)
    assert found == f"view: {root.as_uri()} (view io) has 1 specs that the ledger does not, lacks 0"


def test_what_the_configuration_leaves_out_is_no_difference(world):
    path = world.root / "mirror"
    mirrors.make_mirror(path, [ZLIB, HDF5])
    world.configure(
        f"sources:\n  - {{name: own, type: buildcache, url: '{path.as_uri()}', packages: [zlib]}}\n"
    )
    world.run("sync")
    assert differences(world, 0) == []
    mirrors.make_mirror(path, [ZLIB, CMAKE])
    assert differences(world) == [f"own: {path.as_uri()} tells of 1 specs what no pass has read"]


def test_a_view_that_is_read_no_more_is_not_compared(world):
    """What it placed may be held, and no pass looks at it again: its specs are another index's, or stay."""
    path = world.root / "mirror"
    some = [mirrors.record("some", f"1.{number}") for number in range(30)]
    mirrors.make_mirror(path, [ZLIB, *some], view="a")
    mirrors.make_mirror(path, [ZLIB], view="b")

    def configured(said):
        world.configure(
            f"sources:\n  - {{name: own, type: buildcache, url: '{path.as_uri()}', tag: t, {said}}}\n"
        )

    configured("view: a")
    world.run("sync")
    configured("views: [b]")
    assert world.sync(status=1)["sources"][0]["held"] == 30
    assert differences(world, 0) == []
    mirrors.make_mirror(path, [ZLIB, CMAKE], view="b")
    assert len(differences(world)) == 2


def test_an_index_that_broke_since_the_last_pass(world, root):
    """One that cannot be read cannot be compared; what a pass rejected is known of, and no difference."""
    manifest = root / "v3/manifests/index/index.manifest.json"
    whole = manifest.read_bytes()
    manifest.write_bytes(b"{")
    (found,) = differences(world)
    assert found.startswith(f"own: cannot be compared: file://{manifest}")
    world.run("sync", "own", status=1)
    assert differences(world, 0) == []
    manifest.write_bytes(whole)
    world.run("sync", "own")
    root.rename(world.root / "away")
    for name, found in zip(("own", "view"), differences(world), strict=True):
        assert found.startswith(f"{name}: cannot be compared: ")
        assert f"there is no directory {root}" in found


def test_a_placement_of_no_page_and_no_index(world, root):
    db = sqlite3.connect(world.state / "ledger.sqlite")
    with db:
        assert db.execute("DELETE FROM statement WHERE view = 'io'").rowcount == 1
    db.close()
    assert "ledger: 1 placements in view: io are of no page and no cache index" in differences(
        world
    )


def test_what_is_fetched_is_not_compared_and_that_is_said(world, root, tmp_path):
    """Neither asked for nor passed over in silence."""
    tmp_path.chmod(0o755)
    with serving("nginx", root, packed=False) as server:
        world.run("sync", "--mirror", server.origin, "--view", "io")
        server.answers(2)
        ended = world.run("verify", "--json")
        assert ended.json["not_compared"] == [server.origin]
        assert f"not compared, since fetched: {server.origin}\n" in world.run("verify").out


def test_pages_beside_a_mirror_are_compared_as_ever(world, root):
    world.page("develop", "hdf5", spec(hash_of(1)))
    world.run("sync", "--pages", world.pages)
    world.page("develop", "hdf5", spec(hash_of(2)))
    (found,) = differences(world)
    assert "develop/hdf5/specs.md lists 1 specs" in found


def test_a_wrong_record_was_read_though_it_is_read_again(world):
    """It is no difference that a pass looks at it every time, whether it is all that is known or not."""
    path, other = world.root / "mirror", world.root / "other"
    wrong = mirrors.Record({**ZLIB.spec, "name": "zlib-xx"})
    mirrors.make_mirror(path, [wrong])
    mirrors.make_mirror(other, [ZLIB])
    world.run("sync", "--mirror", path.as_uri())
    assert differences(world, 0) == []
    world.run("sync", "--mirror", other.as_uri())
    assert differences(world, 0) == []
