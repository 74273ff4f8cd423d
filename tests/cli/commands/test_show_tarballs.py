"""What `show` says of tarballs: of mirrors on disk unasked, of others with --size, and never by requests else."""

import pytest

from tests.support import registries
from tests.support import stubserver as stub
from tests.support.mirrors import make_mirror, record, tarball_of
from tests.support.pagetext import Facts, as_generated, spec
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


def test_of_a_mirror_on_disk_size_and_time_are_known(world, tmp_path):
    """Unasked, of a hash and in JSON; and that the tarball is gone."""
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB])
    world.run("sync", "--mirror", root.as_uri())
    file = tarball_of(root, ZLIB)
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
    gone = f"  missing: its tarball is not there  {root.as_uri()}\n"
    assert gone in world.run("show", "zlib", "--size").out
    root.rename(tmp_path / "away")
    assert f"unknown: there is no directory {root}" in world.run("show", f"/{ZLIB.hash}").out


def test_no_request_is_made_unasked(world, tmp_path, server):
    """With --size three for each spec: one for its manifest, and one each for what that names."""
    root = tmp_path / "mirror"
    make_mirror(root, [ZLIB])
    world.run("sync", "--mirror", server.mirror(root))
    before = len(server.seen)
    for arguments in ([f"/{ZLIB.hash}"], ["zlib"], ["zlib", "--json"]):
        assert "tarball" not in world.run("show", *arguments).out
    assert len(server.seen) == before
    ended = world.run("show", f"/{ZLIB.hash}", "--size")
    assert f"{server.url('/mirror')}/blobs/" in ended.out
    assert [seen.method for seen in server.seen[before:]] == ["GET", "HEAD", "HEAD"]


def test_of_a_registry_size_time_and_address_are_asked_for(world, server):
    """Unasked nothing; with --size its manifest, the tarball, and the config, which says the time."""
    images = registries.Images()
    images.index([ZLIB])
    images.spec(ZLIB)
    stub_ = registries.RegistryStub(server, images)
    world.run("sync", "--mirror", stub_.url)
    stub_.paths.clear()
    assert "tarball" not in world.run("show", f"/{ZLIB.hash}").out
    assert stub_.paths == []
    shown = world.run("show", f"/{ZLIB.hash}", "--size", "--json").json["results"][0]["specs"][0]
    found = shown["mirrors"][0]["tarball"]
    data = f"tarball of {ZLIB.hash}".encode()
    assert (found["bytes"], found["state"]) == (len(data), "there")
    assert found["modified"].startswith("2026-11-27T23:22:23")
    assert found["tarball"].endswith(f"/v2/{registries.NAME}/blobs/{registries.digest(data)}")
    assert len(stub_.paths) == 3


def test_requests_are_bounded(world, tmp_path, server):
    make_mirror(tmp_path / "mirror", MANY)
    world.run("sync", "--mirror", server.mirror(tmp_path / "mirror"))
    before = len(server.seen)
    ended = world.run("show", "zlib", "--size")
    assert len(server.seen) - before == 150
    assert "10 tarballs more were not asked for" in ended.err


def test_a_dag_has_no_size(world, tmp_path):
    make_mirror(tmp_path / "mirror", [ZLIB])
    world.run("sync", "--mirror", (tmp_path / "mirror").as_uri())
    ended = world.run("show", f"/{ZLIB.hash}", "--tree", "--size", status=2)
    assert "--size says nothing of a DAG" in ended.err


URL = "https://binaries.spack.io/v1/build_cache/x.spack"
PLACED = spec("a" * 32, tarball=f"{URL}?token=hunter2", size="-")


def test_where_a_page_says_that_a_tarball_lay(world):
    """Of a hash unasked, without what may be a secret in the address; a later page may not say it."""
    world.page("v1", "zlib", PLACED)
    world.page("v2", "zlib", spec("a" * 32))
    world.page("v3", "zlib", spec("a" * 32, tarball=URL, size=77))
    world.configure(f"sources:\n{world.directory_source()}")
    world.run("sync")
    out = world.run("show", f"/{PLACED['hash']}").out
    assert [line.split(":", 1)[1].strip() for line in out.splitlines() if "tarball:" in line] == [
        f"{URL} (by site: v1/zlib/specs.md)", f"77 B  {URL} (by site: v3/zlib/specs.md)",
    ]  # fmt: skip
    assert "hunter2" not in out
    (hit,) = world.run("show", f"/{PLACED['hash']}", "--json").json["results"]
    assert hit["specs"][0]["pages"] == [
        {"source": "site", "tag": "v1", "path": "v1/zlib/specs.md", "tarball": URL, "bytes": None},
        {"source": "site", "tag": "v3", "path": "v3/zlib/specs.md", "tarball": URL, "bytes": 77},
    ]
    (world.pages / "v1/zlib/specs.md").unlink()
    assert "77 B" in world.run("show", f"/{PLACED['hash']}").out
    assert "tarball" not in world.run("show", "zlib").out
    assert "77 B" in world.run("show", "zlib", "--size").out


def test_a_page_of_a_web_site_is_asked_for_with_size_only(world, server):
    """One request for the page, and none else."""
    page = as_generated(Facts("zlib", "v1", [PLACED]))
    url = server.url("/v1/zlib/specs.md")
    server.mount("/v1/zlib/specs.md", stub.reply(page))
    world.configure(f"sources:\n  - {{name: web, type: http, urls: ['{url}'], every: 6h}}\n")
    world.run("sync")
    before = len(server.paths())
    assert "tarball:" not in world.run("show", f"/{PLACED['hash']}").out
    assert len(server.paths()) == before
    assert URL in world.run("show", f"/{PLACED['hash']}", "--size").out
    assert len(server.paths()) == before + 1
