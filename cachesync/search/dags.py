"""What a query asks of DAGs, answered by the graph before anything else of it is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property, partial
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

from .. import query
from ..graph import catchup
from ..graph.evaluating import Evaluator
from ..graph.masks import everything, flags_of, mask_of
from ..graph.nodes import Hashes
from ..ledger import connect, graphrows, read

if TYPE_CHECKING:
    from ..graph.arrays import Graph
    from ..graph.masks import Mask

__all__ = ["Dags", "Found"]


class Found:
    """The specs that satisfy something, among those whose DAG is known."""

    def __init__(self, graph: Graph, met: Mask, told: Mask, undecided: Mask = 0) -> None:
        """`undecided` are those of which an index does not say enough: as if their DAG was not known."""
        self._graph = graph
        self.undecided = undecided & told
        told &= ~undecided
        self._told = told
        self._met = met & told

    def of(self, spec_id: int) -> bool | None:
        """See `query.Verdicts`."""
        said = self._by_spec.get(spec_id, 0)
        return None if said == 0 else said == 2

    @cached_property
    def _by_spec(self) -> Mapping[int, int]:
        said = flags_of(self._met + self._told, self._graph.size)
        return dict(zip(self._graph.spec_ids, said, strict=True))

    def met(self) -> dict[int, int]:
        """How many placed specs of each build satisfy it."""
        return self._counted(self._met)

    def known(self) -> dict[int, int]:
        """How many placed specs of each build have a DAG."""
        return self._counted(self._told)

    def _counted(self, mask: Mask) -> dict[int, int]:
        graph = self._graph
        chosen = flags_of(mask & mask_of(graph.placed), graph.size)
        return dict(Counter(compress(graph.builds, chosen)))


class Dags:
    """Answers for a ledger, of the moment in which it is asked."""

    def __init__(
        self, db: connect.Connection, state_dir: Path, *, through_build: bool = False
    ) -> None:
        self._db = db
        self._state_dir = state_dir
        self._through_build = through_build
        self._seq = -1
        self._graph: Graph | None = None
        self._evaluators: dict[str, Evaluator] = {}
        self._found: dict[query.Dag, Found] = {}

    def judged(self, node: query.Node) -> query.Node:
        """A tree with what it asks of DAGs answered; the caller reads in a snapshot.

        Raises UnsaidError for what no index can answer.
        """
        if next(query.each_dag(node), None) is None:
            return node
        return query.with_dags(node, lambda dag: query.Judged(self._answer(dag), dag.plain))

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
        found = Found(graph, undecided, _told(graph))
        return query.And((query.Judged(found, query.Or(())), asked))

    def of_pages(self, node: query.Node, undecided: Mask = 0) -> query.Node:
        """A tree, asked of the specs of which only pages tell; the caller reads in a snapshot.

        And of those of `undecided`, which are as if their DAG was not known.
        """
        graph = self._current()
        untold = Found(graph, 0, _told(graph), undecided)
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

    def _answer(self, dag: query.Dag) -> Found:
        graph = self._current()
        found = self._found.get(dag)
        if found is None:
            evaluator = self.evaluator(dag.dialect)
            met = evaluator.satisfying(dag.spec)
            undecided = evaluator.undecided(dag.spec, met)
            found = self._found[dag] = Found(graph, met, _told(graph), undecided)
        return found

    def evaluator(self, dialect: str) -> Evaluator:
        """What answers in a language; the caller reads in a snapshot."""
        graph = self._current()
        found = self._evaluators.get(dialect)
        if found is None:
            hashes = Hashes(
                partial(graphrows.with_hash, self._db), partial(graphrows.hashes, self._db)
            )
            found = self._evaluators[dialect] = Evaluator(
                graph, dialect, hashes, through_build=self._through_build
            )
        return found

    def _current(self) -> Graph:
        seq = read.last_seq(self._db)
        if self._graph is None or seq != self._seq:
            self._graph, _ = catchup.current(self._db, self._state_dir)
            self._seq = seq
            self._evaluators.clear()
            self._found.clear()
        return self._graph


def _told(graph: Graph) -> Mask:
    """The nodes that an index told of, and not only what depends on them."""
    if 0 not in graph.builds:
        return everything(graph.size)
    return mask_of(bytes(map(bool, graph.builds)))
