"""Which nodes of a graph satisfy an abstract spec, all at once. Pure.

The answer is that of `spack.satisfying` for each node; here every condition is a set of nodes. What is
asked of many goes up from the few that are found; what is asked of few goes down from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from ..model import EdgeKind
from ..spack import nodetest
from ..spack.abstract import AbstractEdge, AbstractSpec
from ..spack.nodetest import RULES
from .arrays import Graph
from .few import LEAST
from .hashed import Hashes
from .labelled import Labelled
from .masks import Mask, kind_table, mask_of, members
from .nodes import NodeSets
from .reaching import STEPS, Reaching
from .telling import is_untold, told

if TYPE_CHECKING:
    from .owners import Owners

__all__ = ["Evaluator"]

FEW = 48
"""So many roots are looked at one by one."""
OWNERS_FOR_ONE = 2
"""As many owners cost what one node costs that is looked for at the far sides of edges."""
EDGES_FOR_ONE = 16
"""As many edges that are followed up cost what one owner costs."""


class Evaluator:
    """Answers questions about one graph."""

    def __init__(
        self,
        graph: Graph,
        dialect: str,
        hashes: Hashes,
        *,
        through_build: bool = False,
        few: int = FEW,
        steps: int = STEPS,
        most: int | None = None,
        least: int = LEAST,
    ) -> None:
        """With `through_build` `^` follows edges of all types; `few`, `steps` and `least` are about speed alone.

        For one question `most` nodes may be looked at.
        """
        self.graph = graph
        self.rules = RULES[dialect]
        self.reaching = Reaching(
            graph, through_build=through_build, steps=steps, most=most, least=least
        )
        self.nodes = NodeSets(self.reaching, self.rules, hashes)
        self._few = few
        self._placed = mask_of(graph.placed)
        self._owners: dict[str, Owners] = {}
        self._labelled = Labelled(self.nodes, self.reaching)
        self._reached: Mapping[int, tuple[AbstractEdge, Mask]] = {}

    def satisfying(
        self, spec: AbstractSpec, roots: Mask | None = None, *, goes_on: bool = False
    ) -> Mask:
        """The nodes that satisfy a spec; with `roots` those among them.

        With `goes_on` it is part of the question before, and there is only so much time left as that
        did not need. Raises UnsaidError for what no index can answer, UsageError for what takes too long.
        """
        self.check(spec)
        if not goes_on:
            self.reaching.begin()
        return self._satisfying(spec, self.nodes.every if roots is None else roots)

    def know(self, reached: Mapping[int, tuple[AbstractEdge, Mask]], *, keep: bool) -> None:
        """Take what reaches what edges look for, by their identity; with `keep` what many need is kept."""
        self._reached = reached
        self._labelled.keep(wanted=keep)

    def _known(self, edge: AbstractEdge) -> Mask | None:
        """All that reach what an edge looks for, where that was prepared."""
        known = self._reached.get(id(edge))
        return known[1] if known is not None and known[0] is edge else None

    def check(self, spec: AbstractSpec) -> None:
        """Raise UnsaidError for what no index can answer, and begin a question anew."""
        known = told(spec, self.nodes, is_ours=self.rules.asks_each)
        nodetest.check(spec, self.nodes.virtuals, self.nodes.ancestors, known)
        self.nodes.forget()

    def undecided(self, spec: AbstractSpec, met: Mask) -> Mask:
        """The nodes that might satisfy a spec, and not those that do (`met`, which `satisfying` said).

        For want of somebody to say which version of a virtual package is provided to them.
        """
        if not any(is_untold(one, self.nodes) for one in nodetest.asked_nodes(spec)):
            return 0
        self.nodes.forget(is_lenient=True)
        self._reached, prepared = {}, self._reached  # that was found otherwise
        self.reaching.begin()
        found = self._satisfying(spec, self.nodes.every) & ~met
        self.nodes.forget()
        self._reached = prepared
        return found

    def satisfying_any(self, specs: Iterable[AbstractSpec], *, goes_on: bool = False) -> Mask:
        """The nodes that satisfy any of some specs; what is just looked for below is looked for at once."""
        if not goes_on:
            self.reaching.begin()
        found = wanted = 0
        several = list(specs)
        if len(several) == 1:
            return self.satisfying(several[0], goes_on=True)
        for spec in several:
            if self._reached or (edge := self._just_below(spec)) is None:
                found |= self.satisfying(spec, goes_on=True)
                continue
            self.check(spec)
            wanted |= self.sought(edge)
        return found | (wanted and self.reaching.reaching(wanted, None, self.nodes.every))

    def _just_below(self, spec: AbstractSpec) -> AbstractEdge | None:
        """The edge of a spec that asks for nothing but one package below, by `^`, if it does."""
        if self.rules.is_old or len(spec.edges) != 1:
            return None
        (edge,) = spec.edges
        is_alone = spec == AbstractSpec(edges=spec.edges) and edge.sigil == "^"
        if not is_alone or edge.virtuals or edge.types or edge.when is not None:
            return None
        name = edge.spec.name
        is_called = name is not None and self.nodes.number_of(name) is not None
        is_whole = self.rules.asks_each or not edge.spec.edges
        return edge if is_called and is_whole and not self.nodes.is_virtual(name) else None

    def spec_ids(self, found: Mask, *, placed: bool = False) -> list[int]:
        """The ledger's ids of some nodes, those that it has; with `placed` of those that are cached."""
        if placed:
            found &= self._placed
        ids = map(self.graph.spec_ids.__getitem__, members(found, self.graph.size))
        return [spec_id for spec_id in ids if spec_id]

    def part_satisfying(self, spec: AbstractSpec) -> Mask:
        """The nodes that satisfy a spec, which is part of the last question."""
        return self._satisfying(spec, self.nodes.every)

    def _satisfying(self, asked: AbstractSpec, roots: Mask) -> Mask:
        found = self.nodes.holds(asked)
        if roots is not self.nodes.every:
            found &= roots
        if self.nodes.is_virtual(asked.name):
            return found
        edges = {edge._replace(start=0, end=0): edge for edge in asked.edges}  # each once
        for edge in sorted(edges.values(), key=_effort):
            if not found:
                return 0
            if self.rules.is_old:
                found &= self._somewhere(edge, found)
                continue
            found = self._hangs(edge, found)
            for below in () if self._is_of_node(edge) else edge.spec.edges:
                found = self._hangs_below(edge.spec.name, below, found) if found else 0
        return found

    def _is_of_node(self, edge: AbstractEdge) -> bool:
        """Whether what hangs from `^x` is asked of the node that is x."""
        return self.rules.asks_each and edge.spec.name is not None

    def _hangs(self, edge: AbstractEdge, roots: Mask) -> Mask:
        """Those of some roots that an edge hangs from."""
        free = 0
        if edge.when is not None:
            bound = self._satisfying(edge.when, roots)
            free, roots = roots & ~bound, bound
        test = self.direct if edge.sigil == "%" else self._below
        return free | test(edge, roots)

    def _hangs_below(self, name: str | None, edge: AbstractEdge, roots: Mask) -> Mask:
        """Those of some roots below which an edge hangs from the first node called so."""
        if name is None:
            return self._hangs(edge, roots)
        owners = self.owners(name)
        free = 0
        if edge.when is not None:
            unbound = self.nodes.every & ~self._satisfying(edge.when, self.nodes.every)
            called = self.nodes.named(name)
            free = roots & called & unbound
            free |= owners.within(unbound, roots & ~called)
            roots &= ~free
        if name == edge.spec.name:
            return free | self.direct(edge, roots)
        return free | owners.within(self.direct(edge, owners.possible), roots)

    def owners(self, name: str) -> Owners:
        """What hangs below `^name` is asked of these."""
        found = self._owners.get(name)
        if found is None:
            from .owners import Owners  # few ask for what hangs below a dependency

            found = self._owners[name] = Owners(self.nodes, self.reaching, name, few=self._few)
        return found

    def virtuals_asked(self, edge: AbstractEdge) -> frozenset[str]:
        """The virtuals that an edge asks for: the name of a virtual package is one."""
        name = edge.spec.name
        more = (name,) if name is not None and self.nodes.is_virtual(name) else ()
        return frozenset((*edge.virtuals, *more))

    def direct_kinds(self, edge: AbstractEdge) -> bytes:
        """The kinds of edges that `%` takes: all the types, any of the virtuals."""
        types, virtuals = set(edge.types), self.virtuals_asked(edge)

        def is_one(kind: EdgeKind) -> bool:
            return types.issubset(kind.types) and (
                not virtuals or not virtuals.isdisjoint(kind.virtuals)
            )

        return kind_table(self.graph.kinds_where(is_one), self.reaching.kinds)

    def direct(self, edge: AbstractEdge, owners: Mask) -> Mask:
        """Those of some owners that have an edge as `%` asks for it."""
        old = owners & self.nodes.old
        found = 0
        if old:
            found = old & self.nodes.compiled_by(edge.spec)
            owners &= ~old
        wanted = self.nodes.holds(edge.spec) if owners else 0
        if not wanted:
            return found
        kinds = self.direct_kinds(edge)
        if self._is_cheaper_down(owners, wanted):
            having = self.reaching.has_edge(owners, wanted, kinds)
        else:
            having = self.nodes.few.marked(self.reaching.parents_of(wanted, kinds), owners)
        return found | having if found else having

    def _is_cheaper_down(self, owners: Mask, wanted: Mask) -> bool:
        """Whether the edges of some owners are gone through sooner than those to what is wanted."""
        few, sought = self.nodes.few.members(owners), self.nodes.few.members(wanted)
        if few is None or sought is None:
            return owners.bit_count() <= max(self._few, wanted.bit_count() // OWNERS_FOR_ONE)
        if len(few) <= self._few:
            return True
        return len(few) * EDGES_FOR_ONE <= self.reaching.edges_to(sought)

    def sought(self, edge: AbstractEdge) -> Mask:
        """The nodes that `^` looks for, with what is asked of them themselves."""
        found = self.nodes.holds(edge.spec)
        if self._is_of_node(edge):
            for below in edge.spec.edges:
                found = self._hangs(below, found) if found else 0
        return found

    def below_kinds(self, edge: AbstractEdge) -> bytes | None:
        """The kinds of edges that `^` looks at the far side of; None for all."""
        name = edge.spec.name
        if name is None or not self.nodes.is_virtual(name):
            return None
        return self.carrying((name,))

    def carrying(self, virtuals: Collection[str]) -> bytes:
        """The kinds of edges with any of some virtuals on them."""

        def is_one(kind: EdgeKind) -> bool:
            return any(nodetest.is_carried(one, kind.virtuals, self.rules) for one in virtuals)

        carrying = self.graph.kinds_where(is_one)
        return kind_table(carrying, self.reaching.kinds)

    def _below(self, edge: AbstractEdge, roots: Mask) -> Mask:
        """Those of some roots that have below them what `^` asks for."""
        known = self._known(edge)
        if known is not None:
            return known & (self._with_labels(edge, roots) if self.virtuals_asked(edge) else roots)
        found = self._with_labels(edge, roots)
        if not found or self.is_name_alone(edge):
            return found
        wanted, kinds = self.sought(edge), self.below_kinds(edge)
        if not wanted:
            return 0
        if kinds is None and self._is_all_called(edge.spec.name or "", wanted):
            return found  # the labels said it
        return self.reaching.reaching(wanted, kinds, found)

    def _is_all_called(self, name: str, wanted: Mask) -> bool:
        """Whether some nodes that are called so are all that are."""
        called = self.nodes.called(name)
        if called is None:
            return wanted == self.nodes.named(name)
        few = self.nodes.few.members(wanted)
        return few is not None and len(few) == len(called)

    def is_name_alone(self, edge: AbstractEdge) -> bool:
        """Whether the labels on edges say everything of what `^` asks for."""
        asked = edge.spec
        has_edges = self._is_of_node(edge) and bool(asked.edges)
        if has_edges or asked.hash is not None:
            return False
        if self.nodes.is_virtual(asked.name):
            return not nodetest.asks_virtual_version(asked, self.nodes.virtuals)
        return asked._replace(edges=()) == AbstractSpec(name=asked.name)

    def _with_labels(self, edge: AbstractEdge, roots: Mask) -> Mask:
        """Those of some roots with an edge to what is called so, and ones with each of the virtuals."""
        name, virtuals = edge.spec.name, self.virtuals_asked(edge)
        number = None if name is None else self.nodes.number_of(name)
        table, found = self.graph.tables.label, self._labelled.found(name)
        if name is None or number is None or self.rules.is_old:
            first = found
        else:  # who is merely provided under that name is not called so
            first = self._labelled.called(name)
        of_each = [
            [label for label in found if nodetest.is_carried(one, table[label][1], self.rules)]
            for one in sorted(virtuals)
        ]
        is_more_asked = name is None and not self.is_name_alone(edge)
        for labels in of_each if is_more_asked else (first, *of_each):
            roots = self._labelled.leading(labels, roots) if roots else 0
        return roots

    def _somewhere(self, edge: AbstractEdge, roots: Mask) -> Mask:
        """Those of some roots that have anywhere below them what 0.23 asks for by `^`."""
        if self.virtuals_asked(edge):
            if edge.spec.name is None:
                return 0
            roots = self._with_labels(edge, roots)
        known = self._known(edge)
        if known is not None:
            return roots & known
        wanted = self.nodes.holds(edge.spec) if roots else 0
        return roots & self.reaching.above(wanted) if wanted else 0


def _effort(edge: AbstractEdge) -> tuple[bool, int]:
    """What costs less goes first."""
    return edge.sigil == "^", len(edge.spec.edges) + (edge.when is not None)
