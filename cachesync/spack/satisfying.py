"""Whether a concrete spec satisfies an abstract one, its whole DAG regarded. Pure.

The rules are what `concrete.satisfies(abstract)` of Spack 1.1 and of 0.23 answers, found by asking them
(see `nodetest` for one node). One root is judged from the top down: the cost is that of the nodes and edges
below it, never of the paths; what was found of a node is kept for the next root of the same question.
Nothing counts on there being no cycle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from ..model import EdgeKind
from . import nodetest, oldcompilers, targets
from .abstract import AbstractEdge, AbstractSpec, AskedVariant
from .concrete import Facts, Graph
from .nodetest import RULES, Ancestors
from .oldcompilers import NATIVE_FORMAT
from .virtuals import Virtuals

__all__ = ["DOWN", "Question", "satisfies", "sought_first", "types_of"]

K = TypeVar("K", bound=Hashable)
_Edge = tuple[K, EdgeKind]

DOWN = frozenset(("link", "run"))
"""The types of the edges that `^` follows to any depth."""
_OF_ROOT = frozenset(("build", "link", "run"))
_ORDER = {"build": 1, "link": 2, "run": 4, "test": 8}


def satisfies(
    graph: Graph[K], root: K, spec: AbstractSpec, dialect: str, virtuals: Virtuals
) -> bool:
    """Whether a node of a graph satisfies a spec, as a dialect of `nodetest.RULES` means it.

    Raises UnsaidError for what no index can answer.
    """
    return Question(graph, spec, dialect, virtuals).is_met_by(root)


def types_of(edge: AbstractEdge) -> frozenset[str]:
    """The types that an edge has to have, all of them."""
    return frozenset(edge.types)


def sought_first(
    edges: Iterable[_Edge[K]], name_of: Iterable[str]
) -> list[tuple[str, K, EdgeKind]]:
    """Build and test edges with the names of their far sides, in the order in which Spack looks at them.

    That of the index, but that edges to one name stand together, those with the lower types first.
    """
    grouped: dict[str, list[tuple[int, K, EdgeKind]]] = {}
    for (child, kind), name in zip(edges, name_of, strict=True):
        rank = sum(_ORDER[one] for one in kind.types)
        grouped.setdefault(name, []).append((rank, child, kind))
    return [
        (name, child, kind)
        for name, found in grouped.items()
        for _, child, kind in sorted(found, key=lambda one: one[0])
        if "build" in kind.types or "test" in kind.types
    ]


class Question(Generic[K]):
    """A spec that nodes of one graph are judged by, one after the other."""

    def __init__(
        self,
        graph: Graph[K],
        spec: AbstractSpec,
        dialect: str,
        virtuals: Virtuals,
        *,
        ancestors: Ancestors = targets.known_ancestors,
        through_build: bool = False,
    ) -> None:
        """Raises UnsaidError for what no index can answer; with `through_build` `^` follows every edge."""
        nodetest.check(spec, virtuals, ancestors)
        self._graph = graph
        self._spec = spec
        self._rules = RULES[dialect]
        self._virtuals = virtuals
        self._ancestors = ancestors
        self._through_build = through_build
        self._held: dict[tuple[int, K], bool] = {}
        self._whole: dict[tuple[int, K], bool] = {}
        self._broken: dict[int, dict[K, bool]] = {}
        self._facts: dict[K, Facts] = {}
        self._reached: dict[K, dict[str | None, list[_Edge[K]]]] = {}
        self._subs: dict[tuple[K, str], K | None] = {}

    def is_met_by(self, root: K) -> bool:
        """Whether a node satisfies the spec."""
        found = self._satisfies(root, self._spec)
        self._reached.clear()
        self._subs.clear()
        self._whole.clear()
        return found

    def _facts_of(self, node: K) -> Facts:
        found = self._facts.get(node)
        if found is None:
            found = self._facts[node] = self._graph.facts(node)
        return found

    def _satisfies(self, root: K, asked: AbstractSpec) -> bool:
        """With everything that hangs from it."""
        key = (id(asked), root)
        found = self._whole.get(key)
        if found is None:
            found = self._whole[key] = self._judge(root, asked)
        return found

    def _judge(self, root: K, asked: AbstractSpec) -> bool:
        if not self.holds(root, asked):
            return False
        if not asked.edges or self._is_virtual(root, asked):
            return True
        if self._rules.is_old:
            return bool(self._graph.edges(root)) and all(
                self._is_somewhere(root, edge) for edge in asked.edges
            )
        return all(
            self._hangs(root, asked._replace(name=None), edge)
            and all(self._hangs(root, edge.spec, below) for below in self._apart(edge))
            for edge in asked.edges
        )

    def _apart(self, edge: AbstractEdge) -> tuple[AbstractEdge, ...]:
        """What hangs from what hangs from the root, where that is not asked of the same node."""
        return () if self._rules.asks_each and edge.spec.name is not None else edge.spec.edges

    def _is_virtual(self, node: K, asked: AbstractSpec) -> bool:
        """Whether a node is asked for as the provider of a virtual package."""
        return asked.name is not None and asked.name != self._facts_of(node).name

    def holds(self, node: K, asked: AbstractSpec) -> bool:
        """Whether one node is what is asked for, its edges aside."""
        key = (id(asked), node)
        found = self._held.get(key)
        if found is None:
            found = self._held[key] = self._test(node, asked)
        return found

    def _test(self, node: K, asked: AbstractSpec) -> bool:
        if asked.hash is not None and not self._graph.hash_of(node).startswith(asked.hash):
            return False
        facts = self._facts_of(node)
        if asked.name is not None and asked.name != facts.name:
            return facts.name in self._virtuals.get(asked.name, ())
        return nodetest.facts_hold(facts, asked, self._rules, self._ancestors) and all(
            not self._is_broken(node, one) for one in asked.variants if one.propagated
        )

    def _is_broken(self, root: K, asked: AskedVariant) -> bool:
        """Whether a variant is other than asked for at a node or anywhere below it."""
        broken = self._broken.setdefault(id(asked), {})
        if root not in broken:
            self._look_for_broken(root, asked, broken)
        return broken[root]

    def _look_for_broken(self, root: K, asked: AskedVariant, broken: dict[K, bool]) -> None:
        above: dict[K, list[K]] = {root: []}
        waiting, bad = [root], []
        while waiting:
            node = waiting.pop()
            facts = self._facts_of(node)
            if asked.name in facts.variants and not nodetest.variant_holds(facts, asked):
                bad.append(node)
            for child, _ in self._graph.edges(node):
                if child in broken:
                    if broken[child]:
                        bad.append(node)
                elif child in above:
                    above[child].append(node)
                else:
                    above[child] = [node]
                    waiting.append(child)
        tainted = set(bad)
        while bad:
            for node in above[bad.pop()]:
                if node not in tainted:
                    tainted.add(node)
                    bad.append(node)
        broken.update((node, node in tainted) for node in above)

    def _hangs(self, root: K, parent: AbstractSpec, edge: AbstractEdge) -> bool:
        if edge.when is not None:
            owner = self._named(root, parent.name)
            if owner is not None and not self._satisfies(owner, edge.when):
                return True
        if edge.sigil == "^":
            return self._is_below(root, edge)
        if parent.name is None or parent.name == edge.spec.name:
            return self.is_direct(root, edge)
        owner = self.sub(root, parent.name)
        return owner is not None and self.is_direct(owner, edge)

    def _named(self, root: K, name: str | None) -> K | None:
        """The node that a condition below `^name` is asked of: the root where it is called so."""
        if name is None or name == self._facts_of(root).name:
            return root
        return self.sub(root, name)

    def sub(self, root: K, name: str) -> K | None:
        """The first node below a root that is called so or has that virtual on its edge: Spack's `root[name]`."""
        key = (root, name)
        if key not in self._subs:
            self._subs[key] = self._look_for_sub(root, name)
        return self._subs[key]

    def _look_for_sub(self, root: K, name: str) -> K | None:
        edges = self._graph.edges(root)
        names = (self._facts_of(child).name for child, _ in edges)
        for called, child, kind in sought_first(edges, names):
            if called == name or name in kind.virtuals:
                return child
        if self._facts_of(root).name == name:
            return root
        seen, waiting = {root}, deque((root,))
        while waiting:
            for child, kind in self._by_name(self._graph.edges(waiting.popleft())):
                if self._facts_of(child).name == name or name in kind.virtuals:
                    return child
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)
        return None

    def _by_name(self, edges: Sequence[_Edge[K]]) -> list[_Edge[K]]:
        followed = [edge for edge in edges if not DOWN.isdisjoint(edge[1].types)]
        return sorted(followed, key=lambda edge: self._place(edge[0]))

    def _place(self, node: K) -> tuple[str, str]:
        return self._facts_of(node).name, self._graph.hash_of(node)

    def reach(self, root: K) -> dict[str | None, list[_Edge[K]]]:
        """The edges that `^` looks at, by the names and virtuals of their far sides; None has them all."""
        found = self._reached.get(root)
        if found is None:
            found = self._reached[root] = {None: []}
            for child, kind in self._edges_of_reach(root):
                for name in {None, self._facts_of(child).name, *kind.virtuals}:
                    found.setdefault(name, []).append((child, kind))
        return found

    def _edges_of_reach(self, root: K) -> Iterator[_Edge[K]]:
        seen, waiting = {root}, deque((root,))
        while waiting:
            node = waiting.popleft()
            met = _OF_ROOT if node == root else DOWN
            for child, kind in self._graph.edges(node):
                if self._through_build or not met.isdisjoint(kind.types):
                    yield child, kind
                if child not in seen and (self._through_build or not DOWN.isdisjoint(kind.types)):
                    seen.add(child)
                    waiting.append(child)

    def virtuals_asked(self, edge: AbstractEdge) -> frozenset[str]:
        """The virtuals that an edge asks for: the name of a virtual package is one."""
        name = edge.spec.name
        more = (name,) if name is not None and name in self._virtuals else ()
        return frozenset((*edge.virtuals, *more))

    def _is_below(self, root: K, edge: AbstractEdge) -> bool:
        found = self.reach(root).get(edge.spec.name, ())
        carried = {virtual for _, kind in found for virtual in kind.virtuals}
        return all(
            nodetest.is_carried(one, carried, self._rules) for one in self.virtuals_asked(edge)
        ) and any(self._is_there(child, edge.spec) for child, _ in found)

    def _is_there(self, node: K, asked: AbstractSpec) -> bool:
        if not self.holds(node, asked):
            return False
        if not self._rules.asks_each or asked.name is None:
            return True
        return all(self._hangs(node, asked._replace(name=None), below) for below in asked.edges)

    def _is_somewhere(self, root: K, edge: AbstractEdge) -> bool:
        """As 0.23 looks for `^x`."""
        virtuals = self.virtuals_asked(edge)
        if virtuals:
            name = edge.spec.name
            found = () if name is None else self.reach(root).get(name, ())
            carried = {virtual for _, kind in found for virtual in kind.virtuals}
            if not found or not carried.issuperset(virtuals):
                return False
        return any(self.holds(node, edge.spec) for node in self._below(root))

    def _below(self, root: K) -> Iterator[K]:
        seen, waiting = {root}, [root]
        while waiting:
            for child, _ in self._graph.edges(waiting.pop()):
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)
                    yield child

    def is_direct(self, owner: K, edge: AbstractEdge) -> bool:
        """Whether an edge of a node is what is asked for behind `%`."""
        facts = self._facts_of(owner)
        if facts.format < NATIVE_FORMAT:
            return oldcompilers.old_compiler_holds(
                facts.compiler, edge.spec, self._virtuals, self._rules
            )
        name, virtuals = edge.spec.name, self.virtuals_asked(edge)
        is_named = name is not None and name not in self._virtuals
        types = types_of(edge)
        return any(
            (not is_named or self._facts_of(child).name == name)
            and (not virtuals or not virtuals.isdisjoint(kind.virtuals))
            and types.issubset(kind.types)
            and self.holds(child, edge.spec)
            for child, kind in self._graph.edges(owner)
        )
