"""Commands over pages and build caches together: each answers right of both, and of what both have."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import caches
from tests.support.console import assert_error
from tests.support.locks import entry, lock, text
from tests.support.mirrors import Record, make_mirror
from tests.support.statements import GCC, HDF5, MIXED, MPI, OLD, OLD_ZLIB, PY, ZLIB, of_pages
from tests.support.world import World, hash_of

ELSEWHERE = {**of_pages(ZLIB, compiler="gcc@=12.3.0", short=False), "hash": hash_of(1)}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """zlib-ng in pages and in a mirror, one more hash of that build in pages; a view; layout 2. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("pages", "zlib-ng", of_pages(ZLIB, compiler="none", short=True), ELSEWHERE)
    world.page("pages", "hdf5", of_pages(HDF5, compiler="none", short=True))
    three, two = world.root / "three", world.root / "two"
    make_mirror(three, [HDF5, ZLIB, PY], cached=[HDF5, ZLIB, PY])
    make_mirror(three, [MIXED], view="team/x86", cached=[MIXED, ZLIB])
    make_mirror(two, [OLD], layout=2, cached=[OLD, OLD_ZLIB])
    world.configure(
        f"sources:\n{world.directory_source()}"
        f"  - {{name: three, type: buildcache, url: '{three.as_uri()}', tag: new}}\n"
        f"  - {{name: view, type: buildcache, url: '{three.as_uri()}', view: team/x86}}\n"
        f"  - {{name: two, type: buildcache, url: '{two.as_uri()}', tag: old, stack: x86}}\n"
    )
    world.sync()
    return world


def placed(result: dict[str, Any]) -> dict[str, set[tuple[str, str]]]:
    return {
        spec["hash"]: {(p["source"], p["tag"]) for p in spec["placements"]}
        for spec in result["specs"]
    }


def test_a_spec_of_pages_and_mirrors_is_one_build_placed_in_both(site):
    """What the page did not say the index told; nothing contradicts, nothing is warned of."""
    (result,) = site.search("zlib-ng")["results"]
    assert result["compiler"] == "gcc@=12.3.0"
    assert placed(result) == {
        ZLIB.hash: {("site", "pages"), ("three", "new"), ("view", "team/x86")},
        hash_of(1): {("site", "pages")},
    }
    assert site.status()["warnings"] == []
    site.verify()


def test_only_what_is_cached_is_found(site):
    """Externals and dependencies that were not pushed are nodes, and no search finds them."""
    found = set(site.found(""))
    assert found == {one.hash for one in (HDF5, ZLIB, PY, MIXED, OLD, OLD_ZLIB)} | {hash_of(1)}
    assert site.found("openmpi") == site.found("package:gcc") == []
    assert site.found("stack:x86") == sorted((OLD.hash, OLD_ZLIB.hash))
    assert site.found("source:view") == sorted((MIXED.hash, ZLIB.hash))


def test_facets_count_both(site):
    """Each spec once, wherever it is placed, and with each of its compilers; tags and stacks of mirrors too."""
    facets = site.run("search", "--facets", "--json").json["facets"]
    assert {tag: n["specs"] for tag, n in facets["tag"].items()} == {
        "new": 3, "pages": 3, "team/x86": 2, "old": 2,
    }  # fmt: skip
    assert {stack: n["specs"] for stack, n in facets["stack"].items()} == {"root": 5, "x86": 2}
    assert {name: n["specs"] for name, n in facets["compiler"].items()} == {
        "gcc@=12.3.0": 4, "gcc@=11.4.0": 2, "llvm@=17.0.6": 1, "none": 1,
    }  # fmt: skip


def test_history_and_diff_are_over_both(site):
    """When something was in which tag; tags of pages against those of mirrors, builds by what both say."""
    periods = site.run("history", "zlib-ng", "--json").json["periods"]
    assert {(p["source"], p["tag"], p["specs"]) for p in periods} == {
        ("site", "pages", 2), ("three", "new", 1), ("view", "team/x86", 1),
    }  # fmt: skip
    text = site.run("history", f"/{HDF5.hash}").out
    assert "pages\t1.14.5\t" in text
    assert "new\t1.14.5\t" in text
    said = site.run("diff", "pages", "new", "--json").json
    assert [one["package"] for one in said["only_b"]] == ["py-six"]
    assert said["only_a"] == []
    said = site.run("diff", "new", "team/x86", "hdf5", "--json").json
    assert [one["compiler"] for one in said["only_a"]] == ["gcc@=12.3.0"]
    assert [one["compiler"] for one in said["only_b"]] == ["llvm@=17.0.6"]


