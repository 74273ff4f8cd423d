"""The orders of `search --sort`, and that of what asks for no name: laws, by the index and by the ledger alone."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.ledger import connect
from cachesync.search.searcher import Searcher
from cachesync.spack import versions
from tests.support.judge import inventing
from tests.support.mirrorsite import sync_indexes
from tests.support.statedsource import Stated
from tests.support.world import World, hash_of, spec

NAMES = ("hdf5", "py-hdf5", "zlib", "cmake", "a-package-of-a-long-name", "z", "gcc", "gcc-runtime")
VERSIONS = ("1.9", "1.10", "1.10.0rc1", "develop", "main", "2024-01-01", "1.10")
TARGETS = ("zen4", "x86_64_v3", "aarch64")


@pytest.fixture(scope="module", params=["index", "ledger"])
def searcher(request, tmp_path_factory):
    """Of builds of every name, version and target, some placed twice; with an index or without."""
    world = World(tmp_path_factory.mktemp(f"orders-{request.param}"))
    source = Random(16)
    number = 0
    for name in NAMES:
        rows = []
        for version in VERSIONS:
            for target in source.sample(TARGETS, source.randint(1, 3)):
                number += 1
                os = source.choice(("rocky9", "debian12"))
                rows.append(spec(hash_of(number), versions=[version], target=target, os=os))
        source.shuffle(rows)
        world.page("develop", name, *rows)
        world.page("v1", name, *source.sample(rows, 4))
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    if request.param == "ledger":
        (world.state / connect.INDEX_DIRECTORY).rename(world.state / "away")
    found = Searcher(world.state)
    yield found
    found.close()


def newest_first(version: str) -> bytes:
    """A key that is lower the newer a version is."""
    return bytes(255 - byte for byte in versions.sort_key(version)) + b"\xff"


def key(sort, build):
    """What an order goes by, of a build."""
    newest = newest_first(build.version)
    return (newest, build.package) if sort == "version" else (build.package, newest)


@settings(max_examples=20)
@given(
    text=st.sampled_from(
        ("", "target=zen4", "tag:v1", "-os:rocky9", "%gcc OR os=rocky9", "@1.10:")
    ),
    sort=st.sampled_from(("relevance", "package", "version", "recent")),
    size=st.integers(1, 40),
)
def test_an_order_is_one_whatever_part_of_it_is_shown(searcher, text, sort, size):
    """Pages put together are the whole answer, whose builds are sorted; `relevance` of no name is by name."""
    node = query.parse(text)
    whole = searcher.search(node, sort=sort).hits
    pages, at = [], 0
    while page := searcher.search(node, sort=sort, limit=size, offset=at).hits:
        pages += page
        at += size
    assert tuple(pages) == whole
    assert len({(hit.build, hit.specs) for hit in whole}) == len(whole) > 3
    if sort != "recent":
        keys = [key(sort, hit.build) for hit in whole]
        assert keys == sorted(keys)


@pytest.mark.parametrize("text", ["gcc", "h*", "package:hdf5 OR package:z", "hdf5 OR zlib"])
def test_what_names_a_package_keeps_its_order(searcher, text):
    """The best score first, then the shorter name."""
    hits = searcher.search(query.parse(text)).hits
    keys = [(-hit.score, len(hit.build.package), hit.build.package) for hit in hits]
    assert keys == sorted(keys)
    assert len({hit.build.package for hit in hits}) > 1


def test_recent_is_what_became_cached_last(world):
    """Again counts, where no source had it between; in one more tag does not. `newest` is the old name."""

    def synced(order):
        world.sync()
        for name in ("recent", "newest"):
            found = [one["package"] for one in world.search("--sort", name)["results"]]
            assert found == order

    world.configure(f"sources:\n{world.directory_source()}")
    for number, name in enumerate(("hdf5", "zlib", "cmake")):
        world.page("develop", name, spec(hash_of(number)))
        world.sync()
    synced(["cmake", "zlib", "hdf5"])
    world.page("v1", "hdf5", spec(hash_of(0)))
    synced(["cmake", "zlib", "hdf5"])
    world.remove("develop/zlib")
    world.sync()
    world.page("v1", "zlib", spec(hash_of(1)))
    synced(["zlib", "cmake", "hdf5"])


def test_a_dependency_counts_from_when_it_is_cached(world):
    """What was known and not cached is as recent as its binary."""
    for seed in range(99):
        document = inventing.document(Random(seed), form="8")
        installs = document["database"]["installs"]
        needed = [
            one["hash"] for entry in installs.values() if entry["in_buildcache"]
            for one in entry["spec"].get("dependencies", ()) if one["hash"] in installs
        ]  # fmt: skip
        if needed:
            break
    late = needed[0]
    at = Stated("https://m.example", None, "v1", "root")
    for is_cached in (False, True):
        installs[late]["in_buildcache"] = is_cached
        sync_indexes(world, {at: json.dumps(document).encode()})
    first = world.search("--sort", "recent", "--limit", "1")["results"][0]
    assert late in [one["hash"] for one in first["specs"]]
