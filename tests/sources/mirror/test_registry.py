"""A mirror in a registry: its index as it is, asked for again by its digest, and whatever goes wrong is a failure."""

import json
import re
import time

import pytest

from cachesync.buildcache.layout import INDEX_TAG, manifest_path
from cachesync.config.mirrors import web_address
from cachesync.config.reachvalues import Secret, SecretKind
from cachesync.config.sourceconfigs import BuildcacheSourceConfig, Credentials
from cachesync.errors import CachesyncError
from cachesync.net import Login
from cachesync.net.challenges import basic
from cachesync.sources.base import UNCHANGED, Failed, Unchanged
from cachesync.sources.mirror.place import Absent, Small
from cachesync.sources.mirror.reaching import Reach
from cachesync.sources.mirror.registry import TRUST_SECONDS, Registry
from cachesync.sources.mirror.source import MirrorSource
from cachesync.sources.mirror.spool import Spool
from tests.support import mirrors
from tests.support import stubserver as stub
from tests.support.mirrorreading import HDF5, LIMITS, OLD, ZLIB, hashes, placed, read
from tests.support.registries import (
    INDEX,
    NAME,
    Images,
    RegistryStub,
    TokenServer,
    digest,
    docker_registry,
    error,
    tokens_of_one_use,
)

MANIFEST = manifest_path(INDEX_TAG)
PASSWORD = "hunter2verysecret"
LOGIN = Login("bot", PASSWORD)
MOST = 1 << 20


@pytest.fixture
def registry(server):
    """A stub that has an index of two specs."""
    images = Images()
    images.index([HDF5, ZLIB])
    return RegistryStub(server, images)


@pytest.fixture
def storage(tmp_path):
    """What the real registry has on its disk after a push of two specs and their index."""
    images = Images()
    images.index([HDF5, ZLIB])
    images.spec(HDF5)
    images.spec(ZLIB)
    with docker_registry(tmp_path / "storage") as origin:
        images.push(origin)
    return tmp_path / "storage"


def url_of(origin, name=NAME):
    return f"oci+http://{origin.removeprefix('http://')}/{name}"


def as_bot(url, fetcher, memory=None):
    """What a pass reads with credentials."""
    secret = Secret(SecretKind.ENV, "PASSWORD")
    config = BuildcacheSourceConfig("m", url, tag="t", credentials=Credentials("bot", secret))
    source = MirrorSource(config, Reach(LIMITS, fetcher, lambda _secret: PASSWORD))
    return source.read(source.discover({}).statements[0], memory or {})


def test_where_a_registry_is_asked():
    assert web_address("oci://ghcr.io/org/cache") == "https://ghcr.io/v2/org/cache"
    assert web_address("oci+http://[::1]:5000/a") == "http://[::1]:5000/v2/a"


# -- the real one


def test_an_index_that_did_not_change_costs_one_request(storage, fetcher):
    with docker_registry(storage) as origin:
        url = url_of(origin)
        first = read(url, fetcher, tag="t")
        assert placed(first) == hashes(HDF5, ZLIB)
        assert read(url, fetcher, first.memory, tag="t") == Unchanged()
        place = Registry(url, fetcher, MOST)
        small = place.small(MANIFEST, most_bytes=MOST)
        assert place.small(MANIFEST, small.validators, most_bytes=MOST) is UNCHANGED
        images = Images()
        images.index([HDF5, OLD])
        images.push(origin)
        assert placed(read(url, fetcher, first.memory, tag="t")) == hashes(HDF5, OLD)


def test_what_the_real_registry_has_not_is_absent(storage, fetcher):
    with docker_registry(storage) as origin:
        failed = read(url_of(origin, "org/other"), fetcher, tag="t")
        assert "no cache index: " in failed.reason
        assert f"{origin}/v2/org/other/manifests/index.spack answered 404" in failed.reason
        assert "(MANIFEST_UNKNOWN)" in failed.reason
        assert "update-index oci+http://127.0.0.1" in failed.reason
        place = Registry(url_of(origin), fetcher, MOST)
        with Spool(MOST) as spool:
            absent = place.large(f"blobs/sha256:{'0' * 64}", spool)
        assert isinstance(absent, Absent)
        failed = read(f"oci+http://{origin.removeprefix('http://')}/a/b+c", fetcher, tag="t")
        assert "answered 404, and not as a registry does" in failed.reason


