"""Manifests of specs: their names, and the blobs they name."""

import pytest

from cachesync.buildcache import specmanifest
from cachesync.errors import CacheIndexError
from tests.support.mirrors import SPEC_MEDIA, TARBALL_MEDIA, manifest

HASH = "abcdefghijklmnopqrstuvwxyz234567"
SPEC = {"contentLength": 9, "mediaType": SPEC_MEDIA.format(5), "compression": "gzip",
        "checksumAlgorithm": "sha256", "checksum": "a" * 64}  # fmt: skip
TARBALL = SPEC | {"mediaType": TARBALL_MEDIA, "checksum": "b" * 64}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (f"zlib-ng-git.8d10_2.2.1-{HASH}.spec.manifest.json", HASH),
        (f"libedit-3.1-20251016-{HASH}.spec.manifest.json", HASH),
        (f"openssh-10.3p1-{HASH}.key.manifest.json", None),
        (f"-{HASH}.spec.manifest.json", None),
        (f"zlib-1-{HASH[:-1]}.spec.manifest.json", None),
        (f"zlib-1-{HASH.upper()}.spec.manifest.json", None),
        (f"zlib-\x1b[1m-{HASH}.spec.manifest.json", None),
        (f"zlib-\udcff-{HASH}.spec.manifest.json", None),
        (f".zlib-1-{HASH}.spec.manifest.json.part", None),
    ],
)
def test_a_name_ends_in_the_hash(name, found):
    """Only what Spack can have written is a name: nothing of it has to be made visible."""
    assert specmanifest.hash_of(name) == found


@pytest.mark.parametrize(("name", "is_one"), [("hdf5", True), (".new", False), ("a b", False), ("", False)])  # fmt: skip
def test_a_directory_of_a_package_has_its_name(name, is_one):
    assert specmanifest.is_package(name) is is_one


def test_the_spec_of_the_highest_format_is_chosen_and_the_tarball():
    newer = SPEC | {"mediaType": SPEC_MEDIA.format(6), "checksum": "c" * 64}
    found = specmanifest.parse(manifest([TARBALL, SPEC, newer]))
    assert (found.spec.checksum, found.is_signed) == ("c" * 64, False)
    assert found.tarball is not None
    assert found.tarball.checksum == "b" * 64


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([TARBALL], "names no spec"),
        ([SPEC | {"checksumAlgorithm": "md5"}], "the spec has a checksum by 'md5'"),
        ([SPEC | {"compression": "zstd"}], "the spec is packed as 'zstd'"),
        ([SPEC | {"contentLength": 1 << 30}], "more than 16 MiB"),
        ([SPEC, TARBALL | {"checksum": "../../etc"}], "is no checksum"),
    ],
)
def test_what_names_no_spec_that_can_be_read_is_refused(entries, reason):
    with pytest.raises(CacheIndexError, match=reason):
        specmanifest.parse(manifest(entries))
