"""What bare words ask where nothing makes one the name of a package. Pure.

A `++mpi` is the word that it always was to pages, and Spack's condition to DAGs.
"""

from __future__ import annotations

from ..errors import QueryError
from .items import Fixed, Group, Item, Part, Plain, either, together
from .tree import Node, Not

__all__ = ["plainly", "word_of"]


def plainly(alternatives: list[list[Item]]) -> Node:
    """The tree of items without spec syntax."""
    return either([together([_plain(item) for item in items]) for items in alternatives])


def _plain(item: Item) -> Node:
    if isinstance(item, Plain):
        return word_of(item)
    if isinstance(item, Fixed):
        return together(list(item.nodes))
    if isinstance(item, Group):
        return plainly(item.alternatives)
    return Not(_plain(item.item))


def word_of(item: Plain) -> Node:
    """What a bare word asks.

    One that begins with two signs asks, where a DAG is known, that the spec and all below it that has such a
    variant have it on; what Spack asks of no dependency remains a word.
    """
    if not item.text.startswith("++"):
        return item.term
    from .conjunction import is_below_too
    from .dags import Folding
    from .specsyntax import variant_of

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
