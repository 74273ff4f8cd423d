"""Reading a query anew (understanding.py): what is found is what is said, within bounds."""

import io
import json
import shutil
import time
from contextlib import closing, redirect_stderr, redirect_stdout

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.cli.entry import main
from cachesync.errors import QueryError
from cachesync.query.machine import runnable
from cachesync.search import understanding
from cachesync.search.searcher import Searcher
from tests.support.world import World, spec

WORDS = (
    "hdf5", "zlib", "numpy", "mpi", "cuda", "arm", "zen4", "openmp", "ubuntu", "develop", "1.14", "is", "the", "or",
    "|", "not", "without", "and", "OR", "(", ")", "-", "+mpi", "%gcc", "hdf5@1:", '"mpi"', "nonsense", "mpi?", "tag:v1",
    "@", "=", "^", "'", "[", "X", "t",
    "newer", "at", "least", "rhel", "no", "my", "machine", "py-numpy", "ubunut", "^zlib", "zen4,",
)  # fmt: skip


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The state directory of a few builds. Read only."""
    world = World(tmp_path_factory.mktemp("understanding"))
    world.page(
        "develop", "hdf5",
        spec("a", variants=["+mpi", "~cuda", "threads=openmp"], target="zen3", os="ubuntu22.04"),
        spec("b", variants=["~mpi", "~cuda", "~X"], target="x86_64_v3", os="rhel9"),
    )  # fmt: skip
    world.page("v1", "zlib", spec("z", target="aarch64", variants=["+pic"]))
    world.page("develop", "py-numpy", spec("c", target="aarch64"))
    world.sync()
    return world.state


@pytest.fixture(scope="module")
def searcher(state):
    """The same, open to be searched."""
    with closing(Searcher(state)) as found:
        yield found


@pytest.fixture(scope="module")
def unindexed(state, tmp_path_factory):
    """A copy without an index: the ledger answers."""
    copy = shutil.copytree(state, tmp_path_factory.mktemp("unindexed") / "state")
    shutil.rmtree(copy / "index")
    with closing(Searcher(copy)) as found:
        yield found


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
def test_the_ledger_reads_words_as_the_index_does(searcher, unindexed, words):
    """Without an index a query is understood just so, and what was tried is told the same."""
    text = " ".join(words)
    try:
        query.parse(text)
    except QueryError:
        return
    with unindexed.moment():
        assert not unindexed.is_indexed
    assert understanding.understand(unindexed, text) == understanding.understand(searcher, text)


def answered(state, *arguments):
    """The document of `search`, and what stands on standard error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["--state-dir", str(state), "search", "--json", "--limit", "0", *arguments])
    assert status == 0, (arguments, err.getvalue())
    return json.loads(out.getvalue())


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
def test_search_answers_the_query_that_it_says(state, searcher, words):
    """What finds something is answered as it is, and not read; what is read has the answer of what is said."""
    text = " ".join(words)
    try:
        node = query.parse(text)
    except QueryError:
        return
    document = answered(state, "--", text)
    read = document.get("understood", {"query": None})
    direct = searcher.search(node)
    if direct.builds:
        assert "understood" not in document
        found = [spec["hash"] for result in document["results"] for spec in result["specs"]]
        assert found == [spec.hash for hit in direct.hits for spec in hit.specs]
    elif read["query"] is None:
        assert document["builds"] == 0
    else:
        said = answered(state, *read["options"], "--", read["query"])
        assert document["results"] == said["results"] != []
        assert "understood" not in said


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"unknown{number}" for number in range(200)),
        " ".join(f"unknown{number}" for number in range(30)),
        " ".join(["hdf5", *(["mpi", "cuda", "arm", "zen4", "openmp", "ubuntu", "rhel"] * 5)]),
        "hdf5 or mpi or cuda or arm or zen4 or openmp or ubuntu or rhel or unknown",
        "hdf5 " + " ".join(f"not {word}" for word in ["amd", "intel", "gpu", "clang", "mpi"] * 3),
        " ".join(f"without unknown{number}" for number in range(17)),
    ],
    ids=["200 unknown", "30 unknown", "readable", "or", "not", "without"],
)
def test_no_query_takes_a_second(state, text):
    """Of many words that are unknown, or that may be read in many ways, what is tried is bounded."""
    started = time.process_time()
    answered(state, "--", text)
    assert time.process_time() - started < 1


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.lists(st.sampled_from(WORDS), max_size=7))
def test_what_is_said_finds_what_is_found(searcher, words):
    """Any query is read without an error; a reading finds something, and is the tree of its text."""
    text = " ".join(words)
    try:
        node = query.parse(text)
    except QueryError:
        return
    with searcher.moment():
        if searcher.matching(node):
            return
    understood = understanding.understand(searcher, text)
    way = understood.way
    assert len(understood.tried) <= understanding.TOLD
    if way is None:
        return
    read = query.parse(way.text)
    assert way.node == (read if way.runs_on is None else runnable(read, way.runs_on))
    assert way.words or way.left_out
    assert searcher.search(way.node).builds


def test_a_sentence_of_many_words_is_not_tried_for_ever(searcher):
    """Neither more whole queries than are allowed, nor any of what is longer than a sentence."""
    asked = 0

    class Counting(Searcher):
        """Counts what is asked; opens nothing."""

        def __init__(self) -> None:
            self.__dict__ = searcher.__dict__

        def matching(self, node):
            nonlocal asked
            asked += 1
            return super().matching(node)

    words = "mpi cuda arm zen4 openmp ubuntu amd intel gpu clang"
    understanding.understand(Counting(), f"hdf5 zlib {words}")
    first, asked = asked, 0
    assert first < 400
    found = understanding.understand(Counting(), f"nonsense {words} " * 4)
    assert found == understanding.Understood(None)
    assert asked == 0


def test_questions_that_take_long_are_not_asked_for_ever(searcher):
    """Of alternatives each of which takes as long as in a big ledger not even the likeliest are all asked."""

    class Slow(Searcher):
        """Takes 50 ms of the processor's time for each question; opens nothing."""

        def __init__(self) -> None:
            self.__dict__ = searcher.__dict__

        def matching(self, node):
            until = time.process_time() + 0.05
            while time.process_time() < until:
                pass
            return super().matching(node)

    words = ["hdf5", "zlib", "amd", "intel", "gpu", "clang", "arm", "power", "parallel", "unknown"]
    started = time.process_time()
    assert understanding.understand(Slow(), " or ".join(words)).way is None
    assert time.process_time() - started < 1


def test_a_machine_that_is_asked_for_is_not_read_again(searcher):
    """With --runs-on a word is no other machine."""
    assert understanding.understand(searcher, "hdf5 zen4").way.runs_on == "zen4"
    assert understanding.understand(searcher, "hdf5 zen4", "zen3").way is None
    way = understanding.understand(searcher, "hdf5 mpi", "zen3").way
    assert (way.text, way.runs_on) == ("hdf5 +mpi", None)
    assert way.node == runnable(query.parse("hdf5 +mpi"), "zen3")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("nonsense is or %gcc@99", None),
        ("zlib please or hdf5", "zlib OR hdf5"),
        ("zlib or the hdf5", "zlib OR hdf5"),
    ],
)
def test_small_words_may_stand_beside_an_or(searcher, typed, read):
    """What they stand for is the next word that asks for something."""
    way = understanding.understand(searcher, typed).way
    assert (way and way.text) == read
