"""What bare words ask where nothing makes one the name of a package. Pure.

A `++mpi` is the word that it always was to pages, and Spack's condition to DAGs.
"""

from __future__ import annotations

from ..errors import QueryError
from .items import Part, Plain
from .tree import Node

__all__ = ["empty", "word_of"]


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


def empty(field: str | None, *, excluded: bool, prefix: bool) -> str:
    """What is wrong with a word, or the value of a field, that is none."""
    if prefix:
        return "a prefix needs at least one character before *"
    if field is not None:
        return f"{field}: needs a value"
    return "- needs something to exclude" if excluded else "an empty word"
