"""Trees, closures and cycles of any graph: each node once, and an end."""

from hypothesis import given
from hypothesis import strategies as st

from cachesync.model import EdgeKind
from cachesync.spack import dag

BUILD, LINK, RUN = (EdgeKind((one,), ()) for one in ("build", "link", "run"))
_TYPES = st.sets(st.sampled_from(dag.ALL_TYPES)).map(lambda some: EdgeKind(tuple(sorted(some)), ()))


@st.composite
def _graphs(draw: st.DrawFn, *, is_acyclic: bool = False) -> dict[int, list[tuple[int, EdgeKind]]]:
    count = draw(st.integers(1, 9))
    return {
        node: draw(
            st.lists(st.tuples(st.integers(0, node - 1 if is_acyclic else count - 1), _TYPES))
        )
        if node or not is_acyclic
        else []
        for node in range(count)
    }


def _reached(graph, root, types) -> set[int]:
    """By going on until nothing new comes."""
    found = {root}
    while True:
        more = {
            to for node in found for to, kind in graph[node] if set(kind.types) & set(types)
        } - found
        if not more:
            return found
        found |= more


_SOME = st.sets(st.sampled_from(dag.ALL_TYPES), min_size=1)


@given(_graphs(), _SOME)
def test_a_tree_has_every_node_that_is_reached_once(graph, types):
    """As near to the root as it can be, below one that depends on it."""
    found = dag.tree(0, graph.__getitem__, types=types)
    assert found.is_whole
    depths = {line.node: line.depth for line in found.lines}
    assert len(depths) == len(found.lines)
    assert set(depths) == _reached(graph, 0, types)
    path: list[int] = []
    for line in found.lines:
        assert line.depth <= len(path)
        del path[line.depth :]
        if path:
            assert line.node in {to for to, _ in graph[path[-1]]}
        path.append(line.node)
    for node, depth in depths.items():
        for to, kind in graph[node]:
            if set(kind.types) & types:
                assert depths[to] <= depth + 1


@given(_graphs())
def test_a_line_says_what_its_node_is_for_to_all(graph):
    """The types of all edges to it from the tree, the root's too where something goes back to it."""
    for line in dag.tree(0, graph.__getitem__).lines:
        reached = _reached(graph, 0, dag.ALL_TYPES)
        kinds = [kind.types for node in reached for to, kind in graph[node] if to == line.node]
        assert line.kind.types == tuple(sorted({one for types in kinds for one in types}))


def test_a_tree_is_drawn_as_spack_draws_it():
    """A node that the root itself depends on stands there, not deeper below what comes before it."""
    graph = {
        "hdf5": [("cmake", BUILD), ("zlib", LINK)],
        "cmake": [("curl", LINK), ("zlib", LINK)],
        "curl": [("zlib", RUN)],
        "zlib": [],
    }
    lines = dag.tree("hdf5", graph.__getitem__).lines
    assert [(line.depth, line.node, line.kind.types) for line in lines] == [
        (0, "hdf5", ()),
        (1, "cmake", ("build",)),
        (2, "curl", ("link",)),
        (1, "zlib", ("link", "run")),
    ]


def test_a_tree_is_bounded():
    """The nearest are there, and that there are more is said."""
    found = dag.tree(0, lambda node: [(2 * node + 1, LINK), (2 * node + 2, LINK)], most=7)
    assert [line.node for line in found.lines] == [0, 1, 3, 4, 2, 5, 6]
    assert not found.is_whole


def test_a_wide_and_a_deep_graph_cost_their_edges():
    """Each node is asked once, though there are 2**50 paths; and no stack is as deep as the graph."""
    asked: list[int] = []

    def edges_of(node: int):
        asked.append(node)
        return [(node + 1, LINK), (node + 1, RUN)] if node < 50 else []

    dag.tree(0, edges_of)
    assert asked == list(range(51))
    asked.clear()
    assert dag.cycle([0], edges_of) == []
    assert asked == list(range(51))
    chain = dag.tree(0, lambda node: [(node + 1, LINK)] if node < 20_000 else [])
    assert chain.lines[-1].depth == 20_000
    assert dag.cycle([0], lambda node: [(node + 1, LINK)] if node < 20_000 else []) == []


@given(_graphs())
def test_a_cycle_is_found_where_there_is_one(graph):
    """And it is one."""
    found = dag.cycle(graph, graph.__getitem__)
    bare = {node: [(to, LINK) for to, _ in edges] for node, edges in graph.items()}
    is_cyclic = any(
        node in _reached(bare, to, ["link"]) for node, edges in bare.items() for to, _ in edges
    )
    assert bool(found) is is_cyclic
    for node, after in zip(found, [*found[1:], *found[:1]], strict=True):
        assert after in {to for to, _ in graph[node]}
    assert len(found) == len(set(found))


@given(_graphs(is_acyclic=True))
def test_no_cycle_is_found_where_there_is_none(graph):
    """A DAG has none."""
    assert dag.cycle(graph, graph.__getitem__) == []
