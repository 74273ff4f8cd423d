"""Sets of nodes: what satisfies a spec is what the rules say of each node by itself."""

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachesync.errors import UnsaidError
from cachesync.graph.evaluating import Evaluator
from cachesync.graph.masks import members
from cachesync.graph.paths import reasons
from cachesync.spack.satisfying import Question
from tests.support.asked import asked, dags, of_old
from tests.support.dags import graph_of


def one_by_one(dag, names, spec, dialect, *, through_build):
    """The nodes that satisfy a spec, each judged by itself."""
    question = Question(dag, spec, dialect, dag.virtuals, through_build=through_build)
    return [number for number, name in enumerate(names) if question.is_met_by(name)]


def judged(find):
    """What is found, or that no index can tell."""
    try:
        return find()
    except UnsaidError as error:
        return type(error)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    dag=dags(),
    spec=asked(),
    dialect=st.sampled_from(("1.x", "1.x", "own", "0.23")),
    through_build=st.sampled_from((False, False, True)),
    few=st.sampled_from((0, 48)),
    steps=st.sampled_from((0, 3, 9, 6000)),
    has_masks=st.booleans(),
)
def test_all_at_once_is_one_by_one(dag, spec, dialect, through_build, few, steps, has_masks):
    """The nodes found at once, from below or from above, are those that satisfy the spec each by itself."""
    if dialect == "0.23":
        spec = of_old(spec)
    graph, names, hashes = graph_of(dag)
    if not has_masks:
        graph = graph._replace(tables=graph.tables._replace(mask=[]))
    evaluator = Evaluator(graph, dialect, hashes, through_build=through_build, few=few, steps=steps)
    found = judged(lambda: list(members(evaluator.satisfying(spec), graph.size)))
    expected = judged(lambda: one_by_one(dag, names, spec, dialect, through_build=through_build))
    assert found == expected


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(dag=dags(), spec=asked(), dialect=st.sampled_from(("1.x", "own", "0.23")))
def test_reasons_are_ways_along_edges(dag, spec, dialect):
    """Whoever satisfies a spec has a reason for each `^` that has no condition: edges down to what is asked for."""
    if dialect == "0.23":
        spec = of_old(spec)
    graph, names, hashes = graph_of(dag)
    evaluator = Evaluator(graph, dialect, hashes)
    try:
        found = list(members(evaluator.satisfying(spec), graph.size))
    except UnsaidError:
        return
    for root in range(graph.size):
        given_reasons = reasons(evaluator, root, spec)
        if root not in found:
            assert given_reasons == []
            continue
        for reason in given_reasons:
            assert reason.nodes[0] == root
            for one, other in itertools.pairwise(reason.nodes):
                assert names[other] in dict(dag.edges(names[one]))
            if len(reason.nodes) > 1:
                question = Question(dag, reason.asked, dialect, dag.virtuals)
                assert question.holds(names[reason.nodes[-1]], reason.asked)
        if not evaluator.nodes.is_virtual(spec.name):
            ways = [reason for reason in given_reasons if reason.sigil == "^"]
            needed = [edge for edge in spec.edges if edge.sigil == "^" and edge.when is None]
            assert len(ways) >= len(needed)
            assert all(len(way.nodes) > 1 for way in ways)