def test_a_blob_that_the_registry_has_cut_off_is_refused(storage, fetcher):
    """Its answer is whole, and says the right digest: only the content tells."""
    with docker_registry(storage) as origin:
        place = Registry(url_of(origin), fetcher, MOST)
        manifest = json.loads(place.small(MANIFEST, most_bytes=MOST).data)
        digits = manifest["layers"][0]["digest"].removeprefix("sha256:")
        (file,) = storage.glob(f"**/blobs/sha256/{digits[:2]}/{digits}/data")
        whole = file.read_bytes()
        file.write_bytes(whole[:-100])
        failed = read(url_of(origin), fetcher, tag="t")
        assert isinstance(failed, Failed)
        assert failed.is_passing
        assert (
            f"has {len(whole) - 100:,} bytes, and {len(whole):,} by its manifest" in failed.reason
        )
        file.write_bytes(whole[:-2] + b" }")
        failed = read(url_of(origin), fetcher, tag="t")
        assert "has not the checksum in its manifest" in failed.reason
        file.write_bytes(whole)
        assert placed(read(url_of(origin), fetcher, tag="t")) == hashes(HDF5, ZLIB)


def test_a_304_is_not_believed_for_longer_than_a_day(storage, fetcher):
    """It proves the tag: the real registry says it of a manifest that its storage has lost."""
    now = [time.time()]
    with docker_registry(storage) as origin:
        place = Registry(url_of(origin), fetcher, MOST, clock=lambda: now[0])
        small = place.small(MANIFEST, most_bytes=MOST)
        digits = small.validators["digest"].removeprefix("sha256:")
        (file,) = storage.glob(f"**/blobs/sha256/{digits[:2]}/{digits}/data")
        file.unlink()
        now[0] += TRUST_SECONDS - 1
        assert place.small(MANIFEST, small.validators, most_bytes=MOST) is UNCHANGED
        now[0] += 1
        gone = place.small(MANIFEST, small.validators, most_bytes=MOST)
        assert gone == Absent("answered 404 (MANIFEST_UNKNOWN)")
        now[0] -= 2 * TRUST_SECONDS  # a clock that was set back
        assert place.small(MANIFEST, small.validators, most_bytes=MOST) == gone


def test_a_registry_with_users_is_read_by_those_it_knows(storage, tmp_path, fetcher):
    users = tmp_path / "users"
    # `htpasswd -nbB bot hunter2verysecret`, cost 5
    users.write_text("bot:$2y$05$lnDusHnIvM29ounDhx9w5eixPp38eeVVS6Up2Rrl2NRi9kdJ8Y0Py\n")
    with docker_registry(storage, htpasswd={"realm": "r", "path": str(users)}) as origin:
        url = url_of(origin)
        first = as_bot(url, fetcher)
        assert placed(first) == hashes(HDF5, ZLIB)
        assert as_bot(url, fetcher, first.memory) == Unchanged()
        failed = read(url, fetcher, tag="t")
        assert "wants to know who asks (answered 401)" in failed.reason
        users.write_text("bot:$2y$05$" + "a" * 53 + "\n")
        failed = as_bot(url, fetcher, first.memory)
        assert "answered 401 to the password (check `credentials:`" in failed.reason
        assert PASSWORD not in failed.reason


def test_a_registry_with_tokens_is_read_by_everybody_who_gets_one(
    storage, tmp_path, server, fetcher
):
    """Anonymous or not; nothing of a token is shown where even a new one is refused."""
    tokens = TokenServer(server, tmp_path)
    with docker_registry(storage, token=tokens.auth) as origin:
        url = url_of(origin)
        assert placed(read(url, fetcher, tag="t")) == hashes(HDF5, ZLIB)
        assert tokens.asked == [
            {"service": ["tests"], "scope": [f"repository:{NAME}:pull"], "client_id": ["cachesync"]}
        ]
        tokens.login = basic("bot", PASSWORD)
        assert placed(as_bot(url, fetcher)) == hashes(HDF5, ZLIB)
        failed = read(url, fetcher, tag="t")
        assert (
            f"no token from {server.origin.removeprefix('http://')}: answered 401" in failed.reason
        )
        tokens.login = None
        tokens.seconds = -100  # the registry gives a minute of leeway
        failed = read(url, fetcher, tag="t")
        assert re.search(r"answered 401, \w+, to a new token", failed.reason), failed.reason
        assert not any(token in failed.reason for token in tokens.given)


