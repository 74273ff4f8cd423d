"""What a query asks of DAGs, answered by the graph before anything else of it is looked at."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

from .. import query
from ..graph import catchup
from ..graph.evaluating import Evaluator
from ..graph.hashed import Hashes
from ..graph.masks import everything, flags_of, mask_of, planes_of
from ..ledger import connect, graphrows, read
from ..ledger.mirrors import signed_ids
from .conditions import holding

if TYPE_CHECKING:
    from ..graph.arrays import Graph
    from ..graph.masks import Mask
    from ..ledger.mirrors import Mirror
    from ..spack.abstract import AbstractSpec

__all__ = ["Dags", "Found"]

AT_ONCE = 5
"""So many `^` of a query and more are looked for together."""


class Found:
    """The specs that satisfy something, among those whose DAG is known."""

    def __init__(
        self,
        graph: Graph,
        met: Mask,
        told: Mask,
        undecided: Mask = 0,
        few: Sequence[int] | None = None,
        *,
        is_of_themselves: bool = False,
    ) -> None:
        """`undecided` are those of which an index does not say enough: as if their DAG was not known.

        `few` are the nodes of `met` in order, where somebody knows them. With `is_of_themselves` nothing
        but the values in columns decided.
        """
        self.graph = graph
        self.undecided = undecided & told if undecided else 0
        self.told = told & ~undecided if undecided else told
        """Those whose DAG is known, and says enough."""
        self.mask = met & self.told
        self.few = few if self.mask == met else None
        """The nodes of `mask` in order; None where nobody knows them."""
        self.is_of_themselves = is_of_themselves and not undecided
        """Whether of those whose DAG is known and who are alike in all columns, all are in `mask`, or none is."""

    @property
    def says_all(self) -> bool:
        """See `query.Verdicts`."""
        return not self.undecided

    def of(self, spec_id: int) -> bool | None:
        """See `query.Verdicts`."""
        ids = self.graph.spec_ids
        at = bisect_left(ids, spec_id)  # as good as always in order
        if at < len(ids) and ids[at] == spec_id:
            said = self._said[at]
        else:
            said = self._by_spec.get(spec_id, 0)
        return None if said == 0 else said == 2

    @cached_property
    def _said(self) -> bytes:
        return flags_of(self.mask + self.told, self.graph.size)

    @cached_property
    def _by_spec(self) -> Mapping[int, int]:
        return dict(zip(self.graph.spec_ids, self._said, strict=True))

    def excluded(self) -> Found:
        """Those that do not."""
        told = self.told | self.undecided
        return Found(
            self.graph, ~self.mask, told, self.undecided, is_of_themselves=self.is_of_themselves
        )

    @staticmethod
    def joined(several: Sequence[Found], *, all_of_them: bool) -> Found:
        """Those that satisfy all of several, or any; of one graph, and equally well told."""
        met = several[0].mask
        for one in several[1:]:
            met = met & one.mask if all_of_them else met | one.mask
        told, undecided = several[0].told, several[0].undecided
        alike = all(one.is_of_themselves for one in several)
        return Found(several[0].graph, met, told | undecided, undecided, is_of_themselves=alike)

    def met(self) -> dict[int, int]:
        """How many placed specs of each build satisfy it."""
        return self._counted(self.mask)

    def known(self) -> dict[int, int]:
        """How many placed specs of each build have a DAG."""
        return self._counted(self.told)

    def _counted(self, mask: Mask) -> dict[int, int]:
        graph = self.graph
        chosen = flags_of(mask & mask_of(graph.placed), graph.size)
        return Counter(compress(graph.builds, chosen))


class Dags:
    """Answers for a ledger, of the moment in which it is asked."""

    def __init__(
        self,
        db: connect.Connection,
        state_dir: Path,
        *,
        through_build: bool = False,
        is_lasting: bool = False,
    ) -> None:
        """One that is not `is_lasting` is asked little: it prepares nothing."""
        self._db = db
        self._state_dir = state_dir
        self._through_build = through_build
        self._is_lasting = is_lasting
        self._seq = -1
        self._graph: Graph | None = None
        self._evaluators: dict[str, Evaluator] = {}
        self._found: dict[tuple[query.Dag, ...], Found] = {}
        self._told = 0
        self._goes_on = False
        """Whether something of the same tree was asked before."""

    def judged(self, node: query.Node) -> query.Node:
        """A tree with what it asks of DAGs and mirrors answered; the caller reads in a snapshot.

        Raises UnsaidError for what no index can answer.
        """
        node = self.placed(node)
        if next(query.each_dag(node), None) is None:
            return node
        self._goes_on = False
        self._prepare(query.each_dag(node))
        tree = query.with_dags(self._at_once(node), self._judged)
        if not isinstance(tree, query.Judged) and not read.has_pages(self._db):
            tree = self._with_conditions(tree)
        return _folded(tree)

    def _prepare(self, dags: Iterable[query.Dag]) -> None:
        """Let what all of them look for be found at once, where that is much."""
        of: dict[str, list[AbstractSpec]] = {}
        for dag in dict.fromkeys(dags):
            of.setdefault(dag.dialect, []).append(dag.spec)
        for dialect, specs in of.items():
            evaluator = self.evaluator(dialect)
            evaluator.know({}, keep=False)
            if sum(edge.sigil == "^" for spec in specs for edge in spec.edges) >= AT_ONCE:
                from ..graph.preparing import prepare  # few ask for so much

                prepare(evaluator, specs)

    def placed(self, node: query.Node, *, opened: bool = False) -> query.Node:
        """A tree with placements in place of the fields of mirrors; see `placing.resolved`."""
        if not query.asks_mirrors(node):
            return node
        from . import placing

        return placing.resolved(node, placing.Mirrors.of(self._db), self._signed, opened=opened)

    def _signed(self, mirror: Mirror, signed: bool | None) -> query.Judged:  # noqa: FBT001
        graph = self._current()
        known = signed_ids(self._db, mirror.id)
        ids = {one for one, said in known.items() if signed is None or said is signed}
        met = mask_of(bytes(map(ids.__contains__, graph.spec_ids)))
        return query.Judged(Found(graph, met, self._told), query.Or(()))

    def _with_conditions(self, node: query.Node) -> query.Node:
        """The tree with what is asked of specs themselves answered too, as far as a graph can."""
        if isinstance(node, query.Term):
            found = holding(node, self.evaluator("own").nodes)
            graph = self._current()
            if found is None:
                return node
            told = Found(graph, found, self._told, is_of_themselves=True)
            return query.Judged(told, node)
        if isinstance(node, query.Not):
            return query.Not(self._with_conditions(node.node))
        if isinstance(node, (query.And, query.Or)):
            return type(node)(tuple(map(self._with_conditions, node.nodes)))
        return node

    def decided(self, node: query.Judged) -> Found | None:
        """What a graph found to be what was asked for; None where it does not say enough of some."""
        found = _found(node)
        return None if found.undecided else found

    def unjudged(self, node: query.Node, *, only_undecided: bool = False) -> query.Node | None:
        """What of the specs whose DAG is not known, or says too little, might match `node`, and does not.

        With `only_undecided` of those whose DAG is known. None where there are no such specs, or nothing is
        asked of them; the caller reads in a snapshot.
        """
        from ..query.unjudged import opened, questions

        if not questions(node):
            return None
        graph, undecided = self._current(), self.undecided(node)
        if not undecided and (only_undecided or not read.has_pages(self._db)):
            return None
        might = query.with_dags(node, lambda dag: query.Judged(self._answer(dag), opened(dag)))
        asked = query.And((might, query.Not(self.judged(node))))
        if not only_undecided:
            return self.of_pages(asked, undecided)
        found = Found(graph, undecided, self._told)
        return query.And((query.Judged(found, query.Or(())), asked))

    def of_pages(self, node: query.Node, undecided: Mask = 0) -> query.Node:
        """A tree, asked of the specs of which only pages tell; the caller reads in a snapshot.

        And of those of `undecided`, which are as if their DAG was not known.
        """
        graph = self._current()
        untold = Found(graph, 0, self._told, undecided)
        return query.And((query.Judged(untold, query.Everything), node))

    def undecided(self, node: query.Node) -> Mask:
        """The specs of which no index says which version of a virtual package is provided to them.

        Those that anything in a tree, not yet judged, hangs on; the caller reads in a snapshot.
        """
        found = 0
        for dag in query.each_dag(node):
            found |= self._answer(dag).undecided
        return found

    def is_any_known(self) -> bool:
        """Whether there is a spec whose DAG is known."""
        return self._current().size > 0

    def _judged(self, dag: query.Dag) -> query.Judged:
        return query.Judged(self._answer(dag), dag.plain)

    def _at_once(self, node: query.Node) -> query.Node:
        """The tree with alternatives that ask of DAGs answered in one go: they often look for the same."""
        if isinstance(node, query.Not):
            return query.Not(self._at_once(node.node))
        if not isinstance(node, (query.And, query.Or)):
            return node
        dags = [child for child in node.nodes if isinstance(child, query.Dag)]
        is_one_language = len({dag.dialect for dag in dags}) == 1
        if isinstance(node, query.And) or len(dags) < 2 or not is_one_language:
            return type(node)(tuple(map(self._at_once, node.nodes)))
        rest = (self._at_once(n) for n in node.nodes if not isinstance(n, query.Dag))
        plain = query.Or(tuple(dag.plain for dag in dags))
        return query.Or((query.Judged(self._answer(*dags), plain), *rest))

    def _answer(self, *dags: query.Dag) -> Found:
        """What satisfies any of some, which are in one language."""
        graph = self._current()
        found = self._found.get(dags)
        if found is None:
            evaluator = self._evaluator(graph, dags[0].dialect)
            met = evaluator.satisfying_any([dag.spec for dag in dags], goes_on=self._goes_on)
            self._goes_on = True
            undecided = 0
            for dag in dags:
                undecided |= evaluator.undecided(dag.spec, met)
            few = evaluator.nodes.few.members(met)
            found = self._found[dags] = Found(
                graph, met, self._told, undecided, few,
                is_of_themselves=all(_asks_only_itself(dag.spec) for dag in dags),
            )  # fmt: skip
        return found

    def evaluator(self, dialect: str) -> Evaluator:
        """What answers in a language; the caller reads in a snapshot."""
        return self._evaluator(self._current(), dialect)

    def _evaluator(self, graph: Graph, dialect: str) -> Evaluator:
        found = self._evaluators.get(dialect)
        if found is None:
            hashes = Hashes(
                partial(graphrows.with_hash, self._db), partial(graphrows.hashes, self._db)
            )
            found = self._evaluators[dialect] = Evaluator(
                graph, dialect, hashes, through_build=self._through_build
            )
            if self._is_lasting:
                found.nodes.prepare()
        return found

    def _current(self) -> Graph:
        seq = read.last_seq(self._db)
        if self._graph is None or seq != self._seq:
            self._graph, _ = catchup.current(self._db, self._state_dir)
            self._seq = seq
            self._told = _told(self._graph)
            self._evaluators.clear()
            self._found.clear()
        return self._graph


def _asks_only_itself(spec: AbstractSpec) -> bool:
    """Whether only the values in the columns of a node decide whether it satisfies a spec."""
    return spec.hash is None and not spec.edges and not any(v.propagated for v in spec.variants)


def _told(graph: Graph) -> Mask:
    """The nodes that an index told of, and not only what depends on them."""
    if 0 not in graph.builds:
        return everything(graph.size)
    found = 0
    for plane in planes_of(graph.builds):
        found |= mask_of(plane.translate(_IS_MORE))
    return found


_IS_MORE = b"\0" + 255 * b"\1"


def _folded(node: query.Node) -> query.Node:
    """The same tree with one answer in place of several that are asked for together."""
    if isinstance(node, query.Not):
        inner = _folded(node.node)
        if isinstance(inner, query.Judged):
            return query.Judged(_found(inner).excluded(), query.Not(inner.plain))
        return query.Not(inner)
    if not isinstance(node, (query.And, query.Or)):
        return node
    kind = type(node)
    children = tuple(map(_folded, node.nodes))
    judged = [child for child in children if isinstance(child, query.Judged)]
    if len(judged) > 1 and all(_found(one).told == _found(judged[0]).told for one in judged):
        met = Found.joined(list(map(_found, judged)), all_of_them=kind is query.And)
        plain = kind(tuple(child.plain for child in judged))
        rest = (child for child in children if not isinstance(child, query.Judged))
        children = (query.Judged(met, plain), *rest)
    return children[0] if len(children) == 1 else kind(children)


def _found(judged: query.Judged) -> Found:
    """What answers, as what it is."""
    assert isinstance(judged.verdicts, Found), "nobody else makes any"
    return judged.verdicts
