"""A whole spec against a record: the edges (RULES 4, 4b, 4c, 5)."""

from . import node as one
from .records import Index, Link, Record
from .structure import Edge, Node
from .versions import holds

__all__ = ["Question"]

# 4b: which virtuals the packages provide that are called like a compiler of an old record.
OLD_PROVIDERS = {
    "c": {"nvhpc", "aocc", "apple-clang", "cce", "fj", "xl", "msvc", "llvm"},
    "cxx": {"nvhpc", "aocc", "apple-clang", "cce", "fj", "xl", "msvc", "llvm"},
    "fortran": {"nvhpc", "aocc", "cce", "fj", "xl", "msvc", "llvm"},
    "mpi": {"nvhpc"},
}


class Question:
    """One query to an index; what is known of its nodes is kept while it is asked."""

    def __init__(self, index: Index, root: Node, dialect: str) -> None:
        self.index = index
        self.root = root
        self.dialect = dialect
        self._known: dict[tuple[int, str], bool] = {}

    def holds(self, record: Record) -> bool:
        """Whether the record satisfies the query."""
        return self._satisfies(record, self.root)

    def _passes(self, record: Record, node: Node) -> bool:
        key = (id(node), record.hash)
        if key not in self._known:
            self._known[key] = one.passes(self.index, record, node, self.dialect)
        return self._known[key]

    def _satisfies(self, record: Record, root: Node) -> bool:
        if not self._passes(record, root):
            return False
        if root.name is not None and root.name != record.name:
            return True  # it counts as a virtual package, of which no edge is asked
        if self.dialect == "0.23":
            return not root.edges or (
                bool(record.links) and all(self._old_caret(record, edge) for edge in root.edges)
            )
        return all(
            self._edge(record, None, edge)
            and all(self._edge(record, edge.node, under) for under in edge.node.edges)
            for edge in root.edges
        )

    def _edge(self, record: Record, parent: Node | None, edge: Edge) -> bool:
        """Whether an edge holds; `parent` is the node behind `^` that it hangs from, if one is."""
        name = parent.name if parent else None
        if edge.when is not None:
            owner = record
            if name not in (None, record.name):
                owner = record.below(name)
            if owner is not None and not self._satisfies(owner, edge.when):
                return True
        if edge.sigil == "^":
            return self._caret(record, edge)
        owner = record
        if name not in (None, edge.node.name):
            owner = record.below(name)
        return owner is not None and self._percent(owner, edge)

    def _wanted(self, edge: Edge) -> frozenset[str]:
        """The virtuals that are asked of the edge."""
        if self.index.is_virtual(edge.node.name):
            return edge.virtuals | {edge.node.name}
        return edge.virtuals

    def _caret(self, record: Record, edge: Edge) -> bool:
        name = edge.node.name
        candidates = record.reach if name is None else record.reach_by_name.get(name, [])
        return self._provided(candidates, edge) and any(
            self._passes(link.child, edge.node) for link in candidates
        )

    def _provided(self, candidates: list[Link], edge: Edge) -> bool:
        return bool(candidates) and all(
            any(virtual in link.virtuals for link in candidates) for virtual in self._wanted(edge)
        )

    def _percent(self, owner: Record, edge: Edge) -> bool:
        if owner.is_v4:
            return self._old_percent(owner, edge.node)
        node = edge.node
        named = None if self.index.is_virtual(node.name) else node.name
        wanted = self._wanted(edge)
        return any(
            (named is None or link.child.name == named)
            and (not wanted or bool(wanted & link.virtuals))
            and edge.types <= link.types
            and self._passes(link.child, node)
            for link in owner.links
        )

    def _old_percent(self, owner: Record, node: Node) -> bool:
        """`%x` of a record that knows its compiler by name and version only."""
        if owner.compiler is None or node.hashes:
            return False
        name, version = owner.compiler
        if node.name is not None and node.name != name:  # 5.4: nothing else is looked at then
            return name in OLD_PROVIDERS.get(node.name, ())
        beyond = node.flags or node.platform or node.os or node.targets
        if beyond or not all(v.propagated for v in node.variants):
            return False
        return all(holds(version, asked) for asked in node.versions)

    def _old_caret(self, record: Record, edge: Edge) -> bool:
        """`^x` as 0.23 has it: the virtuals are asked of edges, the rest of any node below."""
        if self._wanted(edge):
            candidates = record.reach_by_name.get(edge.node.name or "", [])
            if not self._provided(candidates, edge):
                return False
        return any(self._passes(below, edge.node) for below in record.whole if below is not record)
