"""Sets of nodes: what satisfies a spec is what the rules say of each node by itself."""

import functools
import itertools
import operator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from cachesync.errors import UnsaidError, UsageError
from cachesync.graph import labels, reaching
from cachesync.graph.evaluating import Evaluator
from cachesync.graph.masks import members
from cachesync.graph.paths import reasons
from cachesync.graph.preparing import prepare
from cachesync.spack.abstract import AbstractEdge, AbstractSpec
from cachesync.spack.satisfying import Question
from tests.spack.test_satisfying import SMALL
from tests.support.asked import asked, dags, of_old
from tests.support.dags import Dag, graph_of, node
from tests.support.examples import examples


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


@examples(60, 2_500, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    dag=dags(),
    spec=asked(),
    dialect=st.sampled_from(("1.x", "1.x", "own", "0.23")),
    through_build=st.sampled_from((False, False, True)),
    few=st.sampled_from((0, 48)),
    steps=st.sampled_from((0, 3, 9, 6000)),
    least=st.sampled_from((0, 2, 8)),
    has_masks=st.booleans(),
    is_prepared=st.booleans(),
    is_collected=st.booleans(),
)
def test_all_at_once_is_one_by_one(
    dag, spec, dialect, through_build, few, steps, least, has_masks, is_prepared, is_collected
):
    """The nodes found at once, from below or from above, are those that satisfy the spec each by itself."""
    if dialect == "0.23":
        spec = of_old(spec)
    graph, names, hashes = graph_of(dag)
    if not has_masks:
        graph = graph._replace(tables=graph.tables._replace(mask=[]))
    evaluator = Evaluator(
        graph, dialect, hashes, through_build=through_build, few=few, steps=steps, least=least
    )
    if is_prepared:
        evaluator.nodes.prepare()

    def find():
        if is_collected:
            prepare(evaluator, [spec])
        return list(members(evaluator.satisfying(spec), graph.size))

    found = judged(find)
    expected = judged(lambda: one_by_one(dag, names, spec, dialect, through_build=through_build))
    assert found == expected
    named = {name: list(members(evaluator.nodes.named(name), graph.size)) for name in "abx"}
    assert named == {
        name: [
            node for node, at in enumerate(graph.columns["name"]) if graph.tables.name[at] == name
        ]
        for name in "abx"
    }


def test_a_question_has_an_end():
    """A text of many things that each lead to everything is refused, not answered in a minute."""
    graph, _, hashes = graph_of(SMALL)
    edges = tuple(
        AbstractEdge("^", AbstractSpec(versions=f":{number}"), through)
        for number in range(200)
        for through in ((), ("link",))
    )
    with pytest.raises(UsageError):
        Evaluator(graph, "1.x", hashes).satisfying(AbstractSpec(edges=edges))
    evaluator = Evaluator(graph, "1.x", hashes)
    evaluator.reaching.charge(reaching.MOST_NODES - 1)
    with pytest.raises(UsageError, match="too many dependencies"):
        evaluator.reaching.from_above(evaluator.nodes.every)
    assert evaluator.satisfying(AbstractSpec(edges=edges[-1:]))


def test_nodes_are_known_to_the_ledger_by_its_ids():
    """What is found is told by the ids of specs, all of them or those that are cached."""
    dag = Dag(
        [node("a", "a", [("x", "link")]), node("b", "b", [("a", "run")])._replace(cached=False)]
    )
    graph, names, hashes = graph_of(dag)
    evaluator = Evaluator(graph, "1.x", hashes)
    every = evaluator.satisfying(AbstractSpec())
    assert names == ["a", "b", "x"]
    assert evaluator.spec_ids(every) == [1, 2]
    assert evaluator.spec_ids(every, placed=True) == [1]


