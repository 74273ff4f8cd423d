"""`namespace:builtin` and the facet of namespaces: whose recipes built a spec, where an index tells it."""

import shutil
from random import Random

import pytest

from cachesync.ledger import connect, names
from cachesync.search.searcher import Searcher
from tests.support import mirrors
from tests.support.answering import both_states, check_field
from tests.support.judge import Judge, inventing
from tests.support.world import World, spec

ZLIB = mirrors.record("zlib", "1.3.1")
OWN = mirrors.record("zlib", "1.3.1", namespace="Site.Tools")
HDF5 = mirrors.record("hdf5", "1.14.6", OWN)


@pytest.fixture(scope="module", params=["index", "ledger"])
def site(request, tmp_path_factory) -> World:
    """A mirror with three specs, and beside it a page with one of zlib. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("develop", "zlib", spec("a"))
    world.sync("--pages", world.pages)
    mirror = mirrors.make_mirror(world.root / "mirror", [ZLIB, OWN, HDF5])
    world.run("sync", "--mirror", mirror.url)
    if request.param == "ledger":
        shutil.rmtree(world.state / connect.INDEX_DIRECTORY)
    return world


@pytest.mark.parametrize(
    ("text", "found", "unjudged"),
    [
        ("namespace:builtin", [ZLIB, HDF5], 1),
        ("namespace:Builtin", [ZLIB, HDF5], 1),
        ("namespace:built", [], 1),
        ("namespace:b*", [ZLIB, HDF5], 1),
        ("namespace:site.tools", [OWN], 1),
        ('namespace:"site."*', [OWN], 1),
        ("zlib -namespace:builtin", [OWN], 1),
        ("-(-namespace:builtin)", [ZLIB, HDF5], 1),
        ("hdf5 ^zlib namespace:builtin", [HDF5], 0),
        ("namespace:none", [], 1),
    ],
)
def test_what_recipes_of_a_repository_built(site, text, found, unjudged):
    """By whole names and beginnings, whatever the case; always of the spec itself; pages leave it open."""
    document = site.run("search", "--json", text, status=None).json
    hashes = {one["hash"] for result in document["results"] for one in result["specs"]}
    assert hashes == {record.hash for record in found}
    assert document.get("unjudged", {"builds": 0})["builds"] == unjudged


def test_how_many_there_are_of_each_is_counted(site):
    """Of all that match; of what only pages tell nothing."""
    document = site.run("search", "--json", "--facets").json
    assert document["facets"]["namespace"] == {
        "builtin": {"specs": 2, "builds": 2},
        "Site.Tools": {"specs": 1, "builds": 1},
    }
    assert "NAMESPACE" not in site.run("search", "--facets", "tag:develop").out


def test_it_finds_what_a_judge_finds(tmp_path):
    """What `namespace=` does of an index made up, by index and by ledger; the facet counts the same."""
    document = inventing.document(Random("namespaces"), form="8")
    judge = Judge(document, "1.x")
    wanted = {
        one: judge.ask(f"namespace={one}", cached_only=True).hashes
        for one in ("builtin", "other", "nosuch")
    }
    for state in both_states(document, tmp_path):
        check_field(state, "namespace", wanted)


def test_names_are_offered(site):
    """Those that a cache index tells."""
    with Searcher(site.state).moment() as db:
        assert names.beginning_with(db, "namespace", "", most=9) == ["Site.Tools", "builtin"]
        assert names.beginning_with(db, "namespace", "b", most=9) == ["builtin"]
