"""Mirrors that real Spack wrote, read by their spec manifests; and pushes that a daemon sees at once."""

import json
import shutil

import pytest

from cachesync.search.searcher import Searcher
from tests.support import buckets, caches, mirrors
from tests.support.daemons import daemon, eventually, idle
from tests.support.pushing import in_order, made, pushes, waited_for
from tests.support.registries import docker_registry
from tests.support.world import World

NAMES = ["v3-1.1", "v3-1.1-next", "v3-1.1-signed", "v3-1.2dev", "v3-migrated-from-v2"]
OF_ITSELF = {"v3-migrated-from-v2": 8}
"""Specs that Spack's index describes otherwise than their own documents: it completes their `target`."""


def configure(world, root, *, read="manifests", more=""):
    world.configure(
        f"sources:\n  - {{name: ours, type: buildcache, url: '{root.as_uri()}', tag: t, read: {read}}}\n"
        f"watch: {{quiet: 100ms, every: 200ms{more}}}\n"
    )


def told(world):
    """What is placed, and how each spec is described, by the log."""
    placed, described = set(), {}
    for change in world.changes():
        if change["kind"] == "spec.cached":
            placed.add(change["hash"])
        elif change["kind"] == "spec.evicted":
            placed.discard(change["hash"])
        elif change["kind"] == "spec.described":
            described[change["hash"]] = {
                key: value for key, value in change.items() if key not in ("seq", "at")
            }
    return placed, described


@caches.needs_caches
@pytest.mark.parametrize("name", NAMES)
def test_manifests_say_what_the_index_says_where_both_are_whole(tmp_path, name):
    """The same hashes, and the same of each; a second pass changes nothing, nor does `verify` find a thing."""
    said = {}
    for read in ("index", "manifests"):
        world = World(tmp_path / read)
        configure(world, caches.mirror(name), read=read)
        assert world.run("sync", "--json").json["sources"][0]["state"] == "ok"
        said[read] = told(world)
        before = world.seq()
        world.run("sync")
        assert world.seq() == before
        world.verify()
    (placed, described), by_index = said["manifests"], said["index"]
    assert placed == by_index[0] == set(caches.contents()["mirrors"][name]["cached"])
    assert described.keys() == by_index[1].keys()
    other = [one for one in described if described[one] != by_index[1][one]]
    assert len(other) == OF_ITSELF.get(name, 0)


@caches.needs_caches
def test_what_is_really_there_is_placed_whatever_the_index_says(tmp_path):
    """Pruned, pushed without update-index, its blob deleted; and `verify` compares with what is there."""
    root = tmp_path / "mirror"
    shutil.copytree(caches.mirror("v3-1.1"), root)
    world = World(tmp_path / "world")
    configure(world, root)
    world.run("sync")
    pushed = mirrors.record("really", "1.0")
    mirrors.push(root, pushed)
    away = sorted((root / "v3/manifests/spec/hdf5").iterdir())
    for one in away:
        one.unlink()
    broken = sorted((root / "v3/manifests/spec/cmake").iterdir())[:2]
    for number, one in enumerate(broken):
        checksum = json.loads(one.read_bytes())["data"][number]["checksum"]
        (root / "blobs/sha256" / checksum[:2] / checksum).unlink()
    found = world.run("verify", status=1).out
    assert f"has 1 specs that the ledger does not, lacks {len(away)}" in found
    assert "has 2 placed specs that are not whole any more" in found
    world.run("sync")
    expected = set(caches.contents()["mirrors"]["v3-1.1"]["cached"])
    gone = {one.name.split(".spec")[0].rpartition("-")[2] for one in (*away, *broken)}
    assert told(world)[0] == expected - gone | {pushed.hash}
    world.verify()
    assert world.run("probe", "--json", status=None).status == 0
    shutil.rmtree(root / "blobs")
    assert "specs that are not whole any more" in world.run("verify", status=1).out


@caches.needs_caches
def test_the_images_of_a_registry_say_what_its_index_says(tmp_path):
    """Tag by tag, without the index; what is placed is as before, and not asked for again."""
    world = World(tmp_path)
    with docker_registry(caches.mirror("oci") / "storage") as origin:
        url = f"oci+http://{origin.removeprefix('http://')}/rig/cache"
        world.configure(
            f"sources:\n  - {{name: ours, type: buildcache, url: '{url}', read: manifests}}\n"
        )
        assert world.run("sync", "--json").json["sources"][0]["state"] == "ok"
        assert told(world)[0] == set(caches.contents()["mirrors"]["oci"]["cached"])
        before = world.seq()
        (again,) = world.run("sync", "--json").json["sources"]
        assert (again["state"], again["unchanged"], world.seq()) == ("ok", 1, before)


