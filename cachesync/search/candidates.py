"""Which builds a query tree matches, and with how many specs, as far as the index can tell.

The index knows builds, and for each tag, stack and source how many of a build's specs are there; it
does not know which. So every node of a tree is answered in two parts: documents of which everything
matches, and documents of which something may. Where the number is known it is given; where it is
not, the ledger must look. Set arithmetic over document numbers; no I/O of its own.

Conditions with ranges are answered over the values there are (a few dozen compilers and targets),
those on versions, of which there are thousands, last and only for what is left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from .. import query
from ..spack import versions

__all__ = ["Candidates", "Postings", "Records", "evaluate"]


FEW = 300
"""Documents up to which their builds are judged one by one: postings may be of very many."""

_JUDGED = ("version", "compiler", "os", "platform", "target", "variant")


class Postings(Protocol):
    """What is asked of an index (see `index.reader.SearchIndex`)."""

    def documents(self, field: str, term: str) -> set[int]:
        """The documents a term is in."""

    def weights(self, field: str, term: str) -> dict[int, int]:
        """The documents a term is in, and how many specs of each it stands for."""

    def terms(self, field: str, prefix: str) -> list[str]:
        """The terms of a field that begin with `prefix`."""

    def spelled(self, field: str, value: str) -> set[int]:
        """The documents with a value, capitals heeded."""

    def spellings(self, field: str, beginning: str) -> list[str]:
        """The values of a field that begin so, capitals heeded."""

    def spec_counts(self, documents: Collection[int]) -> Mapping[int, int]:
        """How many specs documents have."""


class Records(Protocol):
    """What is asked of the ledger."""

    def with_hash(self, beginning: str) -> dict[int, int]:
        """Documents with specs whose hash begins so, and how many."""

    def with_version(self, wanted: str, within: set[int] | None) -> set[int]:
        """Documents, of some or of all, whose version is in a list of Spack's ranges."""

    def met(self, verdicts: query.Verdicts) -> dict[int, int]:
        """By document, how many of its specs a graph found to be what was asked for."""

    def known(self, verdicts: query.Verdicts) -> Mapping[int, int] | None:
        """By document, how many of its specs a graph knows; None where it knows all there are."""

    def satisfying(self, term: query.Term, within: set[int]) -> set[int]:
        """Those of a few documents whose builds satisfy a term that builds decide."""


class Candidates(NamedTuple):
    """The documents a node matches, as far as the index can tell."""

    whole: set[int]
    """Every placement matches."""
    part: dict[int, int | None]
    """Some placements may match; of how many specs, where that is known. Disjoint from `whole`."""


def evaluate(node: query.Node, postings: Postings, records: Records) -> Candidates:
    """The candidates of a tree: nothing outside `whole` and `part` matches."""
    return _Evaluation(postings, records).of(node, None)


