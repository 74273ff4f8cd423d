"""Reading a query anew (understanding.py): what is found is what is said, within bounds."""

from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.errors import QueryError
from cachesync.query.machine import runnable
from cachesync.search import understanding
from cachesync.search.searcher import Searcher
from tests.support.world import World, spec

WORDS = (
    "hdf5", "zlib", "numpy", "mpi", "cuda", "arm", "zen4", "openmp", "ubuntu", "develop", "1.14", "is", "the", "or",
    "|", "not", "without", "and", "OR", "(", ")", "-", "+mpi", "%gcc", "hdf5@1:", '"mpi"', "nonsense", "mpi?", "tag:v1",
    "@", "=", "^", "'", "[", "X", "t",
)  # fmt: skip


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    """A few builds, open to be searched."""
    world = World(tmp_path_factory.mktemp("understanding"))
    world.page(
        "develop", "hdf5",
        spec("a", variants=["+mpi", "~cuda", "threads=openmp"], target="zen3", os="ubuntu22.04"),
        spec("b", variants=["~mpi", "~cuda", "~X"], target="x86_64_v3", os="rhel9"),
    )  # fmt: skip
    world.page("v1", "zlib", spec("z", target="aarch64", variants=["+pic"]))
    world.page("develop", "py-numpy", spec("c", target="aarch64"))
    world.sync()
    with closing(Searcher(world.state)) as found:
        yield found


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
