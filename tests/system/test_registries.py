"""Registries as mirrors, through the command line: what real Spack pushed, and one that is ill for a while."""

import json

import pytest

from cachesync.net.challenges import basic
from tests.support import caches
from tests.support import stubserver as stub
from tests.support.daemons import daemon, eventually
from tests.support.mirrorreading import HDF5, OLD, ZLIB, hashes
from tests.support.receiver import SECRET as RECEIVER_SECRET
from tests.support.receiver import receiver, subscription
from tests.support.registries import (
    INDEX,
    NAME,
    Images,
    RegistryStub,
    TokenServer,
    digest,
    docker_registry,
    error,
)
from tests.support.world import World

SECRET = "hunter2verysecret"


def placed(world):
    """Every hash that is placed, by the log."""
    found = set()
    for change in world.changes():
        if change["kind"] == "spec.cached":
            found.add(change["hash"])
        elif change["kind"] == "spec.evicted":
            found.discard(change["hash"])
    return found


def url_of(origin, name=NAME):
    return f"oci+http://{origin.removeprefix('http://')}/{name}"


@caches.needs_caches
def test_what_is_placed_is_what_real_spack_pushed(tmp_path):
    """With all 89 records described; a second pass changes nothing; `verify` and `status` say so."""
    world = World(tmp_path)
    with docker_registry(caches.mirror("oci") / "storage") as origin:
        url = url_of(origin, "rig/cache")
        world.run("sync", "--mirror", url)
        assert placed(world) == set(caches.contents()["mirrors"]["oci"]["cached"])
        assert world.status()["ledger"]["nodes"] == caches.contents()["mirrors"]["oci"]["records"]
        before = world.seq()
        (again,) = world.run("sync", "--json").json["sources"]
        assert (again["state"], again["unchanged"]) == ("ok", 1)
        assert world.seq() == before
    (source,) = world.status()["sources"]
    assert [(one["url"], one["tag"], one["stack"]) for one in source["mirrors"]] == [
        (url, "cache", "root")
    ]
    world.verify()


def test_how_to_install_from_a_registry(tmp_path):
    """Unsigned and without keys, as registries hold neither; oci+http is no cache for Spack up to 1.2."""
    world = World(tmp_path)
    images = Images()
    images.index([ZLIB])
    with stub.StubServer() as server:
        registry = RegistryStub(server, images)
        world.configure(
            f"sources:\n  - {{name: reg, type: buildcache, url: '{registry.url}', tag: v1}}\n"
        )
        world.run("sync")
    about, unread, *commands = world.run("search", "zlib", "--install").out.splitlines()
    assert about.endswith("in v1 of reg (root)")
    assert unread.startswith("# Spack up to 1.2 reads no cache index over oci+http://")
    assert commands == [
        f"spack mirror add --unsigned v1-cache {registry.url}",
        f"spack install --cache-only /{ZLIB.hash}",
    ]
    world.configure(
        "sources:\n  - {name: reg, type: buildcache, url: 'oci://ghcr.io/org/cache', tag: v1}\n"
    )
    _, *commands = world.run("search", "zlib", "--install").out.splitlines()
    assert commands[0] == "spack mirror add --unsigned v1-cache oci://ghcr.io/org/cache"
    assert (
        "oci://ghcr.io/org/cache"
        in world.run("config", "check").out + world.run("config", "show").out
    )


def test_a_password_in_the_environment_reads_a_registry_with_tokens(tmp_path):
    """And is in no output, whether it is right or wrong."""
    world = World(tmp_path / "world")
    images = Images()
    images.index([HDF5, ZLIB])
    with docker_registry(tmp_path / "storage") as origin:
        images.push(origin)
    (tmp_path / "password").write_text(SECRET)
    with stub.StubServer() as server:
        tokens = TokenServer(server, tmp_path)
        tokens.login = basic("bot", SECRET)
        with docker_registry(tmp_path / "storage", token=tokens.auth) as origin:
            world.configure(
                f"sources:\n  - {{name: reg, type: buildcache, url: '{url_of(origin)}', tag: v1,"
                f" credentials: {{username: bot, password: {{file: {tmp_path}/password}}}}}}\n"
            )
            world.run("sync")
            assert placed(world) == hashes(HDF5, ZLIB)
            tokens.login = "Basic bm9ib2R5Om5vYm9keQ=="
            result = world.run("-v", "sync", status=1)
            assert "no token from 127.0.0.1" in result.err
            assert "check `credentials:`" in result.err
            said = result.out + result.err + json.dumps(world.status())
            assert not any(one in said for one in (SECRET, tokens.login, *tokens.given))
    assert placed(world) == hashes(HDF5, ZLIB)