class _Evaluation:
    """One evaluation, which answers a term that occurs several times once."""

    def __init__(self, postings: Postings, records: Records) -> None:
        self._postings = postings
        self._records = records
        self._known: dict[query.Term, Candidates] = {}

    def of(self, node: query.Node, within: set[int] | None) -> Candidates:
        """The candidates of a node; only those in `within` count, where it is given."""
        if isinstance(node, (query.Dag, query.Judged)):
            return self._judged(node, within)
        if isinstance(node, query.Term):
            return self._term(node, within)
        if isinstance(node, query.Not):
            inner = self.of(node.node, within)
            every = self._postings.documents("any", "") if within is None else within
            return Candidates(every - inner.whole - inner.part.keys(), dict.fromkeys(inner.part))
        if isinstance(node, query.Or):
            return _either([self.of(child, within) for child in dict.fromkeys(node.nodes)])
        if not node.nodes:
            return Candidates(self._postings.documents("any", ""), {})
        return self._both(node, within)

    def _judged(self, node: query.Dag | query.Judged, within: set[int] | None) -> Candidates:
        """By the graph where it has all specs of a build, by what pages are asked where it has none."""
        if isinstance(node, query.Dag):
            return self.of(node.plain, within)
        met, known = self._records.met(node.verdicts), self._records.known(node.verdicts)
        totals = self._postings.spec_counts(met.keys())
        whole = {document for document, count in met.items() if count == totals[document]}
        part: dict[int, int | None] = {d: count for d, count in met.items() if d not in whole}
        if known is None:
            return Candidates(whole, part)
        plain = self.of(node.plain, within)
        asked = (plain.whole | plain.part.keys()) - whole
        totals = self._postings.spec_counts(asked)
        for document in asked:
            if document not in known:
                if document in plain.whole:
                    whole.add(document)
                else:
                    part[document] = plain.part[document]
            elif known[document] < totals[document]:
                part[document] = None
        return Candidates(whole, part)

    def _both(self, node: query.And, within: set[int] | None) -> Candidates:
        children: list[Candidates] = []
        for child in sorted(dict.fromkeys(node.nodes), key=_cost):
            found = self.of(child, within)
            children.append(found)
            left = found.whole | found.part.keys() if found.part else found.whole
            within = left if within is None else within & left
            if not within:
                return Candidates(set(), {})
        return _both(children)

    def _term(self, term: query.Term, within: set[int] | None) -> Candidates:
        if term.spack and within is not None and len(within) <= FEW and term.field in _JUDGED:
            return Candidates(self._records.satisfying(term, within), {})
        if term.spack and term.field == "version":
            return Candidates(self._records.with_version(term.value, within), {})
        known = self._known.get(term)
        if known is None:
            known = self._known[term] = self._look_up(term)
        return known

    def _look_up(self, term: query.Term) -> Candidates:
        if term.spack:
            if term.field == "hash":
                return Candidates(set(), dict(self._records.with_hash(term.value)))
            if term.field == query.UNJUDGED:
                return Candidates(set(), {})
            return Candidates(self._spec(term), {})
        postings = self._postings
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
            parts.append(self._records.with_hash(term.value))
        return _either([Candidates(whole, {}), *(Candidates(set(), dict(p)) for p in parts)])

    def _spec(self, term: query.Term) -> set[int]:
        """The documents that satisfy a condition in Spack's syntax on anything but the version."""
        assert term.field is not None
        return set().union(
            *(self._postings.spelled(term.field, value) for value in self._satisfying(term))
        )

    def _satisfying(self, term: query.Term) -> list[str]:
        """The values there are that satisfy the term."""
        from ..query import satisfies
        from ..spack import variants

        spellings = self._postings.spellings
        if term.field == "compiler":
            name, _, wanted = term.value.partition("@")
            if not wanted:
                return [name]
            known = spellings("compiler", f"{name}@")
            return [text for text in known if satisfies.compiler_satisfies(term.value, text)]
        if term.field == "target" and ":" in term.value:
            known = spellings("target", "")
            return [text for text in known if satisfies.target_satisfies(term.value, text)]
        if term.field == "target":
            return term.value.split(",")
        if term.field == "variant":
            name = variants.name_of(term.value)
            known = [f"{sign}{name}" for sign in ("+", "~", "++", "~~")]
            known += spellings("variant", f"{name}=")
            return [text for text in known if variants.satisfies(term.value, text)]
        return [term.value]


def _cost(node: query.Node) -> int:
    """What is evaluated first: names, other terms, what is excluded, conditions on versions."""
    if isinstance(node, (query.Dag, query.Judged)):
        return 1
    if isinstance(node, query.Term):
        if node.field == "package":
            return -1
        return 3 if node.spack and node.field == "version" else 0
    return 2 if isinstance(node, query.Not) else 1


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


def _look_ups(term: query.Term, field: str, postings: Postings) -> list[tuple[str, str]]:
    """The postings that hold what `term` means in `field`: fields and terms of the index."""
    if term.distance:
        return _near(term, field, postings)
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
    values = query.wanted_variants(term) if field == "variant" else (value,)
    if not term.prefix:
        return [(name, value) for name in found for value in values]
    return [
        (name, text) for name in found for value in values for text in postings.terms(name, value)
    ]


def _near(term: query.Term, field: str, postings: Postings) -> list[tuple[str, str]]:
    from ..query import fuzzy

    if field not in fuzzy.FIELDS:
        return []
    name = "name" if field == "package" else field
    return [
        (name, text)
        for text in postings.terms(name, "")
        if fuzzy.is_near(term.value, text, term.distance)
    ]
