"""Where a mirror has a spec: as real Spack names it, and what the manifest of a spec names."""

import json

import pytest

from cachesync.buildcache import clearsigned, specplaces
from cachesync.errors import CacheIndexError
from cachesync.model import Build
from tests.support import caches, mirrors

HASH = "a" * 32
BUILD = Build("zlib-ng", "git.8d10=2.2.1", "gcc@=12.3.0", "ubuntu22.04", "linux", "zen4", ())


def test_what_no_file_name_of_spack_s_holds_is_an_underscore():
    assert (
        specplaces.manifest_path("zlib-ng", "git.8d10=2.2.1", HASH)
        == f"v3/manifests/spec/zlib-ng/zlib-ng-git.8d10_2.2.1-{HASH}.spec.manifest.json"
    )
    assert "/../" not in specplaces.manifest_path("../..", "1", HASH)


def test_layout_2_names_system_and_compiler():
    name = f"linux-ubuntu22.04-zen4-gcc-12.3.0-zlib-ng-git.8d10_2.2.1-{HASH}"
    signed, unsigned, tarball = specplaces.old_places(BUILD, HASH)
    assert signed == f"build_cache/{name}.spec.json.sig"
    assert unsigned == f"build_cache/{name}.spec.json"
    assert tarball == (
        f"build_cache/linux-ubuntu22.04-zen4/gcc-12.3.0/zlib-ng-git.8d10_2.2.1/{name}.spack"
    )
    none = BUILD._replace(compiler="none")
    assert "-zen4-none-none-zlib-ng" in specplaces.old_places(none, HASH).unsigned


@caches.needs_caches
@pytest.mark.parametrize("name", ["v3-1.1", "v3-1.1-signed", "v3-1.2dev", "v3-migrated-from-v2"])
def test_every_manifest_of_real_spack_is_where_it_is_looked_for(name):
    """And names a tarball and a document; those are signed that another reader found to be."""
    root = caches.mirror(name)
    installs = json.loads(caches.index_of(name))["database"]["installs"]
    expected = caches.contents()["mirrors"][name]
    signed = set()
    for spec_hash in expected["cached"]:
        spec = installs[spec_hash]["spec"]
        path = root / specplaces.manifest_path(spec["name"], spec["version"], spec_hash)
        if specplaces.named(path.read_bytes()).is_signed:
            signed.add(spec_hash)
    assert sorted(signed) == sorted(expected.get("signed", []))


TARBALL = {
    "contentLength": 5, "mediaType": mirrors.TARBALL_MEDIA, "compression": "gzip",
    "checksumAlgorithm": "sha256", "checksum": "a" * 64,
}  # fmt: skip
SPEC = {**TARBALL, "mediaType": mirrors.SPEC_MEDIA.format(6)}
WHOLE = mirrors.manifest([TARBALL, SPEC])


def _signed(text):
    return (
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + text
        + b"\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"
    )  # fmt: skip


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_signed_manifest_says_what_it_says_unsigned(ends):
    found = specplaces.named(_signed(WHOLE).replace(b"\n", ends))
    assert found == specplaces.named(WHOLE)._replace(is_signed=True)
    assert (found.tarball.content_length, found.document.media_type) == (5, SPEC["mediaType"])


def test_dashes_are_escaped_in_a_signed_text():
    assert clearsigned.opened(_signed(b"- -----BEGIN\n- - a\nb")) == b"-----BEGIN\n- a\nb"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (mirrors.manifest([SPEC]), "the manifest names no tarball"),
        (mirrors.manifest([TARBALL]), "the manifest names no spec"),
        (mirrors.manifest([{**TARBALL, "checksum": "../../x"}, SPEC]), "is no checksum by sha256"),
        (mirrors.manifest([{**TARBALL, "checksumAlgorithm": "../x"}, SPEC]), "checksum by '../x'"),
        (_signed(WHOLE).partition(b"-----BEGIN PGP SIGNATURE")[0], "no whole signature block"),
        (_signed(WHOLE).partition(b"-----END")[0], "no whole signature block"),
        (_signed(b"x" * 19_994), "lines that gpg cuts"),
        (b"", "the manifest is empty"),
        (b"{}", "the manifest has version"),
    ],
)
def test_what_is_no_manifest_of_a_spec_is_refused(data, reason):
    with pytest.raises(CacheIndexError, match=reason):
        specplaces.named(data)
