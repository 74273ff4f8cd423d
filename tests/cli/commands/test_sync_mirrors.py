"""`sync` over build caches that fail, are mistyped, or are read by another view: said once, and what to do."""

import pytest

from tests.support import stubserver as stub
from tests.support.mirrors import make_mirror, record
from tests.support.world import World

ZLIB = record("zlib", "1.3.1")
HDF5 = record("hdf5", "1.14.6", ZLIB)
MANY = [record(f"many{number}") for number in range(25)]


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path / "world")


@pytest.fixture
def server():
    with stub.StubServer() as made:
        yield made


def states(world):
    return {one["name"]: one["state"] for one in world.run("status", "--json").json["sources"]}


def error_of(ended):
    (line,) = [line for line in ended.err.splitlines() if ": error: " in line]
    return line


def test_one_build_cache_a_call_is_named(world, tmp_path):
    """A second --mirror is refused, and nothing is begun; the same twice is one."""
    made = [make_mirror(tmp_path / name, [one]).url for name, one in (("a", ZLIB), ("b", HDF5))]
    refused = world.run("sync", "--mirror", made[0], "--mirror", made[1], status=2)
    assert error_of(refused) == "cachesync: error: --mirror names one build cache at a time"
    assert "hint: sync each on its own" in refused.err
    assert not world.state.exists()
    world.run("sync", "--mirror", made[0], "--mirror", made[0])
    world.run("sync", "--mirror", made[1])
    assert {one["package"] for one in world.search("")["results"]} == {"zlib", "hdf5"}


BROKEN = {
    "no JSON": (b"no manifest", "the manifest is no JSON"),
    "no blob": (b'{"version":3,"data":[]}', "the manifest names no index"),
    "no manifest": (b"[]", "the manifest is not understood"),
    "a later version": (b'{"version":4,"data":[]}', "the manifest has version"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_manifest_fails_its_source_and_the_others_go_on(world, tmp_path, broken):
    """With the reason and exit status 1; the last good index stands, and the next good one recovers."""
    root = tmp_path / "mirror"
    made = make_mirror(root, [ZLIB], view="a")
    make_mirror(root, [], view="b")
    world.configure(
        f"sources:\n  - {{name: ours, type: buildcache, url: '{root.as_uri()}', views: [a, b], tag: t}}\n"
    )
    world.run("sync")
    whole = made.manifest.read_bytes()
    content, reason = BROKEN[broken]
    made.manifest.write_bytes(content)
    make_mirror(root, [HDF5], view="b")
    for _ in range(2):
        ended = world.run("sync", status=1)
        line = error_of(ended)
        assert line.startswith(
            "cachesync: error: ours: 1 of 2 cache indexes could not be read;"
            f" {root.as_uri()}/v3/manifests/index/a/index.manifest.json: {reason}"
        )
        assert ended.err.count(str(root)) == 1
    assert states(world) == {"ours": "failed"}
    assert {one["package"] for one in world.search("")["results"]} == {"zlib", "hdf5"}
    made.manifest.write_bytes(whole)
    world.run("sync")
    assert states(world) == {"ours": "ok"}


def test_a_mistyped_mirror_is_not_remembered(world, tmp_path):
    """Nothing of it could be read; the next `sync` does not fail for it."""
    make_mirror(tmp_path / "mirror", [ZLIB])
    good = (tmp_path / "mirror").as_uri()
    world.run("sync", "--mirror", good)
    for bad, *more in ([f"{good}s"], [f"{good}s", "--view", "a"]):
        ended = world.run("sync", "--mirror", bad, *more, status=1)
        assert "nothing of it could be read, so it is not remembered" in ended.err
        assert states(world) == {good: "ok"}
        world.run("sync")
    make_mirror(tmp_path / "mirrors", [HDF5])  # typed well, and there is none yet: the same
    world.run("sync", "--mirror", f"{good}s")
    assert states(world) == {good: "ok", f"{good}s": "ok"}


def test_a_mistyped_view_is_not_remembered(world, tmp_path):
    """What was read before is read again, by itself and beside a view that is there."""
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB])
    make_mirror(root, [HDF5], view="a")
    world.run("sync", "--mirror", root.as_uri())
    ended = world.run("sync", "--mirror", root.as_uri(), "--view", "aa", status=1)
    assert "the view aa could not be read, and is not remembered" in ended.err
    world.run("sync")
    world.run("sync", "--mirror", root.as_uri(), "--view", "a", "--view", "aa", status=1)
    world.run("sync")
    (source,) = world.run("status", "--json").json["sources"]
    assert (source["state"], [one["view"] for one in source["mirrors"]]) == ("ok", ["a"])


def test_a_mirror_that_was_read_stays_when_it_fails(world, tmp_path):
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB])
    world.run("sync", "--mirror", root.as_uri())
    root.rename(tmp_path / "away")
    world.run("sync", "--mirror", root.as_uri(), status=1)
    assert states(world) == {root.as_uri(): "failed"}
    assert [one["package"] for one in world.search("")["results"]] == ["zlib"]


def test_views_in_the_place_of_the_own_index_are_told_of(world, tmp_path):
    """What is let go, for what, and how to accept it."""
    root = tmp_path / "mirror"
    make_mirror(root, MANY, cached=MANY)
    make_mirror(root, [ZLIB], view="a")
    world.run("sync", "--mirror", root.as_uri())
    line = error_of(world.run("sync", "--mirror", root.as_uri(), "--view", "a", status=1))
    assert "25 of 25 specs would be evicted; none was" in line
    assert "--allow-mass-removal to accept it once" in line
    assert line.endswith(
        "; the mirror's own index (mirror) would be let go, as the view a is read in its place"
    )
    options = ("--view", "a", "--allow-mass-removal")
    world.run("sync", "--mirror", root.as_uri(), *options)
    assert [one["package"] for one in world.search("")["results"]] == ["zlib"]


@pytest.mark.parametrize(("layout", "answers"), [(2, 200), (3, 200), (None, 404)])
def test_doctor_asks_a_mirror_for_the_layout_that_it_has(world, tmp_path, server, layout, answers):
    root = tmp_path / "mirror"
    if layout is not None:
        make_mirror(root, [ZLIB], layout=layout)

    def honest(talk):
        file = root / talk.seen.path.lstrip("/")
        (stub.reply(file.read_bytes()) if file.is_file() else stub.status(404))(talk)

    server.mount("/", honest)
    world.configure(
        f"sources:\n  - {{name: ours, type: buildcache, url: '{server.origin}', tag: t}}\n"
    )
    said = world.run("doctor", status=None).out
    assert f"answers {answers}" in said
