"""Words that are Spack's too: `++x` among words, and `*` for any package."""

import shutil

import pytest

from tests.support import mirrors
from tests.support.console import assert_error
from tests.support.world import World, spec

ON = mirrors.record("zlib", "1.3.1", variants={"shared": True})
OFF = mirrors.record("zlib", "1.2.13", variants={"shared": False})
ALL = mirrors.record("hdf5", "1.14.6", mirrors.edge(ON, "link"), variants={"shared": True})
SOME = mirrors.record("hdf5", "1.12.3", mirrors.edge(OFF, "link"), variants={"shared": True})
NONE = mirrors.record("fmt", "11.1")


@pytest.fixture(scope="module", params=["index", "ledger"])
def site(request, tmp_path_factory) -> World:
    """A mirror with five specs, and beside it pages with two. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("develop", "cmake", spec("a", variants=["+shared"]), spec("b", variants=["~shared"]))
    world.sync("--pages", world.pages)
    mirror = mirrors.make_mirror(world.root / "mirror", [ON, OFF, ALL, SOME, NONE])
    world.run("sync", "--mirror", mirror.url)
    if request.param == "ledger":
        shutil.rmtree(world.state / "index")
    return world


def found(world, text):
    return {one[:1] if len(set(one)) == 1 else one for one in world.found(text)}


def test_two_signs_ask_the_same_alone_as_beside_spec_syntax(site):
    """The spec and all below it that has such a variant; of pages the word, as ever."""
    met = {ON.hash, ALL.hash, NONE.hash, "a"}
    assert found(site, "++shared") == found(site, "++shared @:") == met
    assert found(site, "-++shared") == {OFF.hash, SOME.hash, "b"}
    assert found(site, "hdf5 ++shared") == {ALL.hash}
    assert found(site, "++nosuch") == {one.hash for one in (ON, OFF, ALL, SOME, NONE)}
    assert found(site, "variant:++shared") == {ON.hash, ALL.hash, SOME.hash, "a"}
    assert "unjudged" not in site.search("++shared")


def test_a_star_is_every_package(site):
    """Also where something is asked of it."""
    assert found(site, "*") == found(site, "")
    assert len(found(site, "*")) == 7
    assert found(site, "* +shared") == {ON.hash, ALL.hash, SOME.hash, "a"}
    assert found(site, "*@=1.12.3") == {SOME.hash}


def test_nobody_waits_for_everything(site, tmp_path):
    """As for a query without a condition, and a line without one."""
    for command in (["wait"], ["wait", "--timeout", "1s"]):
        assert_error(site.run(*command, "*", status=2))
    listed = tmp_path / "list"
    listed.write_text("*\n")
    assert "everything matches it" in site.run("check", listed, status=2).err


def test_who_asks_for_a_version_of_a_virtual_package_is_told_of_packages(tmp_path):
    """Behind a sigil where a dependency was meant, without one where the package itself was."""
    world = World(tmp_path)
    using = mirrors.record("petsc", "3.22", mirrors.edge(ON, "link", virtuals=["zlib-api"]))
    world.run("sync", "--mirror", mirrors.make_mirror(tmp_path / "mirror", [using]).url)
    for words, hint in (
        (("--spack", "1.x", "zlib-api@1:"), "provides it: zlib@..."),
        (("^zlib-api@1:",), "provides it: ^zlib@..."),
    ):
        assert hint in world.run("search", *words, status=2).err
