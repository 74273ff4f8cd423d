"""Specs whose languages have several compilers: what makes a build, what finds them, how they are told."""

import json

import pytest

from cachesync.buildcache.hashes import dag_hash
from cachesync.ledger import connect, names
from tests.support import caches
from tests.support.mirrors import document
from tests.support.mirrorsite import sync_indexes
from tests.support.statedsource import Stated
from tests.support.statements import (
    ALL_LLVM,
    HDF5,
    MIXED,
    WITH_NAG,
    compilers_of,
    of_pages,
    several_compilers,
)
from tests.support.world import World

MAIN = Stated("https://cache.example.org/m", None, "new", "root")
OLD = Stated("https://cache.example.org/m", "old", "old", "root")
EVERY = (HDF5, MIXED, WITH_NAG, ALL_LLVM)
OF_LLVM = (MIXED, WITH_NAG, ALL_LLVM)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """hdf5 four times, three of them with C by llvm; pages had one of these first. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("pages", "hdf5", of_pages(MIXED, compiler="llvm@=17.0.6", short=True))
    world.sync()
    documents = {MAIN: document(EVERY, cached=EVERY), OLD: document([MIXED], cached=[MIXED])}
    sync_indexes(world, documents)
    return world


def by_hash(site: World, *query: str) -> dict[str, dict[str, str]]:
    """The hashes of what is found, a build each, with its compilers."""
    results = site.search(*query)["results"]
    assert all(len(one["specs"]) == 1 for one in results)
    return {one["specs"][0]["hash"]: one.get("compilers", {}) for one in results}


def test_another_compiler_of_fortran_is_another_build(site):
    """Everything else is the same, that of C too, which is the one that is shown as `compiler`."""
    assert by_hash(site, "hdf5") == {one.hash: several_compilers(one) for one in EVERY}
    shown = site.search("hdf5 ~mpi OR hdf5 %llvm")["results"]
    assert {one["compiler"] for one in shown} == {"llvm@=17.0.6"}
    assert len({json.dumps(one["variants"]) for one in shown}) == 1
    site.verify()


def test_a_page_that_names_the_compiler_of_c_agrees(site):
    """The index refines what the page said, silently: no warning, and nobody is notified."""
    assert site.status()["warnings"] == []
    (refined,) = [c for c in site.changes() if c["kind"] == "spec.refined"]
    assert (refined["hash"], refined["baseline"]) == (MIXED.hash, True)
    assert "compilers" not in refined["build_before"]
    assert refined["build"]["compilers"] == several_compilers(MIXED)


@pytest.mark.parametrize(
    "query",
    ["%gcc", "%gcc@12:", "%gcc@=12.3.0", "compiler:gcc", "compiler:gcc@12.3.0", "compiler:gc*", "gcd~1"],
)  # fmt: skip
def test_a_compiler_of_any_language_finds_a_spec(site, query):
    """As a field, as Spack's condition, as a prefix and misspelt; what has it nowhere is left out."""
    found = by_hash(site, f"package:hdf5 {query}").keys()
    assert found == {one.hash for one in EVERY if "gcc@=12.3.0" in compilers_of(one)}
    left = by_hash(site, f"package:hdf5 -{query}").keys()
    assert left == {one.hash for one in EVERY} - found


def test_several_can_be_asked_for_and_versions_count(site):
    assert by_hash(site, "hdf5 %llvm %nag").keys() == {WITH_NAG.hash}
    assert by_hash(site, "hdf5 %llvm -%gcc -%nag").keys() == {ALL_LLVM.hash}
    assert by_hash(site, "hdf5 %nag@8:") == by_hash(site, "hdf5 %gcc@17") == {}


def test_facets_count_a_spec_for_each_of_its_compilers(site):
    """As many as a query for that compiler finds."""
    counted = site.run("search", "hdf5", "--facets", "--json").json["facets"]["compiler"]
    assert {name: n["specs"] for name, n in counted.items()} == {
        name: len(by_hash(site, f"hdf5 compiler:{name}"))
        for name in {name for one in EVERY for name in compilers_of(one)}
    }