# -- one that does as it is told


def test_the_manifest_is_asked_for_by_its_type_and_by_its_digest(registry, server, fetcher):
    first = read(registry.url, fetcher, tag="t")
    assert placed(first) == hashes(HDF5, ZLIB)
    assert read(registry.url, fetcher, first.memory, tag="t") == Unchanged()
    asked = [seen.headers.get("if-none-match") for seen in server.seen if "manifests" in seen.path]
    assert asked == [None, f'"{digest(registry.images.tags[INDEX])}"']
    blob = digest(mirrors.document([HDF5, ZLIB]))
    assert registry.paths == [MANIFEST, f"blobs/{blob}", MANIFEST]


def test_a_registry_that_heeds_no_condition_is_read_again_and_changes_nothing(
    registry, server, fetcher
):
    first = read(registry.url, fetcher, tag="t")
    path = f"/v2/{NAME}/{MANIFEST}"
    server.script(path, stub.reply(registry.images.tags[INDEX]))
    assert isinstance(read(registry.url, fetcher, first.memory, tag="t"), Unchanged)


HTML = b"<!doctype html><title>Please log in</title>"
LIES = {
    "a portal": (stub.reply(HTML, **{"Content-Type": "text/html"}), "answered with text/html"),
    "HTML for JSON": (stub.status(404, HTML), "answered 404, and not as a registry does"),
    "another 404": (stub.status(404), "answered 404, and not as a registry does"),
    "JSON that is none of its errors": (stub.status(404, b'{"errors": []}'), "not as a registry"),
    "a code that is none": (error("\x1b[31m"), "not as a registry"),
    "not found": (error("MANIFEST_UNKNOWN"), "answered 404 (MANIFEST_UNKNOWN), and was there before"),
    "unknown": (error("NAME_UNKNOWN"), "answered 404 (NAME_UNKNOWN), and was there before"),
    "denied": (error("DENIED", 403), "answered 403 (DENIED) (check `credentials:`"),
    "gone": (stub.status(410), "answered 410"),
    "too many": (error("TOOMANYREQUESTS", 429), "answered 429"),
    "an error": (error("UNKNOWN", 500), "answered 500"),
    "a loop": (stub.status(401, www_authenticate="Basic"), "wants to know who asks"),
    "a 401 without a word": (stub.status(401, HTML), "asks for neither a password nor a token"),
    "a redirect in a circle": (stub.redirect(f"/v2/{NAME}/{MANIFEST}"), "round in a circle"),
    "nobody": (stub.hang_up(), "attempts"),
    "another digest": (
        stub.reply(b'{"schemaVersion": 2}', docker_content_digest=f"sha256:{'a' * 64}"),
        "has not the digest that its registry says",
    ),
    "endless": (stub.reply(b" " * (9 << 20)), "larger than"),
    "no manifest": (stub.reply(b'{"schemaVersion": 2, "manifests": []}'), "is not understood"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_registry_that_lies_is_a_failure(registry, server, fetcher, lie):
    """And no more: what it said before is known to be the same when it is itself again."""
    first = read(registry.url, fetcher, tag="t")
    memory = dict(first.memory)
    behaviour, reason = LIES[lie]
    server.script(f"/v2/{NAME}/{MANIFEST}", behaviour)
    failed = read(registry.url, fetcher, memory, tag="t")
    assert isinstance(failed, Failed)
    assert reason in failed.reason
    assert registry.url.removeprefix("oci+").replace(NAME, f"v2/{NAME}/{MANIFEST}") in failed.reason
    assert failed.reason.isprintable()
    server.script(f"/v2/{NAME}/{MANIFEST}")
    if failed.is_passing:
        assert read(registry.url, fetcher, memory, tag="t") == Unchanged()


BLOB_LIES = {
    "a portal": (stub.reply(HTML), "not with the index that its manifest names"),
    "gone": (error("BLOB_UNKNOWN"), "which the index manifest names, answered 404"),
    "cannot tell": (stub.status(404, HTML), "answered 404, and not as a registry does"),
    "denied": (error("DENIED", 403), "answered 403 (DENIED)"),
    "a loop": (stub.status(401, www_authenticate='Bearer realm="nowhere"'), "names a token server"),
    "altered": ("altered", "has not the checksum in its manifest"),
    "cut": ("cut", "attempts"),
}


@pytest.mark.parametrize("lie", BLOB_LIES)
def test_a_registry_that_lies_of_the_index_is_a_failure(registry, server, fetcher, lie):
    document = mirrors.document([HDF5, ZLIB])
    behaviour, reason = BLOB_LIES[lie]
    if behaviour == "altered":
        behaviour = stub.reply(document.replace(b"1.14.6", b"1.14.7"))
    elif behaviour == "cut":
        behaviour = stub.cut(document[:500], announced=len(document))
    server.script(f"/v2/{NAME}/blobs/{digest(document)}", behaviour)
    failed = read(registry.url, fetcher, tag="t")
    assert isinstance(failed, Failed)
    assert failed.is_passing
    assert reason in failed.reason


def test_a_blob_at_another_host_is_asked_for_without_a_word_of_who_asks(registry, server, fetcher):
    """As registries hand out blobs: by a redirect to what stores them."""
    document = mirrors.document([HDF5, ZLIB])
    knows = basic(*LOGIN)

    def guard(talk):
        if talk.seen.headers.get("authorization") == knows:
            return True
        stub.status(401, www_authenticate='Basic realm="r"')(talk)
        return False

    registry.guard = guard
    with stub.StubServer("127.0.0.2") as storage:
        storage.script("/signed", stub.cached(document))
        server.script(
            f"/v2/{NAME}/blobs/{digest(document)}", stub.redirect(storage.url("/signed?key=abc"))
        )
        assert placed(as_bot(registry.url, fetcher)) == hashes(HDF5, ZLIB)
        assert [seen.headers.get("authorization") for seen in storage.seen] == [None]
        storage.script("/signed", stub.status(403, HTML))
        failed = as_bot(registry.url, fetcher)
        assert "answered 403 where it redirects to, which is not told who asks" in failed.reason
        assert "key=abc" not in failed.reason


def test_tokens_that_hold_for_one_request_are_renewed_in_the_middle(registry, server, fetcher):
    """The pass notices nothing; each request brings one that was not used before."""
    given, _ = tokens_of_one_use(registry, server)
    first = read(registry.url, fetcher, tag="t")
    assert placed(first) == hashes(HDF5, ZLIB)
    assert len(given) == 2
    assert read(registry.url, fetcher, first.memory, tag="t") == Unchanged()


def test_a_secret_that_is_not_there_is_the_reason(registry, fetcher):
    def reveal(_secret):
        raise CachesyncError("the environment variable PASSWORD is empty", hint="set it")

    secret = Secret(SecretKind.ENV, "PASSWORD")
    config = BuildcacheSourceConfig(
        "m", registry.url, tag="t", credentials=Credentials("bot", secret)
    )
    source = MirrorSource(config, Reach(LIMITS, fetcher, reveal))
    failed = source.read(source.discover({}).statements[0], {})
    assert failed.reason == "the environment variable PASSWORD is empty (set it)"
    assert registry.paths == []


def test_a_small_blob_is_checked_by_the_digest_it_is_asked_for(registry, server, fetcher):
    place = Registry(registry.url, fetcher, MOST)
    registry.images.blobs[digest(b"{}")] = b"{}"
    path = f"blobs/{digest(b'{}')}"
    assert isinstance(place.small(path, most_bytes=MOST), Small)
    server.script(f"/v2/{NAME}/{path}", stub.reply(b"{ }"))
    with pytest.raises(CachesyncError, match="has not the digest"):
        place.small(path, most_bytes=MOST)