def test_history_of_what_was_never_cached_says_what_it_is(site):
    """A node in no tag: external or missing, who needs it and what for; by name, by hash, and as JSON."""
    text = site.run("history", "openmpi").out
    assert "openmpi: in no tag, as far back as the log goes" in text
    assert f"  /{MPI.hash}  missing  openmpi@=4.1.6 " in text
    assert "    needed by 1 spec (build, link): hdf5 /" in text
    said = site.run("history", f"/{GCC.hash[:9]}", "--json").json
    (node,) = said["not_cached"]
    assert (node["hash"], node["state"], said["stays"]) == (GCC.hash, "external", [])
    assert "build" in node["types"]
    assert HDF5.hash in node["needed_by"]
    assert f"/{GCC.hash}  external  gcc@=" in site.run("history", f"/{GCC.hash[:9]}").out
    assert "not_cached" not in site.run("history", "hdf5", "--json").json
    assert_error(site.run("history", "openmpi", "--tag", "new", status=1), "nothing is known of")


def test_changes_tell_of_both_and_describe_nodes_when_asked(site):
    """JSON lines have all, the table for people what happened; `--kind spec.described` asks for the rest."""
    kinds = {change["kind"] for change in site.changes()}
    assert kinds >= {"spec.described", "spec.cached", "page.added", "index.read"}
    assert "spec.described" not in site.run("changes", "--limit", "0").out
    read = site.run("changes", "--kind", "index.read").out.splitlines()
    assert read
    assert all("  file:///" in line and "/None" not in line for line in read)
    lines = site.run("changes", "--kind", "spec.described", "--package", "openmpi").out.splitlines()
    assert len(lines) == 1
    assert (
        f"  spec.described  three  2 edges  /{MPI.hash[:7]} openmpi@4.1.6 %gcc@=12.3.0" in lines[0]
    )
    assert {c["hash"] for c in site.changes("--package", "openmpi")} == {MPI.hash}
    assert {c["tag"] for c in site.changes("--tag", "team/x86")} == {"team/x86"}


def test_status_counts_nodes_edges_and_mirrors(site):
    """Pages beside mirrors; each source of build caches with its indexes, as JSON and for people."""
    said = site.status()
    every: dict[str, Record] = {}
    for one in (HDF5, ZLIB, PY, MIXED, OLD, OLD_ZLIB, GCC, MPI):
        every |= {one.hash: one, **{need.to.hash: need.to for need in one.needs}}
    assert said["ledger"]["pages"] == 2
    assert said["ledger"]["nodes"] == len(every)
    pairs = {(one.hash, need.to.hash) for one in every.values() for need in one.needs}
    assert said["ledger"]["edges"] == len(pairs)
    mirrors = {source["name"]: source.get("mirrors") for source in said["sources"]}
    assert mirrors["site"] is None
    (view,) = mirrors["view"]
    assert view.keys() >= {"url", "view", "tag", "stack", "state", "checksum", "last_success"}
    assert (view["view"], view["tag"], view["state"]) == ("team/x86", "team/x86", "ok")
    assert {source["name"]: source["specs"] for source in said["sources"]} == {
        "site": 3, "three": 3, "view": 2, "two": 2,
    }  # fmt: skip
    text = site.run("status").out
    assert "SOURCE\tTYPE\tSTATE\tPAGES\tSPECS\tREJECTED" in text
    assert "\nsite\tdirectory\tok\t2\t3\t0\t" in text
    assert "\nthree\tbuildcache\tok\t-\t3\t0\t" in text
    assert f"{len(every)} nodes, {len(pairs)} edges" in text
    assert "SOURCE\tMIRROR\tVIEW\tTAG\tSTACK\tSTATE\tLEAVING\tAGE" in text


