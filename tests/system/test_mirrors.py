"""The mirrors that real Spack wrote, synced by the command line: by file, and from real web servers."""

import os
import shutil
import time
from contextlib import contextmanager

import pytest

from tests.support import caches, mirrors
from tests.support.daemons import daemon, eventually
from tests.support.webservers import serving
from tests.support.world import World, spec

SERVED = ["file", "nginx", "apache"]
NAMES = ["v2-0.23", "v3-1.1", "v3-1.1-next", "v3-1.1-signed", "v3-1.2dev", "v3-migrated-from-v2"]
INDEX = "v3/manifests/index/index.manifest.json"


@contextmanager
def reached(how, root):
    """The address of a directory, and the server if it is one."""
    if how == "file":
        yield root.as_uri(), None
    else:
        with serving(how, root, packed=True) as server:
            yield server.origin, server


def placed(world, source=None):
    """Every hash that is placed, by the log: cached and not evicted again."""
    found = set()
    for change in world.changes():
        if source is not None and change.get("source") != source:
            continue
        if change["kind"] == "spec.cached":
            found.add(change["hash"])
        elif change["kind"] == "spec.evicted":
            found.discard(change["hash"])
    return found


def synced(world, *arguments):
    """What a pass came to; the pages of the world have no part in it."""
    return world.run("sync", *arguments, "--json").json


def the_only(document):
    (result,) = document["sources"]
    return result


@caches.needs_caches
@pytest.mark.parametrize("how", SERVED)
def test_what_is_placed_is_what_the_mirror_has(tmp_path, how):
    """Of every mirror, by file and from servers; a second pass changes nothing, for one request each."""
    world = World(tmp_path)
    with reached(how, caches.mirror("")) as (url, server):
        for name in NAMES:
            said = the_only(synced(world, "--mirror", f"{url}/{name}"))
            assert said["state"] == "ok"
            expected = set(caches.contents()["mirrors"][name]["cached"])
            assert placed(world, f"{url}/{name}") == expected, name
        if server is not None:
            server.answers(3 * len(NAMES))
        before = world.seq()
        results = synced(world)["sources"]
        assert [one["unchanged"] for one in results] == [1] * len(NAMES)
        assert world.seq() == before
        if server is not None:
            answers = server.answers(len(NAMES))
            assert [sent.status for sent in answers] == [304] * len(NAMES)
            assert [sent.body_bytes for sent in answers] == [0] * len(NAMES)
    world.verify()


@caches.needs_caches
@pytest.mark.parametrize("how", SERVED)
def test_each_view_is_a_tag_of_its_own(tmp_path, how):
    world = World(tmp_path)
    views = caches.contents()["mirrors"]["v3-1.2dev"]["views"]
    with reached(how, caches.mirror("v3-1.2dev")) as (url, _server):
        options = [word for view in views for word in ("--view", view)]
        the_only(synced(world, "--mirror", url, *options))
        again = the_only(synced(world))  # the views are remembered
        assert again["unchanged"] == len(views)
    for view, said in views.items():
        hashes = {change["hash"] for change in world.changes()
                  if change["kind"] == "spec.cached" and change["tag"] == view}  # fmt: skip
        assert hashes == set(said["cached"]), view


@caches.needs_caches
@pytest.mark.parametrize("how", SERVED)
def test_a_later_state_in_place_gives_exactly_what_came_and_went(tmp_path, how):
    """Additions at once, removals when they settled; nothing for a spec that was only pushed again."""
    root = tmp_path / "site" / "mirror"
    tmp_path.chmod(0o755)
    shutil.copytree(caches.mirror("v3-1.1"), root)
    world = World(tmp_path / "world")
    delta = caches.contents()["v3-1.1 -> v3-1.1-next"]
    with reached(how, root.parent) as (origin, _server):
        synced(world, "--mirror", f"{origin}/mirror")
        before = world.seq()
        shutil.copytree(caches.mirror("v3-1.1-next"), root, dirs_exist_ok=True)
        os.utime(root / INDEX, (time.time() - 60, time.time() - 60))
        synced(world)
        assert not [c for c in world.changes("--since", before) if c["kind"] == "spec.evicted"]
        synced(world)
        synced(world)
    changes = world.changes("--since", before)
    came = {change["hash"] for change in changes if change["kind"] == "spec.cached"}
    went = {change["hash"] for change in changes if change["kind"] == "spec.evicted"}
    assert came == set(delta["added"])
    assert went == set(delta["removed"])
    again = {name.partition("/")[2] or name for name in delta["same_hash_other_manifest"]}
    assert not again & (came | went)
    assert placed(world) == set(caches.contents()["mirrors"]["v3-1.1-next"]["cached"])


