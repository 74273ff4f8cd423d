"""The graph is what the ledger says, however it came about; a file that cannot be trusted is not."""

import json
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from cachesync.errors import IndexUnusableError
from cachesync.graph import catchup, file, following
from cachesync.graph.arrays import COLUMNS
from cachesync.graph.file import SCHEMA
from cachesync.ledger import connect, read
from tests.spack.test_satisfying import SMALL
from tests.support.asked import dags
from tests.support.dags import graph_of
from tests.support.examples import examples
from tests.support.statements import GCC, HDF5, MPI, PY, STATEMENTS, ZLIB, World, histories
from tests.support.writing import played

M = STATEMENTS["m"][0]


def told(graph):
    """What a graph says, however its nodes and values are numbered: by the spec's id, or the hash of one."""
    tables = graph.tables
    unknown = {node: one for one, node in tables.unknown.items()}
    names = [spec_id or unknown[node] for node, spec_id in enumerate(graph.spec_ids)]
    found = {}
    for node, name in enumerate(names):
        said = {column: getattr(tables, column)[graph.columns[column][node]] for column in COLUMNS}
        said["variants"] = sorted(json.dumps(tables.pair[one]) for one in said["variants"])
        start, end = graph.starts[node], graph.starts[node + 1]
        edges = zip(graph.children[start:end], graph.kinds[start:end], strict=True)
        said["edges"] = [(names[child], tables.kind[kind]) for child, kind in edges]
        start, down, end = (
            graph.back_starts[node],
            graph.back_downs[node],
            graph.back_starts[node + 1],
        )
        for key, bounds in (("above", (start, down)), ("beside", (down, end))):
            back = zip(graph.parents[slice(*bounds)], graph.back_kinds[slice(*bounds)], strict=True)
            said[key] = sorted((str(names[parent]), tables.kind[kind]) for parent, kind in back)
        for column in ("down", "reach") if tables.mask else ():
            mask = int(tables.mask[graph.columns[column][node]], 16)
            labels = [label for number, label in enumerate(tables.label) if mask >> number & 1]
            said[column] = sorted((tables.name[label[0]], label[1]) for label in labels)
        said["placed"] = graph.placed[node]
        found[name] = said
    return found


def anew(db):
    """The graph made of the ledger alone."""
    return following.made(db)


@examples(40, 1_500, deadline=None, suppress_health_check=list(HealthCheck))
@given(dag=dags(in_order=True), first=st.integers(0, 12))
def test_a_graph_made_longer_is_one_made_at_once(dag, first):
    """Nodes may be told of in two goes: the graph is the same."""
    assert told(graph_of(dag, first)[0]) == told(graph_of(dag)[0])


@examples(12, 300, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories)
def test_the_graph_follows_the_ledger(history):
    """After each pass file, what is behind and brought up in memory, and what is made anew say the same."""
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root))
        with world.writing() as writer:
            for number in played(world, history, writer):
                expected = told(anew(writer.db))
                with read.snapshot(writer.db):
                    assert told(catchup.current(writer.db, world.state)[0]) == expected
                if number % 2:
                    catchup.catch_up(writer.db, world.state)
                    with read.snapshot(writer.db):
                        found, why = catchup.current(writer.db, world.state)
                    assert why is None
                    assert told(found) == expected


@pytest.fixture
def world(tmp_path):
    """A world whose one index was read, and the graph of it written."""
    found = World(tmp_path)
    found.put("m", M, [HDF5, MPI, ZLIB, GCC], [HDF5, ZLIB])
    with found.writing() as writer:
        found.sync(writer)
        catchup.catch_up(writer.db, found.state)
        yield found, writer


def path_of(state):
    return state / connect.INDEX_DIRECTORY / catchup.GRAPH_FILE


def test_only_what_is_new_is_added(world):
    """New nodes and placements are put into the file that is there."""
    world, writer = world
    world.put("m", M, [HDF5, MPI, ZLIB, GCC, PY], [HDF5, PY])
    world.sync(writer)
    before = path_of(world.state).stat().st_ino
    assert catchup.catch_up(writer.db, world.state) is None
    assert path_of(world.state).stat().st_ino != before
    with read.snapshot(writer.db):
        graph, why = catchup.current(writer.db, world.state)
    assert why is None
    assert told(graph) == told(anew(writer.db))


def test_nothing_is_written_where_nothing_changed(world):
    """A second catching up leaves the file alone."""
    world, writer = world
    before = path_of(world.state).stat()
    assert catchup.catch_up(writer.db, world.state) is None
    assert path_of(world.state).stat() == before


def _flip(data, at):
    changed = bytearray(data)
    changed[at % len(changed)] ^= 1
    return bytes(changed)


def _summed(data, old, new):
    """The file with something else in it, and the right checksum."""
    rest = data.partition(b"\n")[2].replace(old, new, 1)
    return b"%d\n" % zlib.crc32(rest) + rest


DAMAGES = {
    "nothing": lambda data: data[:0],
    "half": lambda data: data[: len(data) // 2],
    "more": lambda data: data + b"x",
    "a bit at the end": lambda data: _flip(data, -1),
    "a bit in the middle": lambda data: _flip(data, len(data) // 2),
    "another version": lambda data: _summed(data, b'"format": [%d' % SCHEMA, b'"format": [0'),
    "another ledger": lambda data: _summed(data, b'"stamp": ["', b'"stamp": ["x'),
    "no JSON": lambda data: b"\n" + data,
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_file_that_cannot_be_trusted_is_not(world, damage):
    """Whatever is wrong with the file, the answer comes from the ledger, and the writer makes it anew."""
    world, writer = world
    path = path_of(world.state)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    expected = told(anew(writer.db))
    with read.snapshot(writer.db):
        graph, why = catchup.current(writer.db, world.state)
    assert why is not None
    assert told(graph) == expected
    assert catchup.catch_up(writer.db, world.state) == why
    with read.snapshot(writer.db):
        assert catchup.current(writer.db, world.state)[1] is None


@examples(20, 500, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(min_value=0), bits=st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(at, bits):
    """A file with any one byte changed is refused, or says the same."""
    with tempfile.TemporaryDirectory() as root:
        graph = graph_of(SMALL)[0]
        path = Path(root) / "graph"
        file.write(path, graph, file.Stamp("mine", 3, "m"))
        data = bytearray(path.read_bytes())
        data[at % len(data)] ^= bits
        path.write_bytes(data)
        try:
            found = file.read(path, ledger="mine", mark=lambda _: "m")
        except IndexUnusableError:
            return
        assert told(found.graph) == told(graph)
