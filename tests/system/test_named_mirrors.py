"""Mirrors that are named elsewhere: in the list of a site, as it is served, and in a mirrors.yaml of Spack's."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import urlopen

from tests.support import buckets, caches, mirrors
from tests.support.daemons import daemon, eventually, watched
from tests.support.registries import docker_registry
from tests.support.webservers import free_port, serving
from tests.support.world import World

ZLIB = mirrors.record("zlib", "1.3.1")
HDF5 = mirrors.record("hdf5", "1.14.6", ZLIB)
BZIP2 = mirrors.record("bzip2", "1.0.8")


@contextmanager
def served_site():
    """The origin of the site that `site.json` describes, served by its own server."""
    port = free_port()
    program = [sys.executable, str(caches.unpacked() / "serve_site.py"), str(port)]
    with subprocess.Popen(program) as process:
        origin = f"http://127.0.0.1:{port}"
        try:
            eventually(lambda: _answers(f"{origin}/cache_spack_io_index.json"))
            yield origin
        finally:
            process.terminate()


def _answers(url):
    try:
        with urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def placed(world):
    """What is placed, by tag: cached and not evicted again."""
    found = {}
    for change in world.changes():
        if change["kind"] == "spec.cached":
            found.setdefault(change["tag"], set()).add(change["hash"])
        elif change["kind"] == "spec.evicted":
            found[change["tag"]].discard(change["hash"])
    return {tag: hashes for tag, hashes in found.items() if hashes}


@caches.needs_caches
def test_a_site_is_what_its_list_names(tmp_path):
    """The hashes of each ref are exactly those of the mirrors that its entries lie in, and nobody else's."""
    root = caches.mirror("")
    prefixes = json.loads((root / "site.json").read_text())["prefixes"]
    said = json.loads((root / "cache_spack_io_index.json").read_text())
    known = caches.contents()["mirrors"]
    expected = {}
    for ref, entries in said.items():
        for entry in entries:
            prefix = ref if entry["label"] == "root" else f"{ref}/{entry['label']}"
            names = prefixes[prefix]
            for name in [names] if isinstance(names, str) else names:
                expected.setdefault(ref, set()).update(known[name]["cached"])
    world = World(tmp_path)
    with served_site() as origin:
        world.configure(
            "sources:\n  - name: site\n    type: buildcache\n"
            f"    list: {origin}/cache_spack_io_index.json\n"
        )
        world.sync()
        assert placed(world) == expected
        before = world.seq()
        (result,) = world.sync()["sources"]
        assert (result["listed"], result["unchanged"]) == (6, 6)
        assert world.seq() == before
        world.verify()


class KeyedWorld(World):
    """A world whose environment has the secrets that its mirrors are reached with."""

    @property
    def environment(self):
        return {
            **super().environment, "BUCKET_ID": buckets.KEY, "BUCKET_SECRET": buckets.SECRET,
            "REGISTRY_USER": "bot", "REGISTRY_PASSWORD": "any",
        }  # fmt: skip


REAL = """\
mirrors:
  spack-public:
    binary: false
    url: https://mirror.spack.io
  v3-1.1: {caches}/v3-1.1
  v2-0.23:
    url: file://{caches}/v2-0.23
    signed: false
  v3-1.1-next:
    fetch: {web}/v3-1.1-next
    push: file:///nowhere
  v3-1.1-signed:
    source: false
    binary: true
    autopush: true
    url: {web}/v3-1.1-signed
  v3-migrated-from-v2:
    signed: false
    fetch:
      url: s3://mirrors/v3-migrated-from-v2
      endpoint_url: {bucket}
      access_pair:
        id_variable: BUCKET_ID
        secret_variable: BUCKET_SECRET
    push:
      url: s3://mirrors/v3-migrated-from-v2
      profile: writer
  v3-1.2dev:
    url: s3://mirrors/v3-1.2dev
    endpoint_url: {bucket}
    access_pair: {{id: {key}, secret_variable: BUCKET_SECRET}}
  arm:
    url: {web}/v3-1.2dev
    view: arm
  team:
    fetch: {{url: "{caches}/v3-1.2dev", view: team/x86}}
  oci:
    url: {registry}/rig/cache
    access_pair: {{id_variable: REGISTRY_USER, secret_variable: REGISTRY_PASSWORD}}
"""


@caches.needs_caches
def test_every_mirror_of_a_mirrors_yaml_is_what_it_has(tmp_path):
    """On disk, from a web server, a bucket and a registry, in the forms in which Spack writes entries."""
    root = caches.mirror("")
    known = caches.contents()["mirrors"]
    views = known["v3-1.2dev"]["views"]
    expected = {name: set(one["cached"]) for name, one in known.items()}
    expected |= {"arm": set(views["arm"]["cached"]), "team": set(views["team/x86"]["cached"])}
    world, path = KeyedWorld(tmp_path / "world"), tmp_path / "mirrors.yaml"
    with (
        serving("nginx", root, packed=True) as web,
        buckets.serving(root.parent, buckets.KEY, buckets.SECRET) as bucket,
        docker_registry(root / "oci" / "storage") as registry,
    ):
        oci = registry.replace("http:", "oci+http:")
        path.write_text(
            REAL.format(caches=root, web=web.origin, bucket=bucket, key=buckets.KEY, registry=oci)
        )
        configure(world, path)
        world.sync()
        assert placed(world) == expected
        assert reasons(world) == []
        before = world.seq()
        (result,) = world.sync()["sources"]
        assert (result["listed"], result["unchanged"]) == (len(expected), len(expected))
        assert world.seq() == before
    world.verify()


