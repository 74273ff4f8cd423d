"""Images as Spack pushes them: what a manifest and a config say, and what is refused."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.buildcache import image
from cachesync.errors import CacheIndexError
from tests.support import mirrors
from tests.support.registries import INDEX, LAYER, Images, digest, tag_of

ZLIB = mirrors.record("zlib", "1.3.1")
HDF5 = mirrors.record("hdf5", "1.14.6", ZLIB)
BLOB = {"mediaType": LAYER, "digest": f"sha256:{'a' * 64}", "size": 3}


def refusal(read, data):
    """Why `data` is refused; empty where it is not."""
    try:
        read(data)
    except CacheIndexError as error:
        return error.message
    return ""


def manifest(**more):
    return json.dumps({"schemaVersion": 2, "config": BLOB, "layers": [BLOB], **more}).encode()


def test_the_index_is_the_first_layer_whatever_its_type_says():
    images = Images()
    document = images.index([ZLIB, HDF5])
    blob = image.index_layer(images.tags[INDEX])
    assert f"{blob.checksum_algorithm}:{blob.checksum}" == digest(document)
    assert blob.content_length == len(document)
    assert blob.media_type == LAYER
    two = [{**BLOB, "size": number} for number in (1, 2)]
    assert image.index_layer(manifest(layers=two)).content_length == 1


def test_a_spec_is_in_the_config_of_its_image():
    images = Images()
    tag = images.spec(HDF5)
    found = image.parse(images.tags[tag])
    config = image.config(images.blobs[f"sha256:{found.config.checksum}"])
    assert [one["hash"] for one in json.loads(config.spec)["nodes"]] == [HDF5.hash, ZLIB.hash]
    assert config.archive_bytes == found.layers[-1].content_length
    assert config.archived_at == "2026-11-27T23:22:23.821900+00:00"
    assert image.config(b'{"spec": {"nodes": []}}')[1:] == (None, None)
    assert image.hash_of(tag) == HDF5.hash


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no JSON"),
        (b"<html>", "is no JSON"),
        (b"\xff", "is no JSON"),
        (b'{"x":' + b"[" * 100_000, "nested too deeply"),
        (b"[]", "is not understood"),
        (b'{"schemaVersion": 2, "manifests": []}', "required field `config`"),
        (manifest(layers=[]), "names no layer, and so no index"),
        (manifest(layers=[{"digest": f"sha256:{'a' * 64}"}]), "layers[0]: object missing"),
        (manifest(layers=[{**BLOB, "size": -1}]), "layers[0].size"),
        (manifest(layers=[{**BLOB, "digest": "sha256:abc"}]), "names a blob by 'sha256:abc'"),
        (manifest(layers=[{**BLOB, "digest": f"md5:{'a' * 32}"}]), "names a blob by 'md5:"),
        (manifest(layers=[{**BLOB, "digest": f"sha256:{'A' * 64}"}]), "names a blob by"),
        (manifest(layers=[{**BLOB, "digest": "sha256:../../../\x1b"}]), r"\x1b'"),
    ],
)
def test_what_is_no_manifest_of_an_index_is_refused(data, said):
    with pytest.raises(CacheIndexError) as caught:
        image.index_layer(data)
    assert said in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "data", [b"{}", b'{"spec": ', b"null", b'{"spec": 1, "archive_size": "1"}']
)
def test_a_config_without_a_spec_is_refused(data):
    with pytest.raises(CacheIndexError, match="the image's config"):
        image.config(data)


@given(st.binary(max_size=80))
def test_whatever_a_manifest_is_it_is_refused_or_read(data):
    for read in (image.parse, image.index_layer, image.config):
        assert refusal(read, data).isprintable()


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (tag_of(ZLIB), ZLIB.hash),
        (f"fmt-git.master_11.2.0-{'a' * 32}.spack", "a" * 32),
        (f"{'x' * 64}{'y' * 25}-{'a' * 32}.spack", "a" * 32),
        (INDEX, None), ("tagged-env", None), (f"zlib-1-{'a' * 32}", None), (f"a{'a' * 32}.spack", None),
        (f"zlib-1-{'0' * 32}.spack", None),
    ],
)  # fmt: skip
def test_which_spec_a_tag_is_of(tag, expected):
    assert image.is_tag(tag)
    assert image.hash_of(tag) == expected


@given(st.binary(max_size=50), st.sampled_from(["sha256", "sha384", "sha512"]))
def test_a_digest_is_of_its_content_and_no_other(data, algorithm):
    right = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    assert image.matches(data, right) is True
    assert image.matches(data + b"x", right) is False
    assert image.matches(data, image.digest(data)) is True
    for unknown in ("", "sha256:", "md5:abc", f"sha256:{'a' * 63}", right.upper()):
        assert image.matches(data, unknown) is None
