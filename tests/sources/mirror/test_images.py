"""What is really in a repository: all of its tags however they are paged, and the specs in their images."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import CacheIndexError, CachesyncError, SourceError
from cachesync.net.fake import FakeFetcher
from cachesync.net.request import Response
from cachesync.sources.mirror import images
from cachesync.sources.mirror.place import Absent
from cachesync.sources.mirror.registry import Registry
from tests.support import stubserver as stub
from tests.support.caches import contents, mirror, needs_caches
from tests.support.mirrorreading import HDF5, OLD, ZLIB, hashes
from tests.support.registries import (
    INDEX,
    NAME,
    Images,
    RegistryStub,
    digest,
    docker_registry,
    error,
    tag_of,
)

MOST = 1 << 20
BASE = "http://a.example/v2/b/tags/list"
TAGS = f"/v2/{NAME}/{images.TAGS}"


@pytest.fixture
def stored():
    """An index, two specs and a tag of somebody else's."""
    made = Images()
    made.index([HDF5, ZLIB])
    made.spec(HDF5)
    made.spec(ZLIB)
    made.image("tagged-env", b"{}", [b"x"])
    return made


@pytest.fixture
def registry(server, fetcher, stored):
    stub_ = RegistryStub(server, stored)
    return Registry(stub_.url, fetcher, MOST), stub_


# -- the list of tags


def test_the_real_registry_lists_and_holds_what_was_pushed(stored, tmp_path, fetcher):
    with docker_registry(tmp_path) as origin:
        place = Registry(f"oci+http://{origin.removeprefix('http://')}/{NAME}", fetcher, MOST)
        with pytest.raises(SourceError, match="answered 404"):
            images.tags(place)
        stored.push(origin)
        assert images.tags(place) == tuple(sorted(stored.tags))
        assert images.spec_tags(place) == {one.hash: tag_of(one) for one in (HDF5, ZLIB)}
        found = images.read_spec(place, tag_of(HDF5))
        assert found.hash == HDF5.hash
        assert json.loads(found.document)["spec"]["nodes"][0] == HDF5.spec
        assert found.checksum == digest(stored.tags[tag_of(HDF5)])
        tarball = f"tarball of {HDF5.hash}".encode()
        assert f"sha256:{found.tarball.checksum}" == digest(tarball)
        assert found.tarball.content_length == len(tarball)
        assert found.archived_at == "2026-11-27T23:22:23.821900+00:00"


@needs_caches
def test_the_images_of_real_spack_are_what_its_index_says(fetcher):
    with docker_registry(mirror("oci") / "storage") as origin:
        place = Registry(f"oci+http://{origin.removeprefix('http://')}/rig/cache", fetcher, MOST)
        found = images.spec_tags(place)
        assert set(found) == set(contents()["mirrors"]["oci"]["cached"])
        for hash_, tag in found.items():
            spec = images.read_spec(place, tag)
            assert json.loads(spec.document)["spec"]["nodes"][0]["hash"] == hash_


LINKS = {
    "relative": '</v2/{name}/tags/list?last={last}&n={n}>; rel="next"',
    "bare": "<list?last={last}&n={n}>; rel=next",
    "absolute": '<{origin}/v2/{name}/tags/list?last={last}&n={n}>; rel="next"',
    "among others": '<x>; rel="prev", </v2/{name}/tags/list?n={n}&last={last}>; a=b; REL="a next"',
}


@pytest.mark.parametrize("page", [1, 2, 3, 4, None])
@pytest.mark.parametrize("link", LINKS)
def test_all_pages_are_read_however_they_are_named(registry, server, stored, page, link):
    place, stub_ = registry
    stub_.page = page
    stub_.links = LINKS[link].replace("{origin}", server.origin)
    assert images.tags(place) == tuple(sorted(stored.tags))


@pytest.mark.parametrize("length", [1, 2])
def test_pages_in_a_circle_are_no_list(registry, server, length):
    """Nobody knows what else there is, and what is not listed would be gone."""
    place, _ = registry
    server.script(
        TAGS,
        *(
            stub.reply(b'{"tags": ["a%d"]}' % n, link=f'<{TAGS}?page={n % length}>; rel="next"')
            for n in range(1, 9)
        ),
    )
    with pytest.raises(SourceError, match="in a circle"):
        images.tags(place)
    assert len(server.seen) == length + 1


def test_pages_that_bring_nothing_end(registry, server):
    place, _ = registry
    number = iter(range(1000))

    def answer(talk):
        link = f'<{TAGS}?page={next(number)}>; rel="next"'
        stub.reply(b'{"tags": ["a"]}', link=link)(talk)

    server.script(TAGS, answer)
    with pytest.raises(SourceError, match="in a circle"):
        images.tags(place)
    assert len(server.seen) == images.MOST_IDLE_PAGES + 1


def test_a_push_that_moves_the_pages_on_loses_no_tag(registry, server):
    """Where pages are counted a tag that comes in between is on two of them."""
    place, _ = registry
    pages = [["a"], ["b"], ["b"], ["c"]]
    following = [f'<{TAGS}?page={n}>; rel="next"' for n in range(1, len(pages))]
    server.script(
        TAGS,
        *(
            stub.reply(json.dumps({"tags": page}).encode(), **({"link": link} if link else {}))
            for page, link in zip(pages, [*following, None], strict=True)
        ),
    )
    assert images.tags(place) == ("a", "b", "c")


