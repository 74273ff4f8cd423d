"""How many builds an answer leaves open: those that only a DAG would decide of, and of which none is known."""

import shutil

import pytest

from cachesync.query import And, Dag, Everything, Not, Or, Term, parse, parse_in
from cachesync.query.unjudged import opened, questions, reason
from cachesync.search.instead import dependencies
from cachesync.search.searcher import Searcher
from tests.support import mirrors
from tests.support.world import World, spec

GCC = mirrors.record("gcc", "13.2.0", external="/usr")
OPENMPI = mirrors.record("openmpi", "5.0.6")
MPICH = mirrors.record("mpich", "4.2.3")
HDF5 = mirrors.record("hdf5", "1.14.6", mirrors.edge(OPENMPI, "link", virtuals=["mpi"]),
                      mirrors.edge(GCC, "build", virtuals=["c"]))  # fmt: skip
OTHER = mirrors.record("hdf5", "1.12.3", mirrors.edge(MPICH, "link", virtuals=["mpi"]))
HDF5_NAME = Term("package", "hdf5", spack=True)


@pytest.fixture(scope="module", params=["index", "ledger"])
def site(request, tmp_path_factory) -> World:
    """A mirror with four specs, and beside it pages with three builds of hdf5 and one of zlib. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.page(
        "develop", "hdf5", spec("a"), spec("b", versions=["1.8"]), spec("c", versions=["1.9"])
    )
    world.page("develop", "zlib", spec("d"))
    world.sync("--pages", world.pages)
    mirror = mirrors.make_mirror(world.root / "mirror", [HDF5, OTHER])
    world.run("sync", "--mirror", mirror.url)
    if request.param == "ledger":
        shutil.rmtree(world.state / "index")
    return world


@pytest.mark.parametrize(
    ("text", "hits", "unjudged"),
    [
        ("hdf5 ^openmpi@5:", 1, 3),
        ("hdf5 ^mpi", 2, 3),
        ("hdf5@1.9 ^openmpi", 0, 1),
        ("hdf5 -^openmpi", 1, 3),
        ("hdf5 -(@1.9 ^openmpi)", 4, 1),
        ("hdf5 ^nothing", 0, 3),
        ("zlib OR (hdf5@1.8: ^openmpi)", 2, 3),
        ("zlib ^mpi OR hdf5 ^mpi", 2, 4),
        ("hdf5 %gcc@13", 4, 0),
        ("hdf5", 5, 0),
        ("mpich ^mpi", 0, 0),
    ],
)
def test_how_many_builds_could_not_be_judged(site, text, hits, unjudged):
    """Those that meet the rest of the query and are no hits; nothing is said where there is none."""
    found = site.run("search", "--json", "--", text)
    document = found.json
    assert document["builds"] == hits
    assert document.get("unjudged", {}).get("builds", 0) == unjudged
    assert ("could not be judged" in found.err) == (unjudged > 0)


def test_a_text_in_spacks_language_leaves_builds_of_its_package_open(site):
    """Of a page it asks nothing but the name."""
    document = site.search("--spack", "1.x", "hdf5 ^openmpi")
    assert (document["builds"], document["unjudged"]["builds"]) == (1, 3)


def test_nothing_is_left_open_where_every_dag_is_known(tmp_path):
    """A ledger of mirrors alone."""
    world = World(tmp_path)
    mirror = mirrors.make_mirror(tmp_path / "mirror", [HDF5, OTHER])
    world.run("sync", "--mirror", mirror.url)
    result = world.run("search", "hdf5", "^nothing", "--json")
    assert "unjudged" not in result.json
    assert "pages" not in result.err


@pytest.mark.parametrize(
    ("text", "rest", "asked"),
    [
        ("^zlib", Everything, ("^zlib",)),
        ("%gcc ^zlib +x", And((Term("compiler", "gcc", spack=True), Everything)), ("^zlib +x",)),
        ("%gcc", Term("compiler", "gcc", spack=True), ()),
    ],
)
def test_what_is_left_for_a_page_to_meet(text, rest, asked):
    """What pages tell of; they are said to tell nothing of the rest."""
    assert opened(parse(text)) == rest
    assert questions(parse(text)) == asked


def test_what_is_excluded_is_not_there():
    """A spec whose DAG does not have it would match."""
    tree = parse("-^zlib")
    assert isinstance(tree, Not)
    assert opened(tree.node) == Or(())
    assert opened(parse_in("1.x", "hdf5 ^zlib")) == HDF5_NAME


def test_which_package_is_asked_is_said_where_it_matters(site, tmp_path):
    """Where a DAG is known the variant is the compiler's; a ledger of pages alone asks the package."""
    found = site.run("search", "hdf5 %gcc@13 +mpi", "--json")
    said = "note: `+mpi` asks gcc for it; `hdf5 +mpi %gcc@13` asks hdf5"
    assert said in found.err
    assert found.json["order"] == [
        {"text": "+mpi", "asks": "gcc", "instead": "hdf5 +mpi %gcc@13"}
    ]  # fmt: skip
    world = World(tmp_path)
    world.page("develop", "hdf5", spec("a"))
    world.sync("--pages", world.pages)
    alone = world.run("search", "hdf5 %gcc@13 +mpi", "--json")
    assert "asks" not in alone.err
    assert "order" not in alone.json


