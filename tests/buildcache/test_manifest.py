"""An index manifest names blobs; one of them is the index to read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.buildcache.manifest import MAX_BYTES, choose, parse
from cachesync.errors import CacheIndexError
from tests.support.mirrors import INDEX_MEDIA, manifest


def _entry(version: int | str = 8, **changes: object) -> dict[str, object]:
    return {
        "contentLength": 10,
        "mediaType": INDEX_MEDIA.format(version),
        "compression": "none",
        "checksumAlgorithm": "sha256",
        "checksum": "a" * 64,
        **changes,
    }


def test_a_manifest_names_the_index():
    """As Spack writes it."""
    blob = choose(parse(manifest([_entry()])))
    assert (blob.version, blob.content_length) == (8, 10)
    assert (blob.checksum_algorithm, blob.checksum) == ("sha256", "a" * 64)


@given(st.lists(st.integers(1, 15), min_size=1, unique=True))
def test_the_highest_version_that_is_understood_is_read(versions):
    """Whatever their order; where none is, the error names them."""
    blobs = parse(manifest(_entry(version) for version in versions))
    understood = [one for one in versions if 6 <= one <= 9]
    if understood:
        assert choose(blobs).version == max(understood)
    else:
        with pytest.raises(CacheIndexError, match=str(max(versions))):
            choose(blobs)


def test_the_first_of_two_with_one_version_is_read():
    """As Spack takes it."""
    blobs = parse(manifest([_entry(checksum="a" * 64), _entry(checksum="b" * 64)]))
    assert choose(blobs).checksum == "a" * 64


def test_blobs_of_other_kinds_are_passed_over():
    """A manifest may grow."""
    other = _entry(mediaType="application/pgp-keys", compression="zstd", checksumAlgorithm="crc")
    assert choose(parse(manifest([other, _entry()]))).version == 8


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_an_index_may_be_packed(compression):
    """Spack writes none, its schema allows both."""
    assert choose(parse(manifest([_entry(compression=compression)]))).compression == compression


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the manifest is empty"),
        (
            b"<html>",
            "the manifest is no JSON: JSON is malformed: invalid character (byte 0); it begins",
        ),
        (b"[]", "the manifest is not understood: expected `object`, got `array`"),
        (b"{}", "the manifest has version 'None'; this cachesync reads 3"),
        (b'{"version":4,"data":1}', "the manifest has version '4'; this cachesync reads 3"),
        (b'{"version":3}', "the manifest is not understood: object missing required field `data`"),
        (
            json.dumps({"version": 3, "data": [_entry(), {"mediaType": 1}]}).encode(),
            "the manifest is not understood: data[1].mediaType: expected `str`, got `int`",
        ),
        (
            manifest([_entry(contentLength=-1)]),
            "the manifest is not understood: data[0].contentLength",
        ),
        (manifest([_entry(contentLength=10**30)]), "the manifest is not understood: data[0]"),
        (b'{"version":3,"data":' + b"[" * 200_000, "the manifest is nested too deeply"),
        (b" " * (MAX_BYTES + 1), "the manifest is larger than 1 MiB"),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", "the manifest is a signed message"),
        (manifest([_entry()] * 300), "the manifest names more than 256 blobs"),
    ],
)
def test_what_is_no_manifest_is_one_error(data, said):
    """With what is wrong, and where."""
    with pytest.raises(CacheIndexError) as caught:
        parse(data)
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (_entry("8x"), "the manifest names no index"),
        (_entry(mediaType="application/pgp-keys"), "the manifest names no index"),
        (_entry(5), "the index has database version 5, which is older than 6"),
        (_entry(10), "the index has database version 10; this cachesync reads 6 to 9"),
        (_entry(compression="zstd"), "the index is packed as 'zstd'; none and gzip are understood"),
        (_entry(checksumAlgorithm="md5"), "the index has a checksum by 'md5'"),
        (_entry(checksum="a" * 63), "is no checksum by sha256"),
        (_entry(checksum="../" + "a" * 61), "is no checksum by sha256"),
    ],
)
def test_an_index_that_cannot_be_read_is_named(entry, said):
    """A checksum becomes a path, so it is looked at."""
    with pytest.raises(CacheIndexError) as caught:
        choose(parse(manifest([entry])))
    assert said in caught.value.message


@given(st.binary(max_size=60))
def test_any_bytes_are_a_manifest_or_an_error(data):
    """Nothing else is raised."""
    said = []
    for text in (data, b'{"version":3,' + data, b'{"version":3,"data":[' + data):
        try:
            choose(parse(text))
        except CacheIndexError as error:
            said.append(error.message)
    assert all(map(str.isprintable, said))
