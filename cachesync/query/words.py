"""What bare words ask where nothing makes one the name of a package, and what is wrong with them. Pure.

A `++mpi` is the word that it always was to pages, and Spack's condition to DAGs.
"""

from __future__ import annotations

import re

from ..errors import QueryError
from .items import Part, Plain
from .tree import Node, Term

__all__ = ["empty", "near", "word_of"]

MAX_FUZZY_LENGTH = 64


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


def near(text: str, fuzzy: re.Match[str], start: int) -> Term:
    """What a fuzzy word asks: of a match with the word and its digits, where it starts in a text.

    Raises QueryError.
    """
    word, digits = fuzzy[1].lower(), fuzzy[2]
    if digits not in ("1", "2"):
        raise QueryError(
            "a word is fuzzy by ~1 or ~2", query=text, position=start + fuzzy.start(2),
            length=len(digits),
        )  # fmt: skip
    if len(word) > MAX_FUZZY_LENGTH:
        raise QueryError(
            f"a fuzzy word has at most {MAX_FUZZY_LENGTH} characters", query=text, position=start
        )
    if len(word) <= int(digits) + 1:
        raise QueryError(
            f"{word} is too short for ~{digits}: nearly every short word is as near",
            query=text, position=start, length=len(word),
        )  # fmt: skip
    return Term(None, word, distance=int(digits))


def empty(field: str | None, *, excluded: bool, prefix: bool) -> str:
    """What is wrong with a word, or the value of a field, that is none."""
    if prefix:
        return "a prefix needs at least one character before *"
    if field is not None:
        return f"{field}: needs a value"
    return "- needs something to exclude" if excluded else "an empty word"
