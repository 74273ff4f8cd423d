"""What `show` says of tarballs: of mirrors on disk unasked, of others with --size, and never by requests else."""

import json

import pytest

from tests.support import stubserver as stub
from tests.support.mirrors import make_mirror, record
from tests.support.world import World

ZLIB = record("zlib", "1.3.1")
MANY = [record("zlib", f"1.{number}") for number in range(60)]


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path / "world")


@pytest.fixture
def server():
    with stub.StubServer() as made:
        yield made


def tarball(root):
    (manifest,) = (root / "v3/manifests/spec").rglob("*.json")
    said = json.loads(manifest.read_bytes())["data"][0]["checksum"]
    return root / "blobs/sha256" / said[:2] / said


def served(server, root):
    def answer(talk):
        file = root / talk.seen.path.removeprefix("/mirror/")
        (stub.reply(file.read_bytes()) if file.is_file() else stub.status(404))(talk)

    server.mount("/mirror/", answer)
    return server.url("/mirror")


def test_of_a_mirror_on_disk_size_and_time_are_known(world, tmp_path):
    """Unasked, of a hash and in JSON; and that the tarball is gone."""
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB])
    world.run("sync", "--mirror", root.as_uri())
    file = tarball(root)
    said = f"{file.stat().st_size} B, 20"
    ended = world.run("show", f"/{ZLIB.hash}")
    (line,) = [line for line in ended.out.splitlines() if "tarball:" in line]
    assert said in line
    assert f", not signed  {file.as_uri()}" in line
    assert "tarball" not in world.run("show", "zlib").out
    assert said in world.run("show", "zlib", "--size").out
    (found,) = world.run("show", "zlib", "--json").json["results"][0]["specs"][0]["mirrors"]
    known = found["tarball"]
    assert (known["state"], known["bytes"], known["tarball"]) == (
        "there", file.stat().st_size, file.as_uri(),
    )  # fmt: skip
    file.unlink()
    assert "missing: its tarball is not there" in world.run("show", f"/{ZLIB.hash}").out
    root.rename(tmp_path / "away")
    assert f"unknown: there is no directory {root}" in world.run("show", f"/{ZLIB.hash}").out


def test_no_request_is_made_unasked(world, tmp_path, server):
    """With --size three for each spec: one for its manifest, and one each for what that names."""
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB])
    world.run("sync", "--mirror", served(server, root))
    before = len(server.seen)
    for arguments in ([f"/{ZLIB.hash}"], ["zlib"], ["zlib", "--json"]):
        assert "tarball" not in world.run("show", *arguments).out
    assert len(server.seen) == before
    ended = world.run("show", f"/{ZLIB.hash}", "--size")
    assert f"{server.url('/mirror')}/blobs/" in ended.out
    assert [seen.method for seen in server.seen[before:]] == ["GET", "HEAD", "HEAD"]


def test_requests_are_bounded(world, tmp_path, server):
    make_mirror(tmp_path / "mirror", MANY)
    world.run("sync", "--mirror", served(server, tmp_path / "mirror"))
    before = len(server.seen)
    ended = world.run("show", "zlib", "--size")
    assert len(server.seen) - before == 150
    assert "10 tarballs more were not asked for" in ended.err


def test_a_dag_has_no_size(world, tmp_path):
    make_mirror(tmp_path / "mirror", [ZLIB])
    world.run("sync", "--mirror", (tmp_path / "mirror").as_uri())
    ended = world.run("show", f"/{ZLIB.hash}", "--tree", "--size", status=2)
    assert "--size says nothing of a DAG" in ended.err
