"""`virtual:mpi`: that something a spec depends on provides a virtual package. Pure.

The field asks what `^[virtuals=mpi] *` does, of the same reach; like every field it heeds no case, takes
the beginning of a name (`virtual:m*`), and asks the root wherever it stands. A page cannot tell.
"""

from __future__ import annotations

from ..spack.abstract import AbstractEdge, AbstractSpec
from .tree import UNJUDGED, VIRTUAL, And, Dag, Everything, Judged, Node, Not, Or, Term

__all__ = ["as_dags", "dag_of"]


def as_dags(node: Node, *, excluded: bool = False) -> Node:
    """A tree with what asks of DAGs in place of the terms of the field.

    `excluded` says that the tree asks for what it does not match.
    """
    if isinstance(node, Term):
        return dag_of(node, excluded=excluded) if node.field == VIRTUAL else node
    if isinstance(node, Not):
        return Not(as_dags(node.node, excluded=not excluded))
    if isinstance(node, (Dag, Judged)):
        return node
    children = tuple(as_dags(child, excluded=excluded) for child in node.nodes)
    return Or(children) if isinstance(node, Or) else And(children)


def dag_of(term: Term, *, excluded: bool = False) -> Dag:
    """What a term of the field asks of DAGs."""
    from .printing import show

    text = show(term)
    edge = AbstractEdge("^", AbstractSpec(), virtuals=(f"{term.value}{'*' * term.prefix}",))
    page = Term(UNJUDGED, text, spack=True)
    plain = Or((page, Everything)) if excluded else page
    return Dag(AbstractSpec(edges=(edge,)), VIRTUAL, plain, text)
