"""Small real inputs that were answered wrongly once (../shared/cases): what its README calls right."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support.world import World

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
CASES = SHARED / "cases"
FIXTURE = ROOT / "tests" / "fixtures" / "cache"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="needs the cases in ../shared/cases")


def synced(root: Path, pages: Path) -> World:
    """A world with a copy of some pages, synced."""
    world = World(root)
    shutil.copytree(pages, world.pages, dirs_exist_ok=True)
    world.sync()
    return world


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> World:
    """The shipped pages. Read only."""
    return synced(tmp_path_factory.mktemp("small"), FIXTURE)


@pytest.fixture(scope="module")
def colon_eq(tmp_path_factory) -> World:
    """Pages that write `name:=a,b`. Read only."""
    return synced(tmp_path_factory.mktemp("colon-eq"), CASES / "colon-eq-pages" / "pages")


@pytest.mark.parametrize(
    "query",
    ["celeritas amdgpu_target=gfx90a", "celeritas amdgpu_target=*", "arkouda patches=*",
     "amdgpu_target:=gfx90a", "variant:amdgpu_target=gfx90a"],
)  # fmt: skip
def test_variants_of_several_values_are_found(colon_eq, query):
    """Whichever of `=` and `:=` the pages and the query write; and nothing warns of it."""
    assert colon_eq.search(query)["builds"] > 0
    assert colon_eq.status()["warnings"] == []


@pytest.mark.parametrize("lock", ["spack.lock", "noroots.lock"])
def test_a_lock_that_holds_nothing(small, lock):
    """Is no answer: a CI gate must not turn green."""
    done = small.run("check", CASES / "empty-lock" / lock, status=2)
    assert done.out == ""
    assert "nothing to check" in done.err


def test_what_pages_never_tell(tmp_path):
    """Is said of compiler flags, dev_path and commit; they are no condition to drop."""
    if not (SHARED / "cache").is_dir():
        pytest.skip("needs the real pages in ../shared/cache")
    world = synced(tmp_path, SHARED / "cache")
    for query in (CASES / "flags-and-dev" / "queries.txt").read_text().splitlines():
        done = world.run("search", query)
        said = done.out + done.err
        assert "pages" in said, query
        assert re.search(r"\b(pages do not say|pages never)\b", said), (query, said)
        assert not re.search(r"without it", said), (query, said)


def test_a_lock_of_version_2(small):
    """Its version is named, and that its hashes are others."""
    done = small.run("check", CASES / "lock-v2" / "spack.lock", status=2)
    assert done.out == ""
    assert "lockfile version 2" in done.err
    assert "concretize" in done.err


def test_a_minus_in_a_list(small):
    """Is `~mpi` behind a spec whose package has that variant, and that is said; so it is missing."""
    wanted = CASES / "minus-variant" / "list.txt"
    done = small.run("check", "--json", wanted, status=1)
    (entry,) = done.json["specs"]
    assert entry["status"] == "missing"
    said = small.run("check", wanted, status=1)
    assert "~mpi" in said.out + said.err
    assert "-mpi" in said.out + said.err


def test_a_namespace_before_a_name(small):
    """`builtin.hdf5` is hdf5, as `hdf5@:` is."""
    query = (CASES / "namespace-bare" / "query.txt").read_text().strip()
    assert small.found(query) == small.found("hdf5@:") != []


@pytest.mark.parametrize("lines", ["list.txt", "quoted.txt"])
def test_lines_pasted_from_yaml(small, tmp_path, lines):
    """Each is taken for the spec in it: with the answers of that spec alone."""
    pasted = CASES / "yaml-list-lines" / lines
    bare = tmp_path / "bare.txt"
    specs = [line.removeprefix("- ").strip("'\"") for line in pasted.read_text().splitlines()]
    bare.write_text("\n".join(specs) + "\n")
    answers = []
    for file in (pasted, bare):
        done = small.run("check", "--json", file, status=None)
        assert done.status in (0, 1), done
        assert "schema" in json.loads(done.out)
        answers.append([(e["status"], e["specs"], e["placements"]) for e in done.json["specs"]])
    assert answers[0] == answers[1]
    assert len(answers[0]) == len(specs)
