"""Where the order of words decides which package is asked for something. Pure.

In `hdf5 %gcc@12 +mpi` the variant belongs to gcc, as in Spack 1.x, where the DAG of a spec is known; a page
is asked whether hdf5 has it, as it was before there were DAGs. Before the `%` it is hdf5's to both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..spack.abstract import AbstractEdge, AbstractSpec
from ..spack.specedges import translated
from ..spack.spectext import show, show_edge
from .tree import And, Dag, Node, Not, Or, Term, terms

__all__ = ["Misplaced", "misplaced"]


class Misplaced(NamedTuple):
    """Something that is asked of a dependency, and of pages of the package itself."""

    text: str
    asked: str
    """The package that is asked for it."""
    instead: str
    """How the package itself is asked for it."""
    root: str | None
    """That package, where the query names it."""


def misplaced(node: Node) -> tuple[Misplaced, ...]:
    """What of a tree is read in two ways, in its order."""
    return tuple(_misplaced(node, None))


def _misplaced(node: Node, root: str | None) -> Iterator[Misplaced]:
    if isinstance(node, Dag):
        if node.dialect == "own":
            yield from _of_dag(node, root)
    elif isinstance(node, Not):
        yield from _misplaced(node.node, root)
    elif isinstance(node, (And, Or)):
        if isinstance(node, And):
            names = (n.value for n in node.nodes if isinstance(n, Term) and n.field == "package")
            root = next(names, root)
        for child in node.nodes:
            yield from _misplaced(child, root)


def _of_dag(dag: Dag, root: str | None) -> Iterator[Misplaced]:
    asked = [term for term, _ in terms(dag.plain)]
    compilers = [term.value.partition("@") for term in asked if term.field == "compiler"]
    told = {term.value for term in asked if term.field != "compiler"}
    if not told or not compilers:
        return
    for edge in dag.spec.edges:
        found = [c for c in compilers if translated(AbstractSpec(c[0])).name == edge.spec.name]
        if edge.sigil != "%" or not found:
            continue
        name, sign, _ = found[0]
        stray = edge.spec._replace(name=None, namespace=None, edges=())
        if sign or edge.spec.versions not in told:
            stray = stray._replace(versions=None)
        if stray != AbstractSpec():
            kept = _without(edge._replace(spec=edge.spec._replace(name=name)), stray)
            text = show(stray)
            instead = " ".join(filter(None, (root, text, show_edge(kept))))
            yield Misplaced(text, name, instead, root)


def _without(edge: AbstractEdge, stray: AbstractSpec) -> AbstractEdge:
    """An edge that does not ask for something."""
    spec = edge.spec
    versions = spec.versions if stray.versions is None else None
    kept = AbstractSpec(spec.name, spec.namespace, versions=versions, edges=spec.edges)
    return edge._replace(spec=kept)