def test_every_command_that_takes_a_query_says_so(site, tmp_path):
    """Once, and for programs with `--json`; of the lines of a list each its own. Of pages alone none does."""
    world = World(tmp_path)
    world.page("develop", "hdf5", spec("a"))
    world.sync("--pages", world.pages)
    listed = tmp_path / "list"
    listed.write_text("hdf5\nhdf5 %gcc@13 +mpi\n")
    text = "hdf5 %gcc@13 +mpi"
    found = {"text": "+mpi", "asks": "gcc", "instead": "hdf5 +mpi %gcc@13"}
    said = "`+mpi` asks gcc for it; `hdf5 +mpi %gcc@13` asks hdf5"
    for one in (site, world):
        one.configure(
            f"subscriptions:\n  - {{name: s, query: '{text}', targets: [{{type: command, argv: [logger]}}]}}\n"
        )
        is_said = one is site
        for asked in (
            ("search", "--group-by", "package", "--json", text),
            ("wait", "--timeout", "1ms", "--json", text),
            ("diff", "mirror" if is_said else "develop", "develop", "--json", text),
            ("subscriptions", "test", "s", "--dry-run", "--json"),
        ):
            answer = one.run(*asked, status=None)
            assert answer.err.count(f"note: {said}") == is_said, asked
            assert answer.json.get("order") == ([found] if is_said else None), asked
            assert said not in one.run("-q", *asked, status=None).err
        answer = one.run("check", listed, "--json", status=None)
        assert answer.err.count(f"note: line 2: {said}") == is_said
        orders = [line.get("order") for line in answer.json["specs"]]
        assert orders == [None, [found] if is_said else None]


def test_of_a_long_list_as_much_is_said_as_fits(site, tmp_path):
    """Twenty lines, and how many more there are."""
    listed = tmp_path / "list"
    listed.write_text("hdf5 %gcc@13 +mpi\n" * 25)
    lines = [x for x in site.run("check", listed).err.splitlines() if "note:" in x]
    assert len(lines) == 21
    assert lines[-1].endswith("5 more such conditions")


def test_a_search_without_a_hit_says_which_dependency_is_to_blame(tmp_path):
    """Each dependency is a condition of its own, where DAGs are known."""
    world = World(tmp_path)
    mirror = mirrors.make_mirror(tmp_path / "mirror", [HDF5, OTHER])
    world.run("sync", "--mirror", mirror.url)
    result = world.run("search", "hdf5 ^openmpi@6: ^mpi")
    assert "without `^openmpi@6:` there are 2 builds, 2 specs" in result.err
    assert "without `^mpi`" not in result.err
    document = world.run("search", "hdf5@1.14 ^mpich@4.2", "--json").json
    assert [(n["without"], n["builds"]) for n in document["nearest"]] == [
        ("^mpich@4.2", 1),
        ("@1.14", 1),
    ]


def test_of_pages_alone_a_dependency_is_to_blame_for_nothing(tmp_path):
    """That there are builds without it is no news: none can meet it."""
    world = World(tmp_path)
    world.page("develop", "hdf5", spec("a"))
    world.sync("--pages", world.pages)
    result = world.run("search", "hdf5 ^openmpi@5:", "--json")
    assert "without" not in result.err
    assert result.json["nearest"] == []


def test_diff_and_wait_count_what_they_leave_open(site):
    """As `search` does, of the two tags and of everything: once as a note, and as a number for programs."""
    said = "could not be judged by `^openmpi@5:`: only pages tell of them"
    counted = {"builds": 3, "conditions": ["^openmpi@5:"]}
    for command in (["diff", "mirror", "develop"], ["wait"]):
        found = site.run(*command, "--json", "hdf5 ^openmpi@5:")
        assert found.json["unjudged"] == counted
        assert found.err.count("could not be judged") == found.err.count(f"3 builds {said}") == 1
        assert site.run("-q", *command, "--json", "hdf5 ^openmpi@5:").json["unjudged"] == counted
    assert "unjudged" not in site.run("diff", "mirror", "mirror", "--json", "hdf5 ^mpi").json
    over = site.run("wait", "--timeout", "1ms", "hdf5 ^openmpi@6:", status=1)
    assert "3 builds could not be judged by `^openmpi@6:`" in over.err


