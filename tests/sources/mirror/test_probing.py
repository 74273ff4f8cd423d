"""What a mirror really has of a spec: all of it, not all of it, or nobody can tell."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cachesync.config.mirrors import path
from cachesync.model import Build
from cachesync.sources.mirror.files import Files
from cachesync.sources.mirror.probing import State, probe
from cachesync.sources.mirror.registry import Registry
from cachesync.sources.mirror.web import Web
from tests.support import caches, mirrors, registries
from tests.support import stubserver as stub
from tests.support.nobody import nobody

ZLIB = mirrors.record("zlib", "git.8d10=1.3")
OLD = mirrors.record("bzip2", "1.0.8", spec_format=4, compiler="gcc@12.3.0")
SIGNATURE = b"\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"


def build(record):
    spec, arch = record.spec, record.spec["arch"]
    said = spec.get("compiler")
    by = f"{said['name']}@={said['version']}" if said else "none"
    target = arch["target"] if isinstance(arch["target"], str) else arch["target"]["name"]
    return Build(
        spec["name"], spec["version"], by, arch["platform_os"], arch["platform"], target, ()
    )


def look(place, record=ZLIB, layouts="32"):
    return probe(place, build(record), record.hash, layouts)


def manifest_of(root):
    (found,) = (root / "v3/manifests/spec").rglob("*.json")
    return found


def blob(root, media):
    """The file that the manifest names with this media type."""
    said = json.loads(manifest_of(root).read_bytes())["data"]
    (one,) = [entry for entry in said if media in entry["mediaType"]]
    return root / "blobs/sha256" / one["checksum"][:2] / one["checksum"]


def sign(file):
    begin = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
    file.write_bytes(begin + file.read_bytes() + SIGNATURE)


@pytest.fixture
def place(reached):
    url, fetcher, _ = reached
    return Files(path(url)) if fetcher is None else Web(url, fetcher, 1 << 20)


def test_a_spec_that_is_there_is_found(place, root):
    """With its size and time, and whether it is signed."""
    mirrors.make_mirror(root, [ZLIB])
    found = look(place)
    tarball = blob(root, "install").stat()
    assert (found.state, found.layout, found.is_signed) == (State.THERE, 3, False)
    assert found.size == found.said_size == tarball.st_size
    assert found.modified == pytest.approx(tarball.st_mtime, abs=1)
    assert found.tarball == place.where(str(blob(root, "install").relative_to(root)))
    sign(manifest_of(root))
    assert look(place).is_signed


LOSSES = {
    "manifest": (lambda root: manifest_of(root).unlink(), "its manifest "),
    "tarball": (lambda root: blob(root, "install").unlink(), "its tarball "),
    "document": (lambda root: blob(root, "spec.v5").unlink(), "its document "),
    "half of the tarball": (
        lambda root: blob(root, "install").write_bytes(b"half"), "its tarball has 4 bytes, and ",
    ),
    "what the manifest says": (lambda root: manifest_of(root).write_bytes(b""), "is empty"),
    "the end of a signature": (
        lambda root: manifest_of(root).write_bytes(b"-----BEGIN PGP SIGNED MESSAGE-----\n\n{}"),
        "the signed message ends before its signature does",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lost", LOSSES)
def test_what_is_lost_is_missing(place, root, lost):
    mirrors.make_mirror(root, [ZLIB])
    lose, reason = LOSSES[lost]
    lose(root)
    found = look(place)
    assert found.state is State.MISSING
    assert reason in found.reason
    assert not found.is_unreachable


def test_layout_2_is_looked_at_where_layout_3_has_nothing(place, root):
    """As Spack does: a spec that was pushed before; a view lies in layout 3 only."""
    mirrors.make_mirror(root, [ZLIB])
    mirrors.make_mirror(root, [OLD], layout=2)
    found = look(place, OLD)
    assert (found.state, found.layout, found.is_signed) == (State.THERE, 2, False)
    assert found.size > 0
    assert look(place, OLD, "2") == found
    assert look(place, OLD, "3").state is State.MISSING
    (document,) = (root / "build_cache").glob("*.spec.json")
    document.rename(signed := document.with_name(f"{document.name}.sig"))
    sign(signed)
    assert look(place, OLD)._replace(manifest=None) == found._replace(manifest=None, is_signed=True)
    (tarball,) = (root / "build_cache").rglob("*.spack")
    tarball.unlink()
    assert look(place, OLD).reason.startswith("its tarball ")
    signed.write_bytes(b"cut")
    assert "the signed message has no text" in look(place, OLD).reason
    signed.unlink()
    assert look(place, OLD).reason.startswith("its manifest ")


@pytest.mark.parametrize(
    "behaviour",
    [stub.status(500), stub.status(401), stub.hang_up(), stub.reply(b"<html>log in</html>")],
)
def test_a_mirror_that_does_not_answer_tells_nothing(server, fetcher, behaviour):
    """A portal is no manifest, and no absence of one."""
    server.mount("/", behaviour)
    assert look(Web(server.origin, fetcher, 1 << 20)).state is State.UNKNOWN


PAGE = stub.reply(b"<html>log in</html>", content_type="text/html; charset=utf-8")


@pytest.mark.parametrize("layout", [2, 3])
def test_a_page_in_the_place_of_a_blob_tells_nothing(server, fetcher, tmp_path, layout):
    """Of its length neither; but a server that calls everything a page has what it should have."""
    mirrors.make_mirror(tmp_path, [OLD], layout=layout)
    place, kind = Web(server.origin, fetcher, 1 << 20), {"content_type": "text/html"}
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    for one in files:
        server.script(f"/{one.relative_to(tmp_path)}", stub.reply(one.read_bytes(), **kind))
    found = look(place, OLD)
    assert found.state is (State.THERE if layout == 3 else State.UNKNOWN)
    for one in files:
        server.script(f"/{one.relative_to(tmp_path)}", stub.cached(one.read_bytes()))
    assert look(place, OLD).state is State.THERE
    tarballs = [one for one in files if one.suffix == ".spack"] or [blob(tmp_path, "install")]
    server.script(f"/{tarballs[0].relative_to(tmp_path)}", PAGE)
    hidden = look(place, OLD)
    assert hidden.state is State.UNKNOWN
    assert hidden.reason == "its tarball was answered with a page, not with what was asked for"


def test_what_may_not_be_read_tells_nothing():
    """Spack runs as somebody else, perhaps."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        mirrors.make_mirror(root, [ZLIB])
        for file in (manifest_of(root), blob(root, "install")):
            file.chmod(0)
            with nobody():
                found = look(Files(made))
            assert found.state is State.UNKNOWN
            assert f"{file} cannot be read: permission denied (chmod o+rX" in found.reason
            file.chmod(0o644)
    assert look(Files(made)).reason == f"there is no directory {made}"