def test_they_are_told_wherever_a_build_is(site):
    """By show, history, diff and changes, as JSON and for people."""
    wanted = {"c": "llvm@=17.0.6", "fortran": "nag@=7.2"}
    (shown,) = site.run("show", f"/{WITH_NAG.hash}", "--json").json["results"]
    assert shown["compilers"] == shown["specs"][0]["compilers"] == wanted
    (stay,) = site.run("history", f"/{WITH_NAG.hash}", "--json").json["stays"]
    assert stay["build"]["compilers"] == wanted
    said = site.run("diff", "old", "new", "hdf5", "--json").json
    assert {
        (one["compiler"], *one.get("compilers", {}).items()) for one in said["only_b"]
    } == {("llvm@=17.0.6", *wanted.items()), ("llvm@=17.0.6",), ("gcc@=12.3.0",)}  # fmt: skip
    assert said["only_a"] == []
    assert "c=llvm@=17.0.6 fortran=nag@=7.2" in site.run("diff", "old", "new", "hdf5").out
    line = next(
        line for line in site.run("changes", "--limit", "0").out.splitlines()
        if f"/{WITH_NAG.hash[:7]}" in line
    )  # fmt: skip
    assert "hdf5@1.14.5 %c=llvm@=17.0.6 %fortran=nag@=7.2 ubuntu22.04" in line
    told = [c["build"] for c in site.changes() if c.get("hash") == ALL_LLVM.hash]
    assert told
    assert all("compilers" not in build for build in told)


def test_a_compiler_that_is_nowhere_that_of_c_is_offered(site):
    """By completion, and where nothing is found."""
    db = connect.open_reader(site.state)
    try:
        assert names.beginning_with(db, "compiler", "n", most=9) == ["nag@=7.2", "none"]
        assert names.beginning_with(db, "compiler", "gcc@=12", most=9) == ["gcc@=12.3.0"]
    finally:
        db.close()
    done = site.run("search", "hdf5", "%nag@6", "--json").json
    assert done["nearest"][0]["instead"] == ["nag@7.2", "gcc@12.3.0", "llvm@17.0.6"]


def _given_others(spec: dict, of_c: dict, of_fortran: dict) -> dict:
    """A real spec as if its C and C++ were by one compiler, its Fortran by another; hashed as Spack does."""
    (gcc,) = [one for one in spec["dependencies"] if "fortran" in one["parameters"]["virtuals"]]
    edges = [one for one in spec["dependencies"] if one is not gcc]
    for to, virtuals in (
        (of_c, [one for one in gcc["parameters"]["virtuals"] if one != "fortran"]),
        (of_fortran, ["fortran"]),
    ):
        parameters = {**gcc["parameters"], "virtuals": virtuals}
        edges.append({**gcc, "name": to["name"], "hash": to["hash"], "parameters": parameters})
    made = {**spec, "dependencies": sorted(edges, key=lambda one: (one["name"], one["hash"]))}
    return {**made, "hash": dag_hash(made)}


@caches.needs_caches
def test_real_specs_with_other_compilers_are_builds_of_their_own(tmp_path):
    """No record of the real mirrors mixes compilers, so of the real ones with Fortran by gcc some are made.

    C is from the llvm of the mirror, Fortran by the gcc it was, and again by another.
    """
    said = json.loads(caches.index_of("v3-1.1"))
    installs = said["database"]["installs"]
    specs = {spec_hash: one["spec"] for spec_hash, one in installs.items()}
    (llvm,) = [one for one in specs.values() if one["name"] == "llvm"]
    gccs = {one["hash"]: one for one in specs.values() if one["name"] == "gcc"}
    other = next(one for one in gccs.values() if one["version"] == "13.2.0")
    made: dict[str, str] = {}
    for spec_hash in caches.contents()["mirrors"]["v3-1.1"]["cached"]:
        for edge in specs[spec_hash].get("dependencies", ()):
            by = gccs.get(edge["hash"], other)
            if "fortran" in edge["parameters"]["virtuals"] and by["version"] != other["version"]:
                for gcc in (by, other):
                    mixed = _given_others(specs[spec_hash], llvm, gcc)
                    installs[mixed["hash"]] = {**installs[spec_hash], "spec": mixed}
                    made[mixed["hash"]] = f"gcc@={gcc['version']}"
    assert len(made) > 40
    world = World(tmp_path)
    sync_indexes(world, {MAIN: json.dumps(said, separators=(",", ":")).encode()})
    results = world.search("%llvm@=17.0.6 %gcc")["results"]
    assert {
        one["hash"]: result["compilers"]["fortran"] for result in results for one in result["specs"]
    } == made
    assert {result["compiler"] for result in results} == {"llvm@=17.0.6"}
    assert len(results) == 2 * len(world.search("%llvm@=17.0.6 %gcc@13")["results"])
    assert len(world.search("compiler:gcc")["results"]) == len(results) + len(
        world.search("compiler:gcc -%llvm")["results"]
    )
    assert world.status()["warnings"] == []
    world.verify()
