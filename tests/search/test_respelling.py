"""Reading anew what is spelled as elsewhere, and saying who is to blame: whatever is typed is answered."""

from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.cli.display import nohit, understood
from cachesync.errors import QueryError
from cachesync.search import respelling
from cachesync.search.searcher import Searcher
from tests.support import mirrors
from tests.support.world import World, spec

WORDS = (
    "hdf5", "gromacs", "mpi", "mpich", "16", "is", "or", "OR", "(", ")", "-x", "-n", "3", "without", "+mpi", "~x", "@99", "x~1",
    "%gcc@99", "%gcc-12", "^mpi", "^zlib@9", "^xlib", "hdf5=1.14.5", "hdf5-1.14.5", "/BXJP", "v1.1", "os:ubuntu", "target:zen4",
    "compiler:gcc@12", "virtual:mpi", "tag:v", '"q"', "\x1b", "namespace=b",
)  # fmt: skip


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    """A page and a mirror, open to be searched."""
    world = World(tmp_path_factory.mktemp("respelling"))
    world.page("develop", "hdf5", spec("a", versions=["1.14.5"], variants=["+mpi"]))
    zlib, mpich = mirrors.record("zlib", "1.3.1"), mirrors.record("mpich", "4.2")
    hdf5 = mirrors.record(
        "hdf5", "1.12.3", mirrors.edge(zlib, "link"), mirrors.edge(mpich, "link", virtuals=["mpi"])
    )
    mirror = mirrors.make_mirror(world.root / "mirror", [zlib, mpich, hdf5])
    world.run("sync", "--pages", world.pages, "--mirror", mirror.url)
    with closing(Searcher(world.state)) as found:
        yield found


@settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.lists(st.sampled_from(WORDS), max_size=5))
def test_what_is_typed_is_read_or_blamed(searcher, words):
    """A way that is told finds something, and what is said can be said."""
    text = " ".join(words)
    try:
        node = query.parse(text)
        if searcher.search(node, limit=1).builds:
            return
        found = respelling.understand(searcher, text)
    except QueryError:
        return
    assert understood.document(found) == {} or understood.lines(found)
    if found.way is not None:
        assert searcher.search(found.way.node).builds
        return
    try:
        blamed = nohit.explain(searcher, node if found.plain is None else found.plain.node)
    except QueryError:  # of virtual packages nobody tells the version
        return
    blamed.say()
    assert set(blamed.document()) <= {"suggestions", "nearest", "unknown"}
