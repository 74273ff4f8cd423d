"""Cached nodes in the order of their builds: what is counted and comes first is what is found one by one."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from cachesync.graph.arrays import COLUMNS
from cachesync.graph.making import NOTHING
from cachesync.graph.masks import everything, flags_of, mask_of
from cachesync.search.dags import Found
from cachesync.search.rows import Counts, Rows
from tests.support.examples import examples

BUILDS = 5
NODES = st.lists(
    st.tuples(st.integers(1, BUILDS), st.integers(0, 2), st.booleans(), st.booleans()), max_size=14
)
"""Of each its build, the number of its version, whether it is cached, and whether it is chosen."""


def graph_of(nodes):
    """The arrays, as far as they are looked at."""
    columns = {name: array("B", [0] * len(nodes)) for name in COLUMNS}
    columns["version"] = array("B", [version for _, version, _, _ in nodes])
    return NOTHING._replace(
        spec_ids=array("I", range(11, 11 + len(nodes))),
        builds=array("I", [build for build, *_ in nodes]),
        placed=bytes(is_cached for _, _, is_cached, _ in nodes),
        columns=columns,
    )


@examples(40, 2_000)
@given(NODES, st.sets(st.integers(0, 2)), st.booleans(), st.permutations(range(1, BUILDS + 1)))
def test_what_is_counted_is_there(nodes, versions, is_by_version, order):
    """Of any nodes, and of those chosen by what a column says, which nodes of one build may have otherwise."""
    graph = graph_of(nodes)
    met = [v in versions if is_by_version else chosen for _, v, _, chosen in nodes]
    rows, mask = Rows(graph, order, ()), mask_of(bytes(met))
    specs = {
        build: {
            11 + n for n, (b, _, cached, _) in enumerate(nodes) if b == build and cached and met[n]
        }
        for build in order
    }
    found = [build for build in order if specs[build]]
    few = [node for node, is_met in enumerate(met) if is_met]
    for known in (few, None):
        counts = Counts(
            Found(graph, mask, everything(graph.size), few=known, is_of_themselves=is_by_version),
            rows,
        )
        assert (len(counts), counts.specs) == (len(found), sum(map(len, specs.values())))
        assert [counts.first(enough) for enough in (1, 9)] == [found[:1], found]
        assert {build: counts.specs_of(build) for build in found} == {b: specs[b] for b in found}
    placed = mask & rows.placed
    flags = flags_of(placed, graph.size)
    assert rows.count(placed, flags, is_of_themselves=is_by_version) == len(found)
    assert rows.first(flags, 2) == found[:2]
