"""Where a mirror has a spec: as real Spack names it."""

import json

import pytest

from cachesync.buildcache import specmanifest, specplaces
from cachesync.model import Build
from tests.support import caches

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
        if specmanifest.parse(path.read_bytes()).is_signed:
            signed.add(spec_hash)
    assert sorted(signed) == sorted(expected.get("signed", []))
