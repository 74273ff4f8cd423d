"""Whether people find first what they mean: nDCG over judged queries, and the order on a small site."""

import json
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cachesync import query
from cachesync.model import Build
from cachesync.query import Term
from cachesync.query.machine import runnable
from cachesync.search.ranking import BEGINS, EXACT, NAMED, OTHER, gain
from cachesync.search.searcher import Searcher
from tests.support.world import ROOT, SHARED, World, hash_of, spec

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import relevance

FLOOR = 0.95
"""Of the mean nDCG@10."""
JUDGED = ROOT / "tests" / "fixtures" / "judged.json"
KEPT = {"gcc fortran", "pytorch", "nodejs"}
"""They find something else as they are, in which a word is meant otherwise; that stays found."""


def mean(figures):
    return sum(figures.values()) / len(figures)


@pytest.mark.slow
@pytest.mark.skipif(
    not (SHARED / "relevance.json").exists(), reason="the extra acceptance data is not here"
)
def test_judged_queries_are_answered_in_a_good_order(tmp_path):
    """Names, and what people type in plain words: the mean stays above the floor, and none but the known are low."""
    world = World(tmp_path)
    world.run("sync", "--pages", str(SHARED / "cache"))
    named = relevance.measure(world.state, SHARED / "relevance.json")
    assert len(named) == len(json.loads((SHARED / "relevance.json").read_text("utf-8"))["queries"])
    assert mean(named) >= FLOOR
    assert min(named.values()) > 0.9
    worded = relevance.measure(world.state, JUDGED, "shared")
    assert len(worded) >= 40
    assert {text for text, figure in worded.items() if figure < 0.9} == KEPT
    assert mean(worded) >= FLOOR


def test_plain_words_about_a_small_site_find_the_best_first(tmp_path):
    """Variants, targets, systems, compilers, sentences, versions, `without`: each is answered by what is meant."""
    world = World(tmp_path)
    world.run("sync", "--pages", ROOT / "tests" / "fixtures" / "cache")
    measured = relevance.measure(world.state, JUDGED, "fixtures")
    assert mean(measured) >= FLOOR
    assert len(measured) == 10


def test_a_grade_is_that_of_the_first_conditions_that_hold():
    """A version up to a dot, one of several beginnings, one of several values of a variant; else nothing."""
    build = Build("gcc", "12.3.0", "gcc@=11.4.0", "ubuntu22.04", "linux", "x86_64_v3", ("+piclibs", "languages=c,fortran"))  # fmt: skip
    fits = [
        {"version": "12.3"}, {"compiler": ["oneapi", "gcc@=11"]}, {"os": ["ubuntu"], "target": ["x86_64"]},
        {"variants": ["+piclibs", "languages=fortran"]},
    ]  # fmt: skip
    fails = [
        {"version": "12.30"},
        {"version": "2"},
        {"os": ["centos"]},
        {"variants": ["languages=f"]},
    ]
    for conditions in fits:
        assert relevance.grade(build, [{"grade": 1, "package": "gc"}, {"grade": 3, "package": "gcc", **conditions}]) == 3  # fmt: skip
    for conditions in fails:
        assert relevance.grade(build, [{"grade": 3, "package": "gcc", **conditions}]) == 0


def test_the_measure_is_ndcg():
    """The best order is 1, nothing found 0, and a good result further down counts less."""
    judged = {"a": 3, "b": 1}
    assert relevance.ndcg(["a", "b", "c"], judged) == 1
    assert relevance.ndcg([], judged) == 0
    assert 0 < relevance.ndcg(["c", "a"], judged) < relevance.ndcg(["a", "c"], judged) < 1


