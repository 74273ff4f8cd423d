"""`show` of specs that cache indexes told of: Spack's form, trees, dependents, what leaves."""

import pytest

from tests.support import caches
from tests.support.console import assert_error, on_terminal
from tests.support.mirrors import document, edge, record
from tests.support.mirrorsite import sync_indexes
from tests.support.statedsource import Stated
from tests.support.statements import GCC, HDF5, LLVM, MIXED, MPI, PATCH, PY, ZLIB, of_pages
from tests.support.world import World

MAIN = Stated("https://cache.example.org/m", None, "v1", "root")
VIEW = Stated("https://cache.example.org/m", "team/x86", "v1", "team")
SPLICED = record("py-app", "2", edge(PY, "run"), build_spec=PY, flags={"cflags": ["-O3", "-g"]})
TOOL = record("tool", "1", edge(ZLIB, "link"), external="/opt/tool")


def _documents(*cached):
    every = [HDF5, MIXED, PY, SPLICED, TOOL]
    return {MAIN: document(every, cached=cached), VIEW: document([ZLIB], cached=[ZLIB])}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Pages of zlib-ng and of a package that no index has; a mirror of which PY is leaving. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page("v1", "zlib-ng", of_pages(ZLIB, compiler="none", short=True))
    world.page("v1", "libpng", {**of_pages(ZLIB, compiler="none", short=True), "hash": "a" * 32})
    world.sync()
    sync_indexes(world, _documents(HDF5, MIXED, ZLIB, SPLICED, PY))
    sync_indexes(world, _documents(HDF5, MIXED, ZLIB, SPLICED))
    return world


def _tree(site: World, spec, *more: str) -> list[str]:
    return site.run("show", f"/{spec.hash}", "--tree", *more).out.splitlines()


def test_a_tree_has_every_spec_once_with_its_state_and_what_it_is_for(site):
    """As `spack spec` draws it: below the nearest that needs it, all it is for merged, by name."""
    *lines, count = _tree(site, HDF5)
    assert [line.split("@=")[0] for line in lines] == [
        f"cached    /{HDF5.hash[:7]}  [    ]  hdf5",
        f"external  /{GCC.hash[:7]}  [b   ]      ^c,cxx,fortran=gcc",
        f"missing   /{MPI.hash[:7]}  [bl  ]      ^mpi=openmpi",
        f"cached    /{ZLIB.hash[:7]}  [bl  ]      ^zlib-ng",
    ]
    assert count == "4 specs: 2 cached, 1 external, 1 missing"


def test_a_tree_can_be_bounded_in_depth_and_says_so(site):
    """What is further away is left out, and the count says that there is more."""
    *lines, count = _tree(site, SPLICED, "--depth", "1")
    assert [line[10:18] for line in lines] == [f"/{one.hash[:7]}" for one in (SPLICED, PY)]
    assert count == "2 specs: 2 cached; there are more (--depth, --json)"
    assert len(_tree(site, SPLICED)) == 5


def test_a_tree_as_json_has_nodes_and_edges(site):
    """The root first; every edge between nodes that are there, with types and virtuals."""
    said = site.run("show", f"/{HDF5.hash[:12]}", "--tree", "--json").json
    assert (said["schema"], said["root"], said["whole"]) == (1, HDF5.hash, True)
    nodes = {node["hash"]: node for node in said["nodes"]}
    assert next(iter(nodes)) == HDF5.hash
    assert {h: node["state"] for h, node in nodes.items()} == {
        HDF5.hash: "cached", GCC.hash: "external", MPI.hash: "missing", ZLIB.hash: "cached",
    }  # fmt: skip
    assert nodes[MPI.hash]["package"] == "openmpi"
    assert nodes[ZLIB.hash]["spec"].startswith("zlib-ng@=2.2.1+shared build_system=generic ")
    edges = {(one["from"], one["to"]): (one["types"], one["virtuals"]) for one in said["edges"]}
    assert edges == {
        (one.hash, need.to.hash): (list(need.types), list(need.virtuals))
        for one in (HDF5, MPI, ZLIB)
        for need in one.needs
        if (one, need.to) != (MPI, GCC)
    } | {(MPI.hash, GCC.hash): (["build"], ["c", "cxx", "fortran"])}
    bounded = site.run("show", f"/{SPLICED.hash}", "--tree", "--depth", "1", "--json").json
    assert (bounded["whole"], len(bounded["nodes"])) == (False, 2)


