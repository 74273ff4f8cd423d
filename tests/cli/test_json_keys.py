"""docs/json.md names every key of what is said of build caches; the sources' keys stand where they are explained."""

import re

import pytest

from cachesync.config import sourcekeys
from tests.support import mirrors
from tests.support.world import ROOT, World

GCC = mirrors.record("gcc", "13.2.0", external="/usr")
LLVM = mirrors.record("llvm", "17.0.6", external="/opt/llvm")
ZLIB = mirrors.record("zlib", "1.3.1", mirrors.edge(GCC, "build", virtuals=["c"]))
HDF5 = mirrors.record(
    "hdf5", "1.14.6", ZLIB, mirrors.edge(LLVM, "build", virtuals=["c"]),
    mirrors.edge(GCC, "build", virtuals=["fortran"]),
    variants={"libs": ["shared", "static"]}, flags={"cflags": ["-O2"]}, patches=["ab" * 32],
    target={"name": "zen3", "vendor": "AMD", "features": [], "generation": 0, "parents": []}, build_spec=ZLIB,
)  # fmt: skip
BUILD = {"package", "version", "compiler", "os", "platform", "target", "variants"}
EVERYWHERE = BUILD | {"schema", "seq", "at", "kind", "source", "tag", "hash", "build", "baseline", "stacks"}  # fmt: skip


def named(text):
    return {
        word for span in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[a-z_]+", span)
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A mirror with everything that an index can say; it was rejected, and is read again."""
    made = World(tmp_path_factory.mktemp("keys"))
    mirror = mirrors.make_mirror(made.root / "mirror", [HDF5])
    made.run("sync", "--mirror", mirror.url)
    whole = mirror.manifest.read_bytes()
    mirror.manifest.write_bytes(b"{")
    made.run("sync", status=1)
    mirror.manifest.write_bytes(whole)
    made.run("sync")
    return made


def test_every_key_of_build_caches_is_explained(world):
    """In show, its tree and its dependents, in status, in verify, and in the changes of their kinds."""
    (spec,) = world.run("show", f"/{HDF5.hash}", "--json").json["results"][0]["specs"]
    tree = world.run("show", f"/{HDF5.hash}", "--tree", "--json").json
    needing = world.run("show", f"/{ZLIB.hash}", "--dependents", "--json").json
    status = world.status()
    (source,) = status["sources"]
    told = [
        c
        for c in world.changes()
        if c["kind"] == "spec.described" or c["kind"].startswith("index.")
    ]
    assert {"index.read", "index.rejected", "index.recovered"} < {change["kind"] for change in told}
    assert len(spec["details"]) == 9  # all but `external`
    (gcc,) = (
        change for change in told if change["hash" if "hash" in change else "kind"] == GCC.hash
    )
    documents = [
        spec, spec["details"], *spec["edges"], *spec["mirrors"], *tree["nodes"], *tree["edges"],
        *needing["nodes"], *needing["edges"], source["mirrors"][0], *told, gcc["details"],
        gcc["details"]["external"],
    ]  # fmt: skip
    assert needing["edges"]
    keys = {key for document in documents for key in document} - EVERYWHERE
    keys |= tree.keys() | needing.keys() | world.run("verify", "--json").json.keys()
    keys |= {"nodes", "edges"} & status["ledger"].keys()
    told_of = named((ROOT / "docs" / "json.md").read_text())
    assert keys - told_of - {"schema", "show", "ok", "placements", "ledger"} == set()


@pytest.mark.parametrize("where", ["docs/sources.md", "config/cachesync.yaml"])
def test_every_key_of_a_build_cache_stands_where_it_is_explained(where):
    """In the document on sources, and commented in the example."""
    keys = set(sourcekeys._BUILDCACHE.keys)
    text = (ROOT / where).read_text()
    if where.endswith(".md"):
        assert keys <= named(text)
    else:
        entry = text[
            text.index("  #- name: v2026.10.0") : text.index("# How sources over the network")
        ]
        assert keys <= set(re.findall(r"#?-? ?([a-z_]+):", entry))