@pytest.mark.parametrize(
    ("package", "term", "expected"),
    [
        ("hdf5", Term(None, "hdf5"), EXACT),
        ("HDF5", Term("package", "hdf5"), EXACT),
        ("hdf5", Term("package", "hdf5", spack=True), EXACT),
        ("hdf5-vol", Term(None, "hdf5"), BEGINS),
        ("py-torch", Term(None, "torch"), BEGINS),
        ("py-hdf5-io", Term(None, "hdf5"), BEGINS),
        ("io-hdf5-vol", Term(None, "hdf5"), NAMED),
        ("hdf5x", Term(None, "hdf5"), OTHER),
        ("hdf5x", Term(None, "hdf5", prefix=True), BEGINS),
        ("io-hdf5x", Term(None, "hdf5", prefix=True), NAMED),
        ("py-numpy", Term(None, "numpi", distance=1), NAMED),
        ("numpy", Term(None, "numpi", distance=1), BEGINS),
        ("gcc", Term(None, "linux"), OTHER),
        ("hdf5-vol", Term("package", "hdf5", prefix=True), BEGINS),
    ],
)
def test_what_a_word_says_of_a_name(package, term, expected):
    """Called so, begins so (behind the language too), has it, or has nothing of it."""
    assert gain(package, term) == expected


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Names around one word; of one package several versions, of one version several builds."""
    world = World(tmp_path_factory.mktemp("order"))
    rows = [
        spec(hash_of(1), versions=["1.9"]), spec(hash_of(2), versions=["1.14.5"], target="zen4"),
        spec(hash_of(3), versions=["1.14.5"], target="m1"),
        spec(hash_of(4), versions=["develop"]), spec(hash_of(5), versions=["1.14.5"], target="zen3"),
    ]  # fmt: skip
    world.page("develop", "hdf5", *rows)
    world.page("v1", "hdf5", rows[2])
    for number, name in enumerate(("io-hdf5", "py-hdf5", "hdf5-vol-async"), start=10):
        world.page("develop", name, spec(hash_of(number)))
    world.page("develop", "gcc", spec(hash_of(20), variants=["hdf5"]))
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    return world


@pytest.mark.parametrize("with_index", [True, False], ids=["index", "ledger"])
def test_what_is_for_the_system_of_a_machine_is_first(tmp_path, with_index):
    """A Mac's processor has builds for macOS first, a server's those for Linux, others neither; names say more."""
    world = World(tmp_path)
    for number, name in ((1, "hdf5"), (10, "py-hdf5")):
        rows = [spec(hash_of(number)), spec(hash_of(number + 1), platform="darwin", os="sequoia"), spec(hash_of(number + 2), os="rhel9")]  # fmt: skip
        world.page("develop", name, *rows)
    world.sync()
    if not with_index:
        (world.state / "index").rename(world.state / "away")
    with closing(Searcher(world.state)) as searcher:

        def order(machine):
            hits = searcher.search(runnable(query.parse("hdf5"), machine)).hits
            assert [hit.build.package for hit in hits] == ["hdf5"] * 3 + ["py-hdf5"] * 3
            return [hit.build.os for hit in hits[:3]]

        mixed = order("aarch64")
        linux = [system for system in mixed if system != "sequoia"]
        assert order("m1") == order("m3") == ["sequoia", *linux]
        assert order("neoverse_v2") == order("a64fx") == [*linux, "sequoia"]
        assert order("armv9.0a") == mixed
        plain = searcher.search(query.parse("hdf5 target=aarch64,m1")).hits
        assert [hit.build.os for hit in plain[:3]] == mixed


@pytest.mark.parametrize("with_index", [True, False], ids=["index", "ledger"])
def test_the_order_of_results(site, with_index):
    """By name, then the newest version, the most placed, the last seen; with an index and without."""
    index = site.state / "index"
    if not with_index:
        index.rename(site.state / "away")
    try:
        searcher = Searcher(site.state)
        answer = searcher.search(query.parse("hdf5"))
        few = searcher.search(query.parse("hdf5"), limit=3)
        searcher.close()
    finally:
        if not with_index:
            (site.state / "away").rename(index)
    listed = [(h.build.package, h.build.version, h.build.target) for h in answer.hits]
    assert listed == [
        ("hdf5", "develop", "aarch64"),
        ("hdf5", "1.14.5", "m1"),  # placed twice
        ("hdf5", "1.14.5", "zen3"),  # seen after zen4
        ("hdf5", "1.14.5", "zen4"),
        ("hdf5", "1.9", "aarch64"),
        ("py-hdf5", "1.14.5", "aarch64"),
        ("hdf5-vol-async", "1.14.5", "aarch64"),
        ("io-hdf5", "1.14.5", "aarch64"),
        ("gcc", "1.14.5", "aarch64"),
    ]
    assert few.hits == answer.hits[:3]
