"""`virtual:mpi` and the facet of virtual packages: what something below a spec provides."""

import shutil
from random import Random

import pytest

from cachesync.ledger import connect, names
from cachesync.search.searcher import Searcher
from tests.support import mirrors
from tests.support.answering import both_states, check_field, hashes_found
from tests.support.judge import Judge, inventing
from tests.support.world import World, spec

PERL = mirrors.record("perl", "5.40.0")
OPENMPI = mirrors.record("openmpi", "5.0.6", mirrors.edge(PERL, "build", virtuals=["D"]))
MPICH = mirrors.record("mpich", "4.2.3")
GCC = mirrors.record("gcc", "13.2.0", external="/usr")
HDF5 = mirrors.record("hdf5", "1.14.6", mirrors.edge(OPENMPI, "link", virtuals=["mpi"]),
                      mirrors.edge(GCC, "build", virtuals=["c", "cxx"]))  # fmt: skip
OTHER = mirrors.record("hdf5", "1.12.3", mirrors.edge(MPICH, "link", virtuals=["mpi"]))
PETSC = mirrors.record("petsc", "3.22.0", mirrors.edge(HDF5, "link"))


@pytest.fixture(scope="module", params=["index", "ledger"])
def site(request, tmp_path_factory) -> World:
    """A mirror with five specs, and beside it pages with two builds of hdf5. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("develop", "hdf5", spec("a"), spec("b", versions=["1.8"]))
    world.sync("--pages", world.pages)
    records = [HDF5, OTHER, PETSC, OPENMPI, MPICH]
    mirror = mirrors.make_mirror(world.root / "mirror", records)
    world.run("sync", "--mirror", mirror.url)
    if request.param == "ledger":
        shutil.rmtree(world.state / connect.INDEX_DIRECTORY)
    return world


@pytest.mark.parametrize(
    ("text", "found", "unjudged"),
    [
        ("virtual:mpi", [HDF5, OTHER, PETSC], 2),
        ("virtual:MPI", [HDF5, OTHER, PETSC], 2),
        ("virtual:m*", [HDF5, OTHER, PETSC], 2),
        ("virtual:c", [HDF5], 2),
        ("virtual:c*", [HDF5], 2),
        ("virtual:cx", [], 2),
        ("virtual:d", [OPENMPI], 2),
        ("hdf5 -virtual:c", [OTHER], 2),
        ("-virtual:mpi", [OPENMPI, MPICH], 2),
        ("-(-virtual:mpi)", [HDF5, OTHER, PETSC], 2),
        ("hdf5@1.14: ^openmpi@5: virtual:cxx", [HDF5], 1),
        ("hdf5 ^mpich virtual:c OR petsc virtual:mpi", [PETSC], 2),
    ],
)
def test_what_a_spec_depends_on_provides(site, text, found, unjudged):
    """Anything in the reach of `^`, by whole names and beginnings, whatever the case; pages leave it open."""
    document = site.run("search", "--json", text).json
    hashes = {one["hash"] for result in document["results"] for one in result["specs"]}
    assert hashes == {record.hash for record in found}
    assert document["unjudged"]["builds"] == unjudged


def test_the_way_to_what_provides_it_is_told(site):
    """And no other dependency that happens to be nearer."""
    document = site.run("search", "--json", "--why", "petsc virtual:mpi").json
    (why,) = document["results"][0]["specs"][0]["why"]
    assert why["asked"] == "virtual:mpi"
    assert [step["name"] for step in why["path"]] == ["petsc", "hdf5", "openmpi"]


def test_how_many_need_each_is_counted(site):
    """Of all that match, and of what only pages tell nothing."""
    document = site.run("search", "--json", "--facets", "hdf5", "OR", "petsc").json
    assert (document["builds"], document["specs"]) == (5, 5)
    assert document["facets"]["virtual"] == {
        "mpi": {"specs": 3, "builds": 3},
        "c": {"specs": 1, "builds": 1},
        "cxx": {"specs": 1, "builds": 1},
    }
    assert "VIRTUAL" in site.run("search", "--facets", "petsc").out
    table = site.run("search", "--facets", "tag:develop").out
    assert "TARGET" in table
    assert "VIRTUAL" not in table
    more = site.run("search", "--json", "--facets", "--through", "build", "virtual:d").json
    assert more["facets"]["virtual"]["D"]["builds"] == 3


@pytest.mark.parametrize("form", ["8", "8 mixed", "7"])
def test_it_finds_what_a_judge_finds(tmp_path, form):
    """For every virtual package of an index made up, by index and by ledger; the facet counts the same."""
    document = inventing.document(Random(f"virtuals {form}"), form=form)
    judge = Judge(document, "1.x")
    records = document["database"]["installs"].values()
    virtuals = {
        one
        for record in records
        for edge in record["spec"].get("dependencies", ())
        for one in edge["parameters"]["virtuals"]
    }
    assert virtuals
    wanted = {v: judge.ask(f"^[virtuals={v}]", cached_only=True).hashes for v in virtuals}
    for state in both_states(document, tmp_path):
        check_field(state, "virtual", wanted)
        searcher = Searcher(state)
        for letter in {one[0] for one in virtuals}:
            alike = [wanted[one] for one in virtuals if one.startswith(letter)]
            assert hashes_found(searcher, f"virtual:{letter}*") == frozenset().union(*alike)
        searcher.close()


def test_names_are_offered(site):
    """Those that any edge carries."""
    with Searcher(site.state).moment() as db:
        assert names.beginning_with(db, "virtual", "", most=9) == ["D", "c", "cxx", "mpi"]
        assert names.beginning_with(db, "virtual", "c", most=1) == ["c"]
