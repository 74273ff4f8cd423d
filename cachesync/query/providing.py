"""`virtual:mpi`: that something a spec depends on provides a virtual package; `namespace:builtin`. Pure.

The first asks what `^[virtuals=mpi] *` does, of the same reach, the other what `namespace=builtin` does; like
every field they heed no case, take the beginning of a name (`virtual:m*`), and ask the root wherever they
stand. A page cannot tell.
"""

from __future__ import annotations

from ..spack.abstract import AbstractEdge, AbstractSpec
from .tree import OF_DAGS, UNJUDGED, VIRTUAL, And, Dag, Everything, Judged, Node, Not, Or, Term

__all__ = ["as_dags", "dag_of"]


def as_dags(node: Node, *, excluded: bool = False) -> Node:
    """A tree with what asks of DAGs in place of the terms of these fields.

    `excluded` says that the tree asks for what it does not match.
    """
    if isinstance(node, Term):
        return dag_of(node, excluded=excluded) if node.field in OF_DAGS else node
    if isinstance(node, Not):
        return Not(as_dags(node.node, excluded=not excluded))
    if isinstance(node, (Dag, Judged)):
        return node
    children = tuple(as_dags(child, excluded=excluded) for child in node.nodes)
    return Or(children) if isinstance(node, Or) else And(children)


def dag_of(term: Term, *, excluded: bool = False) -> Dag:
    """What a term of such a field asks of DAGs."""
    from .printing import show

    text = show(term)
    wanted = f"{term.value}{'*' * term.prefix}"
    if term.field == VIRTUAL:
        spec = AbstractSpec(edges=(AbstractEdge("^", AbstractSpec(), virtuals=(wanted,)),))
    else:
        spec = AbstractSpec(namespace=wanted)
    page = Term(UNJUDGED, text, spack=True)
    plain = Or((page, Everything)) if excluded else page
    return Dag(spec, VIRTUAL, plain, text)