# -- small ones


ZLIB = mirrors.record("zlib", "1.3.1")
HDF5 = mirrors.record("hdf5", "1.14.6", ZLIB)
CMAKE = mirrors.record("cmake", "3.31.6")


def configure(world, root, more=""):
    world.configure(
        f"sources:\n  - {{name: ours, type: buildcache, url: '{root.as_uri()}', tag: t{more}}}\n"
        "watch: {quiet: 50ms, every: 200ms}\n"
    )


def is_placed(world, *records):
    return eventually(lambda: placed(world) >= {one.hash for one in records}, 10.0)


def replaced(path, data):
    beside = path.with_name(".new")
    beside.write_bytes(data)
    beside.replace(path)


@pytest.mark.parametrize("layout", [2, 3])
@pytest.mark.parametrize("mode", ["events", "poll"])
def test_the_daemon_sees_a_new_index_at_once(tmp_path, layout, mode):
    """Written in place, replaced, and where there was none before; nobody waits for the schedule."""
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    root.mkdir()
    configure(world, root)
    world.config.write_text(
        world.config.read_text().replace("every: 200ms", f"every: 200ms, mode: {mode}")
    )
    with daemon(world) as running:
        running.says("watching" if mode == "events" else "polled")
        eventually(lambda: running.state()["sources"]["ours"]["doing"] == "idle")
        mirrors.make_mirror(root, [ZLIB], layout=layout)
        is_placed(world, ZLIB)
        mirrors.make_mirror(root, [ZLIB, HDF5], layout=layout)
        is_placed(world, ZLIB, HDF5)
        made = mirrors.make_mirror(tmp_path / "other", [ZLIB, HDF5, CMAKE], layout=layout)
        first = made.manifest if layout == 3 else made.index
        if layout == 3:
            blob = root / made.index.relative_to(made.path)
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(made.index.read_bytes())
        replaced(root / first.relative_to(made.path), first.read_bytes())
        is_placed(world, ZLIB, HDF5, CMAKE)


def test_a_sync_that_a_daemon_carries_out_says_why_a_source_failed(tmp_path):
    """In the same words as one without a daemon."""
    world = World(tmp_path / "world")
    configure(world, tmp_path / "nowhere")
    with daemon(world):
        asked = world.run("sync", "ours", status=1).err
    alone = world.run("sync", "ours", status=1).err
    assert "cachesync: error: ours: " in alone
    assert asked == alone


def test_the_log_names_a_rejected_cache_index_once(tmp_path):
    """With its view and the reason, as it names pages; what else is told speaks of cache indexes."""
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    made = mirrors.make_mirror(root, [ZLIB], view="a")
    made.manifest.write_bytes(b"no manifest")
    configure(world, root, ", view: a")
    with daemon(world) as running:
        running.says("ours: cache index rejected: ")
        world.run("sync", status=1)
        said = [line for line in running.log.splitlines() if "index rejected" in line]
        assert len(said) == 1
        assert f"{root.as_uri()}/v3/manifests/index/a/index.manifest.json: " in said[0]
        status = world.run("status").out
        assert "ours: more than half: 1 of 1 cache index is rejected" in status
        assert world.run("status", "--json").json["rejected"][0]["reason"] in said[0]


def test_a_source_becomes_a_mirror_and_pages_again(tmp_path):
    """The configuration says another type of the same name: `sync` and the daemon leave what it says."""

    def found():
        shown = (
            world.run("show", f"/{one.hash}", "--json", status=None) for one in (ZLIB, HDF5, CMAKE)
        )
        specs = (one.json["results"] for one in shown if one.status == 0)
        return {(place["tag"], spec["hash"]) for (hit,) in filter(None, specs)
                for spec in hit["specs"] for place in spec["placements"]}  # fmt: skip

    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    mirrors.make_mirror(root, [ZLIB, HDF5])
    world.page("develop", "zlib", spec(ZLIB.hash))
    world.page("develop", "cmake", spec(CMAKE.hash))
    world.configure("sources:\n" + world.directory_source("ours"))
    synced(world)
    pages = {("develop", one.hash) for one in (ZLIB, CMAKE)}
    assert found() == pages
    configure(world, root)
    assert the_only(synced(world))["state"] == "ok"
    assert found() == {("t", ZLIB.hash), ("t", HDF5.hash)}
    world.verify()
    world.configure("sources:\n" + world.directory_source("ours"))
    with daemon(world):
        eventually(lambda: found() == pages, 10.0)
    (source,) = world.status()["sources"]
    assert (source["pages"], source["type"], "mirrors" in source) == (2, "directory", False)
    world.verify()