@caches.needs_caches
def test_of_real_mirrors_everything_is_there():
    """But for those tarballs that the archive replaced by others."""
    for name, layouts in (("v3-1.1", "3"), ("v2-0.23", "2"), ("v3-1.1-signed", "3")):
        root = caches.mirror(name)
        installs = json.loads(caches.index_of(name))["database"]["installs"]
        known = caches.contents()["mirrors"][name]
        for spec_hash in known["cached"]:
            record = mirrors.Record(installs[spec_hash]["spec"])
            if "compiler" not in record.spec and layouts == "2":
                continue
            found = look(Files(str(root)), record, layouts)
            is_signed = spec_hash in known.get("signed", ())
            assert layouts == "2" or found.is_signed is is_signed
            assert (found.state is State.THERE) is not (is_signed and layouts == "3")


def test_a_registry_is_asked_by_tags(server, fetcher, tmp_path):
    """The real one: there, with its size and the time in its config; one that lost a blob lacks it, and one that refuses tells nothing."""
    stored = registries.Images()
    stored.spec(OLD)
    with registries.docker_registry(tmp_path) as origin:
        stored.push(origin)
        url = f"oci+http://{origin.removeprefix('http://')}/{registries.NAME}"
        found = look(Registry(url, fetcher, 1 << 20), OLD, "o")
        assert (found.state, found.layout, found.is_signed) == (State.THERE, "oci", False)
        assert found.size == found.said_size > 0
        assert found.modified == datetime(2026, 11, 27, 23, 22, 23, 821900, UTC).timestamp()
        absent = look(Registry(url, fetcher, 1 << 20), ZLIB, "o")
        assert absent.state is State.MISSING
        assert absent.reason.startswith("its manifest answered 404 (")
    stub_ = registries.RegistryStub(server, stored)
    place = Registry(stub_.url, fetcher, 1 << 20)
    assert look(place, OLD, "o").state is State.THERE
    said = json.loads(
        place.small(found.manifest.partition(f"{registries.NAME}/")[2], most_bytes=1 << 20).data
    )
    lost = said["layers"][-1]["digest"]
    server.script(f"/v2/{registries.NAME}/blobs/{lost}", registries.error("BLOB_UNKNOWN"))
    assert look(place, OLD, "o").reason.startswith("its tarball answered 404")
    server.script(f"/v2/{registries.NAME}/blobs/{lost}", registries.error("DENIED", 403))
    assert look(place, OLD, "o").state is State.UNKNOWN
    server.script(f"/v2/{registries.NAME}/blobs/{lost}", PAGE)
    assert look(place, OLD, "o").state is State.UNKNOWN
    server.script(found.manifest.partition(found.manifest.split("/")[2])[2], PAGE)
    server.script(f"/v2/{registries.NAME}/blobs/{lost}")
    assert look(place, OLD, "o").state is State.UNKNOWN