def test_dependents_are_what_needs_a_spec_directly(site):
    """By name, cached or not, with what each needs it for; of a spec that nothing needs, none."""
    lines = site.run("show", f"/{ZLIB.hash}", "--dependents").out.splitlines()
    assert [line[10:26] for line in lines[:-1]] == [
        f"/{one.hash[:7]}  [{kind}]"
        for one, kind in (
            (ZLIB, "    "), *((one, "bl  ") for one in sorted((HDF5, MIXED), key=lambda one: one.hash)),
            (MPI, "bl  "), (PY, "  r "), (TOOL, " l  "),
        )
    ]  # fmt: skip
    assert lines[-1] == "needed by 5 specs: 3 cached, 1 external, 1 missing"
    said = site.run("show", f"/{MPI.hash}", "--dependents", "--json").json
    assert [node["hash"] for node in said["nodes"]] == [MPI.hash, HDF5.hash]
    assert said["edges"] == [
        {"from": HDF5.hash, "to": MPI.hash, "types": ["build", "link"], "virtuals": ["mpi"]}
    ]
    assert site.run("show", f"/{HDF5.hash}", "--dependents").out.endswith("needed by 0 specs\n")


def test_a_spec_that_is_no_binary_is_shown_with_what_needs_it(site):
    """Externals and dependencies that were not pushed are known, though nothing has them cached."""
    text = site.run("show", f"/{GCC.hash}").out
    assert f"  /{GCC.hash}  external  gcc@=12.3.0 build_system=generic platform=linux " in text
    assert "  external:     /usr\n" in text
    assert "history:" not in text
    (node,) = site.run("show", "openmpi", "--json").json["not_cached"]
    assert (node["hash"], node["state"]) == (MPI.hash, "missing")
    assert {one["hash"] for one in node["edges"]} == {GCC.hash, ZLIB.hash}
    assert "not cached: 1 spec\n" in site.run("show", "openmpi").out


def test_a_spec_is_shown_as_spack_prints_it_with_all_that_is_known(site):
    """Flags, lists, short patches and compilers in the form; whole patches, splices, mirrors below."""
    text = site.run("show", f"/{HDF5.hash}").out
    assert (
        "hdf5@=1.14.5+mpi build_system=generic libs:=shared,static patches:=abababa platform=linux"
        " os=ubuntu22.04 target=x86_64_v3 %c,cxx=gcc@12.3.0\n"
    ) in text
    assert f"  patches:      {PATCH}\n" in text
    assert "  namespace:    builtin\n" in text
    assert "  mirror:       https://cache.example.org/m (m: v1, root)\n" in text
    text = site.run("show", f"/{SPLICED.hash}").out
    assert "py-app@=2 cflags='-O3 -g' build_system=generic platform=linux" in text
    assert f"  spliced from: /{PY.hash}\n" in text
    text = site.run("show", f"/{ZLIB.hash}").out
    assert "https://cache.example.org/m, view team/x86 (m: v1, team)\n" in text


def test_what_is_known_of_a_spec_is_in_json(site):
    """Beside the placements: Spack's form, details, edges, and the mirrors that have it."""
    (result,) = site.run("show", f"/{ZLIB.hash}", "--json").json["results"]
    assert result["compiler"] == "gcc@=12.3.0"
    (spec,) = result["specs"]
    assert spec["details"]["namespace"] == "builtin"
    assert [(one["view"], one["leaving"]) for one in spec["mirrors"]] == [
        (None, False), ("team/x86", False),
    ]  # fmt: skip
    assert {place["source"] for place in spec["placements"]} == {"m", str(site.pages)}
    (old,) = site.run("show", "libpng", "--json").json["results"]
    assert old["specs"][0].keys() == {"hash", "placements"}


def test_a_spec_that_its_index_has_no_longer_is_marked_until_it_is_evicted(site):
    assert f"  /{PY.hash}  v1 (root)  leaving v1 (root)\n" in site.run("show", "py-six").out
    (result,) = site.run("show", "py-six", "--json").json["results"]
    (place,) = result["specs"][0]["mirrors"]
    assert place["leaving"] is True
    assert "leaving" not in site.run("show", "hdf5").out


