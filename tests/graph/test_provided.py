"""Versions of virtual packages, as far as nodes say which they provide; and virtual packages by a field."""

from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from cachesync.errors import UnsaidError
from cachesync.graph.evaluating import Evaluator
from cachesync.graph.masks import members
from cachesync.spack.abstract import AbstractEdge, AbstractSpec
from tests.support.asked import VIRTUALS, dags
from tests.support.dags import Dag, graph_of
from tests.support.examples import examples

SAID = {"v": {1, 2, 3, 4}, "v@1:2": {1, 2}, "v@3": {3}, "w@4": set(), "v@2,4": {2, 4}}
"""What a package may say, and the versions of v that it provides."""
ASKED = {"1": {1}, "2:": {2, 3, 4}, ":3": {1, 2, 3}, "=4": {4}, "1,4": {1, 4}}


def below(dag: Dag, root: str) -> list[tuple[str, frozenset[str]]]:
    """What `^` reaches: dependencies, and the virtuals on the edges to them."""
    met = [(child, kind) for child, kind in dag.edges(root) if kind.types != ("test",)]
    seen, waiting = {root}, [root]
    while waiting:
        for child, kind in dag.edges(waiting.pop()):
            if {"link", "run"} & {*kind.types}:
                met.append((child, kind))
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)
    return [(child, frozenset(kind.virtuals)) for child, kind in met]


def said_by(dag: Dag, name: str) -> tuple[str, ...] | None:
    """What a node says that it provides."""
    return dag.nodes[name].details.provided_virtuals if name in dag.nodes else None


def names_of(found: int, names: list[str]) -> set[str]:
    """The nodes of a set."""
    return {names[number] for number in members(found, len(names))}


@examples(25, 1_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    dags(),
    st.lists(st.none() | st.lists(st.sampled_from(sorted(SAID)), max_size=2), min_size=12, max_size=12),
    st.sampled_from(sorted(ASKED)),
    st.booleans(),
)  # fmt: skip
def test_who_has_a_version_below_it(dag, said, asked, has_masks):
    """Those below which a provider says so; those are open below which one says nothing, and none so."""
    dag = Dag(
        node._replace(
            details=node.details._replace(provided_virtuals=None if one is None else tuple(one))
        )
        for node, one in zip(dag.nodes.values(), said, strict=False)
    )
    assume("v" in dag.virtuals)
    graph, names, hashes = graph_of(dag)
    if not has_masks:
        graph = graph._replace(tables=graph.tables._replace(mask=[]))
    expected, is_open = set(), set()
    for root in names:
        met = [child for child, virtuals in below(dag, root) if "v" in virtuals]
        if any(SAID[text] & ASKED[asked] for one in met for text in said_by(dag, one) or ()):
            expected.add(root)
        elif any(said_by(dag, one) is None for one in met if one in dag.nodes):
            is_open.add(root)
    spec = AbstractSpec(edges=(AbstractEdge("^", AbstractSpec(name="v", versions=asked)),))
    providers = [node for node in dag.nodes.values() if node.build.package in dag.virtuals["v"]]
    evaluator = Evaluator(graph, "own", hashes)
    silent = [one for one in providers if one.details.provided_virtuals is None]
    try:
        found = evaluator.satisfying(spec)
    except UnsaidError:
        assert silent == providers
        return
    assert len(silent) < len(providers)
    assert names_of(found, names) == expected
    assert names_of(evaluator.undecided(spec, found), names) == is_open
    spack = Evaluator(graph, "1.x", hashes)
    try:
        assert names_of(spack.satisfying(spec), names) == expected
        assert not silent
        assert not is_open
    except UnsaidError:
        assert silent


@examples(25, 1_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(dags(), st.sampled_from(VIRTUALS), st.booleans(), st.booleans())
def test_a_field_asks_for_names_and_beginnings(dag, virtual, is_prefix, has_masks):
    """Of everything that `^` reaches."""
    graph, names, hashes = graph_of(dag)
    if not has_masks:
        graph = graph._replace(tables=graph.tables._replace(mask=[]))
    asked = virtual[:1].lower() + "*" if is_prefix else virtual.lower()
    spec = AbstractSpec(edges=(AbstractEdge("^", AbstractSpec(), virtuals=(asked,)),))
    expected = {
        root
        for root in names
        for _, virtuals in below(dag, root)
        for one in virtuals
        if (one.lower().startswith(asked[0]) if is_prefix else one.lower() == asked)
    }
    assert names_of(Evaluator(graph, "virtual", hashes).satisfying(spec), names) == expected
