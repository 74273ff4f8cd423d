"""A `++mpi` that stands among words: the word that it always was to pages, Spack's condition to DAGs. Pure."""

from __future__ import annotations

from ..errors import QueryError
from .conjunction import is_below_too
from .dags import Folding
from .items import Part, Plain
from .specsyntax import variant_of
from .tree import Node

__all__ = ["node_of"]


def node_of(item: Plain) -> Node:
    """What a bare word asks that begins with two signs.

    Where a DAG is known, that the spec and all below it that has such a variant have it on; of a page what
    the word asks. What Spack asks of no dependency remains a word.
    """
    term = variant_of(item.text)
    part = None if term is None else Part((term,), 0, len(item.text), is_propagated=True)
    if part is None or not is_below_too(part):
        return item.term
    folding = Folding(item.text)
    try:
        folding.at_root(part)
        dag = folding.dag(excluded=False)
    except QueryError:
        return item.term
    return dag._replace(plain=item.term, text=item.text)