def test_the_manifests_of_a_bucket_are_listed(tmp_path):
    """What is pushed is placed, what is deleted is gone, and an index has no say."""
    world = World(tmp_path / "world")
    root = tmp_path / "served" / "bucket" / "mirror"
    records = [mirrors.record("zlib"), mirrors.record("hdf5"), mirrors.record("cmake")]
    mirrors.make_mirror(root, records[:1])
    pushed = mirrors.push(root, records[1])
    with buckets.serving(tmp_path / "served") as endpoint:
        world.configure(
            "sources:\n  - {name: ours, type: buildcache, url: 's3://bucket/mirror', read: manifests,"
            f" anonymous: true, endpoint: '{endpoint}'}}\n"
        )
        assert world.run("sync", "--json").json["sources"][0]["state"] == "ok"
        assert told(world)[0] == {one.hash for one in records[:2]}
        pushed.unlink()
        mirrors.push(root, records[2])
        world.run("sync")
        assert told(world)[0] == {records[0].hash, records[2].hash}


@caches.needs_caches
def test_the_manifests_of_a_real_mirror_in_a_bucket_are_read(tmp_path):
    """Signed and not: what is placed is what the mirror has, and nothing is asked for again."""
    world = World(tmp_path / "world")
    known = caches.contents()["mirrors"]["v3-1.1-signed"]
    with buckets.serving(caches.mirror("").parent) as endpoint:
        world.configure(
            "sources:\n  - {name: ours, type: buildcache, url: 's3://mirrors/v3-1.1-signed', read: manifests,"
            f" anonymous: true, endpoint: '{endpoint}'}}\n"
        )
        assert world.run("sync", "--json").json["sources"][0]["state"] == "ok"
        assert told(world)[0] == set(known["cached"])
        signed = world.run("search", "signed:yes", "--limit", "50", "--json").json["results"]
        assert {spec["hash"] for one in signed for spec in one["specs"]} == set(known["signed"])
        before = world.seq()
        (again,) = world.run("sync", "--json").json["sources"]
        assert (again["state"], again["unchanged"], world.seq()) == ("ok", 1, before)


def test_status_and_doctor_tell_what_is_read(tmp_path):
    world = World(tmp_path / "world")
    mirrors.push(tmp_path / "mirror", mirrors.record("zlib"))
    configure(world, tmp_path / "mirror")
    world.run("sync")
    (source,) = world.status()["sources"]
    assert [one["read"] for one in source["mirrors"]] == ["manifests"]
    assert "ok (manifests)" in world.run("status").out
    assert "1 spec manifests can be listed" in world.run("doctor", status=None).out


@pytest.mark.parametrize("mode", ["auto", "poll"])
def test_a_push_is_found_and_what_is_deleted_is_gone(tmp_path, mode):
    """By events and by polling, in the order in which Spack writes; nothing is ever seen half."""
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    configure(world, root, more=f", mode: {mode}")
    root.mkdir()
    with daemon(world) as running:
        idle(running)
        records = [mirrors.record("pkg", f"1.{number}") for number in range(8)]
        for one in records:
            for write in in_order(root, one):
                write()
        assert eventually(lambda: world.found("pkg") == sorted(one.hash for one in records), 20.0)
        manifest = next((root / "v3/manifests/spec/pkg").glob(f"*{records[0].hash}*"))
        manifest.unlink()
        assert eventually(
            lambda: world.found("pkg") == sorted(one.hash for one in records[1:]), 20.0
        )
        assert "refused" not in running.log
    world.verify()


def test_pushes_are_found_soon_after_each_other(tmp_path):
    """The small form of `tests/bench/pushes.py`, whose figures are the promise; here it is only done."""
    world = World(tmp_path / "world")
    root = tmp_path / "mirror"
    for number in range(120):
        mirrors.push(root, mirrors.record(f"old-{number}"))
    configure(world, root)
    with daemon(world) as running:
        idle(running)
        searcher = Searcher(world.state)
        try:
            assert max(pushes(searcher, made(root, 5))) < 10.0
            for number in range(130):  # of more packages than are looked at one by one
                mirrors.push(root, mirrors.record(f"many-{number}"))
            assert waited_for(searcher, "package:many-*", specs=130) < 30.0
        finally:
            searcher.close()
    world.verify()