def test_a_page_without_tags_is_not_the_last_while_it_goes_on(registry, server):
    place, _ = registry
    server.script(
        TAGS,
        stub.reply(b'{"tags": null}', link=f'<{TAGS}?last=a>; rel="next"'),
        stub.reply(b'{"tags": ["b"]}'),
    )
    assert images.tags(place) == ("b",)


def test_a_list_without_an_end_is_a_failure(fetcher):
    number = iter(range(10**9))

    def answer(request):
        body = json.dumps({"tags": [str(next(number))]}).encode()
        fake.answer(following := f"{BASE}?x={next(number)}", answer)
        return Response(200, {"link": f'<{following}>; rel="next"'}, body)

    fake = FakeFetcher({f"{BASE}?n={images.PAGE_TAGS}": answer})
    with pytest.raises(SourceError, match="more than 10,000 pages"):
        images.tags(Registry("oci+http://a.example/b", fake, MOST))


@pytest.mark.parametrize("body", [b'{"name": "a", "tags": null}', b'{"tags": []}'])
def test_no_tags_are_none(registry, server, body):
    place, _ = registry
    server.script(TAGS, stub.reply(body))
    assert images.tags(place) == ()


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (stub.reply(b"<html>", content_type="text/html; x"), r"no list of tags \(text/html\)"),
        (stub.reply(b'{"tags": "a"}'), "no list of tags"),
        (stub.reply(b'{"tags": [1]}'), "no list of tags"),
        (stub.reply(b"{}"), "no list of tags"),
        (stub.reply(b"[" * 100_000), "no list of tags"),
        (stub.status(404), "not as a registry does"),
        (error("NAME_UNKNOWN"), "answered 404"),
        (stub.status(206), "answered 206"),
        (error("UNAUTHORIZED", 401), "asks for neither"),
        (stub.reply(b'{"tags": []}', link='<http://127.0.0.2/x?k=1>; rel="next"'), "goes on elsewhere: http://127.0.0.2/x$"),
        (stub.reply(b'{"tags": []}', link='<http://[/>; rel="next"'), "at an invalid address"),
        (stub.reply(b'{"tags": []}', link="<" * 9000), "at an invalid address"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_tags_is_a_failure(registry, server, behaviour, said):
    place, _ = registry
    server.script(TAGS, behaviour)
    with pytest.raises(SourceError, match=said):
        images.tags(place)


def test_a_page_in_the_middle_that_fails_fails_all(registry, server, stored):
    """A list is whole or none: what is missing in half of one would be gone."""
    place, stub_ = registry
    stub_.page = 1

    def guard(talk):
        if "last=index" in talk.seen.query:
            error("UNKNOWN", 500)(talk)
            return False
        return True

    stub_.guard = guard
    with pytest.raises(SourceError, match="answered 500"):
        images.tags(place)


@given(st.text(max_size=100))
def test_whatever_stands_in_a_link_ends_and_stays_at_home(header):
    try:
        found = images._following("https://a.example/v2/b/tags/list?n=1", header)
    except SourceError:
        return
    assert found is None or found.startswith("https://a.example")


def test_tags_that_none_can_be_are_left_out(registry, server):
    place, _ = registry
    server.script(TAGS, stub.reply(b'{"tags": ["b", "../../x", "a\\u001b", "", "a", "b"]}'))
    assert images.tags(place) == ("a", "b")


# -- specs


def test_what_is_no_image_of_a_spec_is_refused(registry, stored):
    place, _ = registry
    tag = tag_of(ZLIB)
    stored.image(tag, b'{"architecture": "amd64"}', [b"x"])
    with pytest.raises(CachesyncError, match="the image's config is not understood"):
        images.read_spec(place, tag)
    stored.image(tag, b'{"spec": {}}', [])
    with pytest.raises(CachesyncError, match="no layer, and so no tarball"):
        images.read_spec(place, tag)
    with pytest.raises(ValueError, match="no tag of a spec"):
        images.read_spec(place, INDEX)
    assert images.read_spec(place, tag_of(OLD)) == Absent("answered 404 (MANIFEST_UNKNOWN)")


def test_a_config_that_is_gone_or_another_is_a_fault_of_its_image(registry, stored, server):
    place, _ = registry
    tag = tag_of(ZLIB)
    key = json.loads(stored.tags[tag])["config"]["digest"]
    config = stored.blobs.pop(key)
    with pytest.raises(CacheIndexError, match=r"answered 404 \(BLOB_UNKNOWN\): it was deleted"):
        images.read_spec(place, tag)
    stored.blobs[key] = config.replace(b"1.3.1", b"1.3.2")
    with pytest.raises(CacheIndexError, match="has not the digest"):
        images.read_spec(place, tag)
    stored.blobs[key] = config
    assert hashes(ZLIB) == {images.read_spec(place, tag).hash}
