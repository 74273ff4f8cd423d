"""Mirrors that are named elsewhere: in the list of a site, as it is served, and in a mirrors.yaml of Spack's."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import urlopen

from tests.support import caches, mirrors
from tests.support.daemons import daemon, eventually, watched
from tests.support.webservers import free_port
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


def configure(world, path):
    world.configure(
        "watch: {quiet: 50ms}\nguard: {removal_minimum: 100}\n"
        f"sources:\n  - {{name: site, type: buildcache, mirrors: {path}, every: 1d}}\n"
    )


def write(path, text):
    """As an editor does: a new file in the place of the former one."""
    new = path.with_suffix(".new")
    new.write_text(text)
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