def test_a_list_counts_what_it_leaves_open_of_lines_that_nothing_matches(site, tmp_path):
    """Each line its own; where something matches there is nothing to wonder about."""
    path = tmp_path / "list"
    path.write_text("hdf5 ^openmpi@5:\nhdf5@1.9 ^openmpi\nhdf5\n")
    found = site.run("check", "--json", path, status=1)
    assert [line.get("unjudged") for line in found.json["specs"]] == [
        None, {"builds": 1, "conditions": ["^openmpi"]}, None,
    ]  # fmt: skip
    assert "line 2: 1 build could not be judged by `^openmpi`: only pages tell of it" in found.err
    assert found.err.count("line ") == 1


def test_a_line_with_a_hash_asks_what_is_below_it(site, tmp_path):
    """A spec of a mirror is judged by its DAG, one of a page is left open."""
    known = site.found("hdf5@1.14.6")[0]
    page = site.found("hdf5@1.9")[0]
    path = tmp_path / "list"
    path.write_text(f"/{known} ^openmpi\nhdf5/{known[:8]} ^mpich\n/{page} ^openmpi\n")
    found = site.run("check", "--json", path, status=1)
    assert [line["status"] for line in found.json["specs"]] == ["cached", "missing", "missing"]
    assert [place["tag"] for place in found.json["specs"][0]["placements"]] == ["mirror"]
    assert [line.get("unjudged", {}).get("builds") for line in found.json["specs"]] == [
        None,
        None,
        1,
    ]


ZLIB = mirrors.record("zlib-ng", "2.2.4", variants={"compat": False})
OLDER = mirrors.record("openmpi", "4.1.6", mirrors.edge(ZLIB, "link"))
NAMESAKE = mirrors.record("hdf5", "1.14.5", mirrors.edge(OLDER, "link", virtuals=["mpi"]))
PETSC = mirrors.record("petsc", "3.22.0", mirrors.edge(NAMESAKE, "link"),
                       mirrors.edge(GCC, "build", virtuals=["c"]))  # fmt: skip


@pytest.fixture(scope="module")
def alternatives(tmp_path_factory) -> World:
    """A mirror with three hdf5 by other MPI, and a petsc. Read only."""
    world = World(tmp_path_factory.mktemp("alternatives"))
    mirror = mirrors.make_mirror(world.root / "mirror", [HDF5, OTHER, NAMESAKE, PETSC])
    world.run("sync", "--mirror", mirror.url)
    return world


@pytest.mark.parametrize(
    ("rest", "missing", "instead"),
    [
        ("hdf5", "^openmpi@6:", ["openmpi@5.0.6", "openmpi@4.1.6", "mpich@4.2.3"]),
        ("hdf5", "^mpi=nothing", ["mpich@4.2.3", "openmpi@5.0.6", "openmpi@4.1.6"]),
        ("petsc", "^openmpi@6:", ["openmpi@4.1.6"]),
        ("petsc", "^mpich", ["openmpi@4.1.6"]),
        ("petsc", "^mpi=mpich", ["openmpi@4.1.6"]),
        ("petsc", "^zlib-ng@3:+compat", ["zlib-ng@2.2.4~compat"]),
        ("petsc", "%gcc@14:", ["gcc@13.2.0"]),
        ("hdf5@1.12", "%gcc", []),
        ("petsc", "%openmpi", []),
        ("petsc", "^nothing", []),
        ("petsc", "^zlib-ng@3: ^mpich", []),
        ("petsc", "virtual:lapack", []),
    ],
)
def test_what_there_is_in_place_of_a_dependency(alternatives, rest, missing, instead):
    """The versions of what is asked for, then of what provides the same, as far as `^` or `%` looks."""
    searcher = Searcher(alternatives.state)
    with searcher.moment() as db:
        hits = searcher.hits(parse(rest), searcher.matching(parse(rest)))
        hashes = [spec.hash for hit in hits for spec in hit.specs]
        assert hashes
        dag = parse(missing)
        assert isinstance(dag, Dag)
        assert dependencies(searcher.dags, db, dag, hashes) == instead
    searcher.close()


def test_a_search_without_a_hit_says_what_there_is_instead(alternatives):
    """In the words of people, and as values in JSON."""
    assert ": with openmpi 4.1.6\n" in alternatives.run("search", "petsc ^openmpi@6:").err
    (found,) = alternatives.run("search", "--json", "petsc ^openmpi@6:").json["nearest"]
    assert (found["without"], found["instead"]) == ("^openmpi@6:", ["openmpi@4.1.6"])
    (found,) = alternatives.run("search", "--json", "petsc %cmake").json["nearest"]
    assert (found["without"], found["instead"]) == ("%cmake", [])


def test_why_builds_are_left_open_is_said():
    """Because only pages tell of them, or indexes tell too little, or some of either."""
    assert reason(1) == "only pages tell of it, and pages tell no dependencies"
    nobody = "no index says which version of the virtual package is provided to"
    assert reason(2, 2) == f"{nobody} them"
    some = "only pages tell of 3 of them, and pages tell no dependencies"
    assert reason(4, 1) == f"{some}; {nobody} 1 of them"
