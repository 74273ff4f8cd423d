"""Which builds a query tree matches, and with how many specs, as far as the index can tell.

The index knows builds, and for each tag, stack and source how many of a build's specs are there; it
does not know which. So every node of a tree is answered in two parts: documents of which everything
matches, and documents of which something may. Where the number is known it is given; where it is
not, the ledger must look. Set arithmetic over document numbers; no I/O of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from . import query, versions

__all__ = ["Candidates", "Postings", "evaluate"]


class Postings(Protocol):
    """What is asked of an index (see `index.SearchIndex`)."""

    def documents(self, field: str, term: str) -> set[int]:
        """The documents a term is in."""

    def weights(self, field: str, term: str) -> dict[int, int]:
        """The documents a term is in, and how many specs of each it stands for."""

    def terms(self, field: str, prefix: str) -> list[str]:
        """The terms of a field that begin with `prefix`."""


class Candidates(NamedTuple):
    """The documents a node matches, as far as the index can tell."""

    whole: set[int]
    """Every placement matches."""
    part: dict[int, int | None]
    """Some placements may match; of how many specs, where that is known. Disjoint from `whole`."""


HashLookup = Callable[[str], dict[int, int]]
"""Documents with specs whose hash has a beginning, and how many."""


def evaluate(node: query.Node, postings: Postings, with_hash: HashLookup) -> Candidates:
    """The candidates of a tree: nothing outside `whole` and `part` matches."""
    if isinstance(node, query.Term):
        return _term(node, postings, with_hash)
    if isinstance(node, query.Not):
        inner = evaluate(node.node, postings, with_hash)
        rest = postings.documents("any", "") - inner.whole - inner.part.keys()
        return Candidates(rest, dict.fromkeys(inner.part))
    children = [evaluate(child, postings, with_hash) for child in _cheap_first(node)]
    if isinstance(node, query.Or):
        return _either(children)
    if not children:
        return Candidates(postings.documents("any", ""), {})
    return _both(children)


def _cheap_first(node: query.And | query.Or) -> list[query.Node]:
    return sorted(node.nodes, key=lambda child: isinstance(child, query.Not))


def _both(children: list[Candidates]) -> Candidates:
    whole = set.intersection(*(child.whole for child in children))
    # Of a conjunction the number is known where all but one part match as a whole.
    left = min(children, key=lambda child: len(child.whole) + len(child.part))
    possible = (left.whole | left.part.keys()) - whole
    part: dict[int, int | None] = {}
    for document in possible:
        counts = [child.part[document] for child in children if document in child.part]
        inside = sum(document in child.whole for child in children)
        if len(counts) + inside == len(children):
            part[document] = counts[0] if len(counts) == 1 else None
    return Candidates(whole, part)


def _either(children: list[Candidates]) -> Candidates:
    whole = set().union(*(child.whole for child in children))
    part: dict[int, int | None] = {}
    for child in children:
        for document, count in child.part.items():
            if document not in whole:
                part[document] = None if document in part else count
    return Candidates(whole, part)


def _term(term: query.Term, postings: Postings, with_hash: HashLookup) -> Candidates:
    whole: set[int] = set()
    parts: list[dict[int, int]] = []
    for field in query.BUILD_FIELDS:
        if term.field in (None, field):
            for posting_field, text in _look_ups(term, field, postings):
                whole |= postings.documents(posting_field, text)
    for field in query.PLACEMENT_FIELDS:
        if term.field in (None, field):
            parts.extend(
                postings.weights(posting_field, text)
                for posting_field, text in _look_ups(term, field, postings)
            )
    if query.may_be_hash(term):
        parts.append(with_hash(term.value))
    return _either([Candidates(whole, {}), *(Candidates(set(), dict(part)) for part in parts)])


def _look_ups(term: query.Term, field: str, postings: Postings) -> list[tuple[str, str]]:
    """The postings that hold what `term` means in `field`: fields and terms of the index."""
    value = term.value
    if field == "compiler":
        value = value.replace("@=", "@", 1)
    found = []
    if field == "package" and term.field is None:
        found.append("name")
    elif field == "version" and not term.prefix:
        return [("version", versions.canonical(value))]
    elif field == "version":
        found.append("version_text")
    else:
        found.append(field)
    if not term.prefix:
        return [(name, value) for name in found]
    return [(name, text) for name in found for text in postings.terms(name, value)]