def test_a_registry_that_speaks_tls_is_read_by_who_trusts_it(tmp_path):
    """By oci://, with a token of a server on this machine; who does not trust it sends it nothing."""
    trustme = pytest.importorskip("trustme", reason="tests/requirements.lock has it")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    files = tmp_path / "registry.pem", tmp_path / "registry.key"
    issued.cert_chain_pems[0].write_to_path(files[0])
    issued.private_key_pem.write_to_path(files[1])
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "password").write_text(SECRET)
    images = Images()
    images.index([HDF5, ZLIB])
    with docker_registry(tmp_path / "storage") as origin:
        images.push(origin)
    world = World(tmp_path / "world")
    with stub.StubServer() as server:
        tokens = TokenServer(server, tmp_path)
        with docker_registry(tmp_path / "storage", tls=files, token=tokens.auth) as origin:
            url = origin.replace("https://", "oci://") + f"/{NAME}"
            config = (
                f"sources:\n  - {{name: reg, type: buildcache, url: '{url}', tag: v1,"
                f" credentials: {{username: bot, password: {{file: {tmp_path}/password}}}}%s}}\n"
            )
            world.configure(config % "")
            assert "its certificate is refused" in world.run("sync", status=1).err
            assert tokens.asked == []
            world.configure(config % f", ca_file: {tmp_path}/ca.pem")
            world.run("sync")
            assert placed(world) == hashes(HDF5, ZLIB)
            findings = world.run("doctor", "--json", status=None).json["findings"]
            (found,) = [one for one in findings if one["check"] == "reg"]
            assert (found["state"], found["remedy"]) == ("ok", None)


HTML = b"<html>Please log in</html>"
ILLS = {
    "404 for a while": lambda _: error("MANIFEST_UNKNOWN"),
    "a 404 of somebody else's": lambda _: stub.status(404, HTML),
    "HTML": lambda _: stub.reply(HTML, content_type="text/html"),
    "a 401 loop": lambda server: stub.status(
        401, www_authenticate=f'Bearer realm="{server.url("/token")}",error="insufficient_scope"'
    ),
    "denied": lambda _: error("DENIED", 403),
    "another digest": lambda _: stub.reply(b"{}", docker_content_digest=f"sha256:{'a' * 64}"),
    "an image without an index": lambda _: stub.reply(
        b'{"schemaVersion":2,"config":{"digest":"sha256:%s","size":2},"layers":[]}' % (b"a" * 64)
    ),
    "nothing": lambda _: stub.reply(b""),
    "nobody": lambda _: stub.hang_up(),
}


@pytest.mark.parametrize("ill", [*ILLS, "a cut blob", "an altered blob"])
def test_a_registry_that_is_ill_for_a_while_changes_nothing(tmp_path, ill):
    """Three passes of it, with another index behind: no spec leaves or comes, and then all is as it is."""
    world = World(tmp_path)
    images = Images()
    images.index([HDF5, ZLIB])
    with stub.StubServer() as server:
        server.script("/token", stub.reply(b'{"token": "t"}'))
        registry = RegistryStub(server, images)
        world.run("sync", "--mirror", registry.url)
        before = world.seq()
        document = images.index([HDF5, ZLIB, OLD])
        path = f"/v2/{NAME}/manifests/{INDEX}"
        behaviour = ILLS[ill](server) if ill in ILLS else None
        if behaviour is None:
            path = f"/v2/{NAME}/blobs/{digest(document)}"
            other = document.replace(ZLIB.hash.encode(), OLD.hash.encode())
            behaviour = (
                stub.reply(other) if "altered" in ill
                else stub.reply(document[:-100], docker_content_digest=digest(document))
            )  # fmt: skip
        server.script(path, behaviour)
        for _ in range(3):
            world.run("sync", status=1)
        kinds = {change["kind"] for change in world.changes("--since", before)}
        assert kinds <= {"source.failed", "index.rejected"}
        assert placed(world) == hashes(HDF5, ZLIB)
        (reason,) = [one["error"] for one in world.status()["sources"] if one["error"]]
        assert reason.isprintable()
        server.script(path)
        world.run("sync")
        assert placed(world) == hashes(HDF5, ZLIB, OLD)
        assert "spec.evicted" not in {change["kind"] for change in world.changes()}
    world.verify()


@pytest.mark.parametrize("read", ["index", "manifests"])
def test_a_daemon_finds_what_is_pushed_to_a_registry(tmp_path, read):
    """By the index that update-index writes, or tag by tag without it; and who subscribed is told, once."""
    world = World(tmp_path / "world")
    images = Images()
    for one in (ZLIB, HDF5):
        images.spec(one)
    images.index([ZLIB, HDF5])
    (tmp_path / "secret").write_text(RECEIVER_SECRET)
    with docker_registry(tmp_path / "storage") as origin, receiver() as there:
        images.push(origin)
        told = subscription(
            there.url, secret=tmp_path / "secret", extra="    batch: {window: 50ms}\n"
        )
        world.configure(
            f"sources:\n  - {{name: reg, type: buildcache, url: '{url_of(origin)}', tag: v1,"
            f" read: {read}, every: 1s}}\nsubscriptions:\n{told}"
        )
        with daemon(world):
            assert eventually(lambda: world.state.exists() and placed(world) == hashes(HDF5, ZLIB))
            images.spec(OLD)
            if read == "index":
                images.index([ZLIB, HDF5, OLD])
            images.push(origin)
            assert eventually(lambda: world.found(f"/{OLD.hash}") == [OLD.hash])
            assert eventually(lambda: there.accepted)
        (change,) = there.changes()
        assert (change["hash"], change["source"], change["tag"]) == (OLD.hash, "reg", "v1")
        assert not there.bad