def test_languages_with_several_compilers_are_shown(site):
    """Where they differ all are named: in search results, as JSON and in the table, and by `show`."""
    several = {"c": "llvm@=17.0.6", "fortran": "gcc@=12.3.0"}
    results = site.search("hdf5")["results"]
    assert {r["compiler"]: r.get("compilers") for r in results} == {
        "llvm@=17.0.6": several, "gcc@=12.3.0": None,
    }  # fmt: skip
    (mixed,) = [r for r in results if "compilers" in r]
    assert [one["compilers"] for one in mixed["specs"]] == [several]
    assert "\tc=llvm@=17.0.6 fortran=gcc@=12.3.0\t" in site.run("search", "hdf5").out
    text = site.run("show", f"/{MIXED.hash}").out
    assert all(one in text for one in (" %c=clang@17.0.6", " %fortran=gcc@12.3.0"))
    (shown,) = site.run("show", f"/{MIXED.hash}", "--json").json["results"]
    assert shown["compilers"] == shown["specs"][0]["compilers"] == several
    told = {c["hash"]: c["build"].get("compilers") for c in site.changes("--package", "hdf5")}
    assert told == {MIXED.hash: several, HDF5.hash: None}
    nodes = site.run("show", f"/{MIXED.hash}", "--tree", "--json").json["nodes"]
    assert nodes[0]["compilers"] == several
    assert nodes[0]["spec"].count("%") == 2
    assert LLVM.hash in {node["hash"] for node in nodes}


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("hdf5", "--tree"), 2, "--tree is of one spec"),
        ((f"/{HDF5.hash}", "--tree", "--dependents"), 2, "exclude each other"),
        ((f"/{HDF5.hash}", "--tree", "--tag", "v1"), 2, "exclude each other"),
        ((f"/{HDF5.hash}", "--depth", "2"), 2, "--depth is of --tree"),
        ((f"/{'a' * 32}", "--tree"), 1, "no cache index tells of"),
        ((f"/{'a' * 32}", "--dependents"), 1, "no cache index tells of"),
        (("/zzzzzzz", "--tree"), 1, "no spec has a hash"),
    ],
)
def test_what_cannot_be_drawn_is_said(site, arguments, status, says):
    """What is wrong is status 2, what is not there 1, in one line."""
    assert_error(site.run("show", *arguments, status=status), says)


def test_a_line_of_a_tree_fits_the_terminal(site):
    """What is wider is cut, and ends in dots; in a pipe all of it is there."""
    drawn = on_terminal(site, "show", f"/{HDF5.hash}", "--tree")
    lines = [line for line in drawn.splitlines() if "/" in line]
    assert len(lines) == 4
    assert all(len(line) <= 80 + len("\x1b[32m\x1b[0m") and line.endswith("...") for line in lines)
    assert "..." not in "".join(_tree(site, HDF5))


def test_what_is_wide_or_deep_is_bounded(tmp_path):
    """A thousand lines at most, set in forty times at most, and the count says that there is more."""
    world = World(tmp_path)
    chain = record("chain", "0")
    for number in range(60):
        chain = record("chain", str(number + 1), edge(chain, "link"))
    wide = record("wide", "1", *(edge(record("leaf", str(n)), "run") for n in range(1_100)))
    sync_indexes(world, {MAIN: document([chain, wide])})
    lines = world.run("show", f"/{chain.hash}", "--tree").out.splitlines()
    assert len(lines) == 62
    assert {line.index("^") for line in lines[40:-1]} == {28 + 4 * 40}
    lines = world.run("show", f"/{wide.hash}", "--tree").out.splitlines()
    assert len(lines) == 1_001
    assert lines[-1].endswith("there are more (--depth, --json)")
    said = world.run("show", f"/{wide.hash}", "--tree", "--json").json
    assert (said["whole"], len(said["nodes"]), len(said["edges"])) == (True, 1_101, 1_100)


@caches.needs_caches
def test_trees_have_the_lines_that_spack_draws(tmp_path):
    """Of every cached spec of a real mirror, as many nodes as Spack 1.1.1 prints lines; the same form."""
    world = World(tmp_path)
    sync_indexes(world, {MAIN: caches.index_of("v3-1.1")})
    facts = {h: one for h, one in caches.facts().items() if one["in_buildcache"]}
    for spec_hash in sorted(facts)[::40]:
        said = world.run("show", f"/{spec_hash}", "--tree", "--json").json
        assert len(said["nodes"]) == facts[spec_hash]["tree_lines"]
        compilers = facts[spec_hash]["format"]["{compilers}"]
        assert said["nodes"][0]["spec"] == f"{facts[spec_hash]['short']} {compilers}".strip()