def test_the_daemon_sees_a_new_view(tmp_path):
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    mirrors.make_mirror(root, [ZLIB])
    configure(world, root, ", views: [a, team/x86]")
    with daemon(world) as running:
        running.says("watching")
        mirrors.make_mirror(root, [ZLIB], view="a")
        mirrors.make_mirror(root, [HDF5], view="team/x86")
        is_placed(world, ZLIB, HDF5)


def test_the_daemon_waits_for_a_mirror_that_is_not_there(tmp_path):
    """It fails until then, and is read as soon as it appears."""
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    configure(world, root)
    with daemon(world) as running:
        running.says("no such file")
        mirrors.make_mirror(tmp_path / "made", [ZLIB])
        (tmp_path / "made").rename(root)
        is_placed(world, ZLIB)


def test_a_mirror_named_once_is_read_again(tmp_path):
    """By its address, which is its name; install help says that it is the mirror, and the view."""
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    made = mirrors.make_mirror(root, [ZLIB], view="team/x86")
    assert (
        the_only(synced(world, "--mirror", f"{made.url}/", "--view", "team/x86"))["name"]
        == made.url
    )
    mirrors.make_mirror(root, [ZLIB, HDF5], view="team/x86")
    assert the_only(synced(world, made.url))["changed"] == 1
    assert placed(world) == {ZLIB.hash, HDF5.hash}
    (line,) = [line for line in world.run("search", "hdf5", "--install").out.splitlines()
               if line.startswith("spack mirror add")]  # fmt: skip
    assert line == f"spack mirror add --name team/x86 team-x86-cache {made.url}"
    world.run("forget", made.url)
    world.run("sync", status=2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--mirror", "/srv/mirror"], "--mirror: a path is no address; write file:///srv/mirror"),
        (["--mirror", "ftp://a/b"], "--mirror: expected an address that begins with"),
        (["--mirror", "https://a.example"], "--mirror: no tag follows from https://a.example"),
        (["--mirror", "file:///a", "--view", ".."], "--view: expected the name of a view"),
        (["--view", "a"], "--view goes with --mirror URL"),
        (["--mirror", "oci://a.example"], "--mirror: expected oci://HOST/NAME"),
        (["--mirror", "oci+http://a.example/b", "--view", "a"], "--view: a registry has no views"),
    ],
)
def test_what_is_no_mirror_is_a_usage_error(tmp_path, arguments, reason):
    ended = World(tmp_path).run("sync", *arguments, status=2)
    assert reason in ended.err


def test_doctor_reads_the_index_of_a_mirror_on_disk(tmp_path):
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    configure(world, root)
    ended = world.run("doctor", "--offline", "--json", status=None)
    findings = [one for one in ended.json["findings"] if one["check"] == "ours"]
    assert [one["state"] for one in findings] == ["error", "ok"]
    assert f"there is no directory {root}" in findings[0]["text"]
    mirrors.make_mirror(root, [ZLIB])
    ended = world.run("doctor", "--offline", "--json", status=None)
    texts = [one["text"] for one in ended.json["findings"] if one["check"] == "ours"]
    assert texts[0].startswith("its cache index can be read, ")
    assert texts[1] == "watched by events"


def test_install_help_names_the_mirror_and_the_view(tmp_path):
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    mirrors.make_mirror(root, [ZLIB], view="a")
    mirrors.make_mirror(root, [HDF5], view="b")
    configure(world, root, ", views: [a, b]")
    synced(world)
    install = world.run("search", "hdf5", "--install", "--json").json["results"][0]["install"]
    assert (install["mirror"], install["view"]) == (root.as_uri(), "b")
    assert install["commands"][0] == f"spack mirror add --name b t-cache {root.as_uri()}"


@pytest.mark.parametrize("how", ["named once", "configured no longer"])
def test_install_help_of_a_mirror_that_no_configuration_names(tmp_path, how):
    """Its address and its view are those that were read, also where the view is called as the address ends.

    The view is said as Spack 1.2 takes it, and that it needs that.
    """
    world = World(tmp_path / "world")
    root = tmp_path / "v1.2"
    mirrors.make_mirror(root, [ZLIB], view="v1.2")
    if how == "named once":
        synced(world, "--mirror", root.as_uri(), "--view", "v1.2")
    else:
        configure(world, root, ", view: v1.2")
        synced(world)
        world.configure("sources:\n" + world.directory_source("other"))
        synced(world)
    comment, needs, added, *_ = world.run("search", "zlib", "--install").out.splitlines()
    name = "t" if how != "named once" else "v1.2"
    assert f"in {name} of " in comment
    assert needs == "# --name is that of a view: Spack 1.2 or later"
    assert added == f"spack mirror add --name v1.2 {name}-cache {root.as_uri()}"