@examples(30, 1_200, deadline=None, suppress_health_check=list(HealthCheck))
@given(dag=dags(), specs=st.lists(asked(), max_size=4), through_build=st.booleans())
def test_alternatives_at_once_are_each_by_itself(dag, specs, through_build):
    """Whoever satisfies any of some specs satisfies one of them."""
    graph, _, hashes = graph_of(dag)
    specs += [
        AbstractSpec(edges=(AbstractEdge("^", AbstractSpec(name)),))
        for name in graph.tables.name[:2]
    ]
    evaluator = Evaluator(graph, "own", hashes, through_build=through_build)
    found = judged(lambda: evaluator.satisfying_any(specs))
    each = judged(lambda: [evaluator.satisfying(spec) for spec in specs])
    assert found == (each if isinstance(each, type) else functools.reduce(operator.or_, each, 0))


def test_very_many_are_looked_for_in_one_walk():
    """Many alternatives and conditions that each lead to everything are answered within what one may cost."""
    graph, _, hashes = graph_of(SMALL)
    graph = graph._replace(tables=graph.tables._replace(mask=[]))
    specs = [
        AbstractSpec(edges=(AbstractEdge("^", AbstractSpec(versions=f":{number}")),) * 2)
        for number in range(200)
    ]
    whole = [Evaluator(graph, "own", hashes).satisfying(spec) for spec in specs]
    evaluator = Evaluator(graph, "own", hashes, most=12 * graph.size)
    prepare(evaluator, specs)
    assert evaluator.satisfying_any(specs) == functools.reduce(operator.or_, whole)
    assert [evaluator.satisfying(spec) for spec in specs] == whole
    with pytest.raises(UsageError):
        Evaluator(graph, "own", hashes, most=12 * graph.size).satisfying(
            AbstractSpec(edges=tuple(edge for spec in specs for edge in spec.edges))
        )


def test_too_many_masks_are_none():
    """Where the sets of labels take too much room there are none, and the answers are the same."""
    spec = AbstractSpec(edges=(AbstractEdge("^", AbstractSpec("zlib")),))
    whole, _, hashes = graph_of(SMALL)
    for room in range(12):
        without = whole._replace(tables=whole.tables._replace(label=[], mask=[]))
        graph = labels.with_masks(without, 0, room)
        assert room > 6 or not graph.tables.mask
        assert sorted(graph.tables.label) == sorted(whole.tables.label)
        found = Evaluator(graph, "1.x", hashes).satisfying(spec)
        assert found == Evaluator(whole, "1.x", hashes).satisfying(spec)


@examples(30, 1_200, deadline=None, suppress_health_check=list(HealthCheck))
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
    told = reasons(evaluator, range(graph.size), spec)
    assert None not in told.values()
    for root in range(graph.size):
        if root not in found:
            assert root not in told
            continue
        given_reasons = told[root]
        for reason in given_reasons:
            assert reason.nodes[0] == root
            for one, other in itertools.pairwise(reason.nodes):
                assert names[other] in dict(dag.edges(names[one]))
            if len(reason.nodes) > 1:
                question = Question(dag, reason.edge.spec, dialect, dag.virtuals)
                assert question.holds(names[reason.nodes[-1]], reason.edge.spec)
        if not evaluator.nodes.is_virtual(spec.name):
            ways = [reason for reason in given_reasons if reason.edge.sigil == "^"]
            needed = [edge for edge in spec.edges if edge.sigil == "^" and edge.when is None]
            assert len(ways) >= len(needed)
            assert all(len(way.nodes) > 1 for way in ways)


def test_reasons_of_very_many_have_an_end():
    """Where finding all would take too long the first are told, and which are not is known."""
    spec = AbstractSpec(edges=(AbstractEdge("^", AbstractSpec("zlib")),))
    graph, _, hashes = graph_of(SMALL)
    whole = reasons(Evaluator(graph, "1.x", hashes), range(graph.size), spec)
    assert len(whole) > 1
    ends = set()
    for most in range(20, 2000, 20):
        told = reasons(Evaluator(graph, "1.x", hashes, most=most), range(graph.size), spec)
        known = [root for root, its in told.items() if its is not None]
        assert list(told) == list(whole)
        assert {root: told[root] for root in known} == {root: whole[root] for root in known}
        assert known == list(whole)[: len(known)]
        ends.add(len(known))
    assert ends == set(range(len(whole) + 1))