def configure(world, path):
    world.configure(
        "watch: {quiet: 50ms}\nguard: {removal_minimum: 100}\n"
        f"sources:\n  - {{name: site, type: buildcache, mirrors: {path}, every: 1d}}\n"
    )


def write(path, text):
    """A new file in the place of the former one, as old as where it was copied from: no pass waits for it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.utime(new, (0, 0))
    os.replace(new, path)


def reasons(world):
    return [one["reason"] for one in world.status()["warnings"]]


def test_a_mirrors_yaml_is_followed(tmp_path):
    """The daemon reads what it names, at once when it changes; what is broken or not supported removes nothing."""
    world = World(tmp_path)
    for name, some in (("a", [HDF5]), ("b", [BZIP2])):
        mirrors.make_mirror(tmp_path / "caches" / name, some)
    mirrors.make_mirror(tmp_path / "caches" / "b", [ZLIB, BZIP2], view="x")
    spack = tmp_path / "spack"
    spack.mkdir()
    path = spack / "mirrors.yaml"
    write(
        path,
        "mirrors:\n  first: ../caches/a\n  far: sftp://h/m\n  src: {url: ../x, binary: false}\n",
    )
    configure(world, path)
    first, second = {HDF5.hash}, {BZIP2.hash}
    with daemon(world) as running:
        watched(running)
        eventually(lambda: placed(world) == {"first": first})
        assert reasons(world) == ["far: not read: sftp: addresses are not supported"]
        write(path, "mirrors:\n  first: ../caches/a\n  second: {fetch: ../caches/b}\n")
        eventually(lambda: placed(world) == {"first": first, "second": second})
        assert reasons(world) == []
        write(
            path, "mirrors:\n  first: ../caches/a\n  second: {fetch: {url: ../caches/b, view: x}}\n"
        )
        eventually(lambda: placed(world)["second"] == {ZLIB.hash, BZIP2.hash})
        write(path, "mirrors:\n  first: ../caches/a\n  second: {url: s3://b, profile: mine}\n")
        eventually(lambda: "second: not read: profile" in "".join(reasons(world)))
        assert set(placed(world)) == {"first", "second"}
        write(path, "mirrors: [")
        eventually(lambda: world.status()["sources"][0]["state"] == "failed")
        assert str(path) in world.status()["sources"][0]["error"]
        assert set(placed(world)) == {"first", "second"}
        write(path, "mirrors:\n  second: ../caches/b\n")
        eventually(lambda: set(placed(world)) == {"second"})
        assert world.status()["sources"][0]["state"] == "ok"


def test_a_mirrors_yaml_is_read_at_each_sync(tmp_path):
    """Without a daemon too; an empty file is no word, and `mirrors: {}` is one."""
    world = World(tmp_path)
    path = tmp_path / "mirrors.yaml"
    mirrors.make_mirror(tmp_path / "a", [HDF5])
    configure(world, path)
    assert str(path) in world.sync(status=1)["sources"][0]["error"]
    write(path, "mirrors: {a: a}")
    world.sync()
    assert placed(world) == {"a": {HDF5.hash}}
    said = world.run("search", "hdf5", "--install").out
    assert f"spack mirror add a-cache file://{tmp_path}/a\n" in said
    write(path, "")
    world.sync(status=1)
    assert placed(world) == {"a": {HDF5.hash}}
    found = world.run("doctor", "--offline", status=None).out
    assert "it has no mirrors:" in found
    write(path, "mirrors: {}")
    world.sync()
    assert placed(world) == {}


def test_verify_compares_the_mirrors_of_a_mirrors_yaml(tmp_path):
    """Those on disk, each with what the ledger has of it."""
    world = World(tmp_path)
    path = tmp_path / "mirrors.yaml"
    for name in ("a", "b"):
        mirrors.make_mirror(tmp_path / name, [HDF5])
    configure(world, path)
    write(path, "mirrors: {a: a, b: b}")
    world.sync()
    assert world.run("verify", "--json").json["differences"] == []
    mirrors.make_mirror(tmp_path / "b", [BZIP2])
    more, unread = world.run("verify", "--json", status=1).json["differences"]
    assert more == f"site: file://{tmp_path}/b has 1 specs that the ledger does not, lacks 1"
    assert unread.startswith(f"site: file://{tmp_path}/b tells of 1 specs")


def test_a_secret_that_is_not_there_keeps_one_mirror_only(tmp_path):
    """It is named by its variable; the others are read, and what the mirror said stands."""
    world = World(tmp_path)
    path = tmp_path / "mirrors.yaml"
    mirrors.make_mirror(tmp_path / "a", [HDF5])
    pair = "{id_variable: NO_SUCH_ID, secret_variable: NO_SUCH_SECRET}"
    write(path, f"mirrors: {{a: a, b: {{url: s3://b, access_pair: {pair}}}}}")
    configure(world, path)
    world.sync()
    assert placed(world) == {"a": {HDF5.hash}}
    assert reasons(world) == [
        "b: not read: the environment variable NO_SUCH_ID is not set for the daemon"
    ]
    world.verify()