def test_a_lock_is_checked_against_both(site, tmp_path):
    """Cached by pages, by a mirror or by both is cached; a node that is placed nowhere is missing."""
    document = lock(
        [HDF5.hash],
        entry(HDF5.hash, "hdf5", link=[MPI.hash, ZLIB.hash]),
        entry(ZLIB.hash, "zlib-ng", build=[GCC.hash]),
        entry(MPI.hash, "openmpi", link=[ZLIB.hash]),
        entry(GCC.hash, "gcc", external={"path": "/usr"}),
    )
    path = tmp_path / "spack.lock"
    path.write_bytes(text(document))
    said = site.run("check", path, "--json", status=1).json
    assert {spec["hash"]: spec["status"] for spec in said["specs"]} == {
        HDF5.hash: "cached", ZLIB.hash: "cached", MPI.hash: "missing", GCC.hash: "external",
    }  # fmt: skip
    lines = tmp_path / "list"
    lines.write_text(f"/{PY.hash}\nhdf5+mpi libs=shared,static\nlibpng@1.6 os=ubuntu22.04\n")
    site.run("check", lines)
    assert_error(site.run("show", f"/{hash_of(1)}", "--tree", status=1), "no cache index tells of")


# -- what real Spack wrote


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> World:
    """The mirrors that the locks were made of, by `sync --mirror`. Read only."""
    world = World(tmp_path_factory.mktemp("real"))
    for name in ("v3-1.1", "v3-1.2dev", "v2-0.23"):
        world.run("sync", "--mirror", caches.mirror(name).as_uri())
    return world


def _locks() -> list[str]:
    if not caches.ARCHIVE.is_file():
        return ["locks"]
    return sorted(path.name for path in (caches.unpacked() / "locks").glob("*.lock"))


def _hashes_cached() -> set[str]:
    return {
        spec_hash
        for name in ("v3-1.1", "v3-1.2dev", "v2-0.23")
        for spec_hash in caches.contents()["mirrors"][name]["cached"]
    }


@caches.needs_caches
@pytest.mark.parametrize("name", _locks())
def test_real_locks_are_checked_against_real_mirrors(real, name):
    """Of every lock: cached are exactly the hashes that a reader which is not ours found in the mirrors."""
    path = Path(caches.unpacked() / "locks" / name)
    document = json.loads(path.read_bytes())
    every = (document, *document.get("include_concrete", {}).values())
    specs = {h: spec for one in every for h, spec in one["concrete_specs"].items()}
    said = real.run("check", path, "--json", status=None).json
    found = {spec["hash"]: spec["status"] for spec in said["specs"]}
    cached = _hashes_cached()
    assert found == {
        spec_hash: "external" if spec.get("external") else "cached" if spec_hash in cached else "missing"
        for spec_hash, spec in specs.items()
    }  # fmt: skip
    known = {
        "1.1.1-jammy-mostly-cached.spack.lock": (97, 60, 3),
        "1.1.1-arm-all-cached.spack.lock": (99, 97, 2),
    }
    if name in known:
        counts = [list(found.values()).count(status) for status in ("cached", "external")]
        assert (len(found), *counts) == known[name]


def test_what_is_below_decides_of_a_difference(site):
    """`diff` asks DAGs as `search` does: of the same places the specs that a search finds there."""
    for asked in (
        "^openmpi@4",
        "hdf5 %fortran=gcc@12",
        "%c=llvm",
        "hdf5 -^openmpi",
        "^zlib-ng@:2.1",
    ):
        document = site.run("diff", "new", "team/x86", asked, "--json").json
        told = [spec for side in ("only_a", "only_b") for b in document[side] for spec in b[side]]
        expected = [set(site.found(f"{asked} source:{name}")) for name in ("three", "view")]
        assert set(told) == expected[0] ^ expected[1], asked
    assert site.run("diff", "new", "team/x86", "^openmpi", "--json").json["specs"] == {
        "only_a": 1, "only_b": 0, "both": 0,
    }  # fmt: skip


def test_what_is_below_decides_of_waiting(site):
    """`wait` ends where a DAG is as asked for, and does not for another."""
    site.run("wait", "--timeout", "1s", "hdf5 ^openmpi@4 %c=gcc@12")
    site.run("wait", "--timeout", "1ms", "hdf5 ^openmpi@5", status=1)


def test_what_is_below_decides_of_a_list(site, tmp_path):
    """A list of specs is checked with what each asks of dependencies."""
    path = tmp_path / "list"
    path.write_text("hdf5 ^openmpi@4\nhdf5 %c=llvm@17\n")
    site.run("check", path)
    path.write_text("hdf5 ^openmpi@5\n")
    site.run("check", path, status=1)
