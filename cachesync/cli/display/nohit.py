"""What `search` says when nothing matches: what was perhaps meant, and what would match nearly.

Bounded in time: the answer is there already, and it is "nothing".
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ... import query
from ...ledger import read
from ...query.unsaid import without_unsaid
from ...search import leftout, nearest
from ...search.searcher import Searcher
from . import output

__all__ = ["NoHit", "explain"]

SECONDS = 0.15
MOST_NEAR = 5
MANY_BUILDS = 2_000
"""Builds whose values are looked at to say what is cached instead."""
PLACED_BUILDS = 100
"""The same, where their placements have to be read as well."""

# Where a bare word is looked for, as the index calls it, and the field that is.
_WORD_FIELDS = ("name", "tag", "stack", "compiler", "os", "target", "source")


class Suggestion(NamedTuple):
    """A value that nothing has, and values that are spelled much like it, if there are any."""

    term: query.Term
    candidates: list[str]


class Instead(NamedTuple):
    """What the builds that match without a condition have in place of what it asks for."""

    values: list[str]
    of_dependency: bool = False
    """Whether these are packages that they depend on, with their versions: `openmpi@4.1.6`."""

    def __str__(self) -> str:
        """As it is said, with a colon before it; empty where there is nothing to say."""
        if not self.values:
            return ""
        if self.of_dependency:
            return f": with {', '.join(one.replace('@', ' ', 1) for one in self.values)}"
        return f": cached for {', '.join(self.values)}"


class NoHit(NamedTuple):
    """Why a query found nothing."""

    suggestions: list[Suggestion]
    nearest: list[tuple[nearest.Miss, Instead]]
    """Conditions to drop, and what there is instead of what they ask for."""
    options: Mapping[query.Node, str] = {}
    """Conditions that options of the command line ask for, and those options."""

    def saying(self, condition: query.Node, text: str) -> NoHit:
        """The same, with a condition that is no part of the query called by what it comes from."""
        return self._replace(options={**self.options, condition: text})

    def without(self, told: Collection[query.Node]) -> NoHit:
        """The same, with nothing about some conditions of which more is said elsewhere."""
        return self._replace(
            suggestions=[one for one in self.suggestions if one.term not in told],
            nearest=[one for one in self.nearest if one[0].condition not in told],
        )

    def _text(self, condition: query.Node) -> str:
        return self.options.get(condition) or nearest.text_of(condition)

    def document(self) -> dict[str, Any]:
        """The keys that `search --json` has when nothing matches."""
        return {
            "suggestions": [
                {"word": s.term.value, "field": s.term.field, "candidates": s.candidates}
                for s in self.suggestions
            ],
            "nearest": [
                {
                    "without": self._text(miss.condition),
                    "field": miss.field,
                    "builds": miss.builds,
                    "specs": miss.specs,
                    "instead": instead.values,
                }
                for miss, instead in self.nearest
            ],
        }

    def say(self) -> None:
        """Say it on standard error: standard output is the answer, and there is none."""
        dropped = {miss.condition for miss, _ in self.nearest}
        for suggestion in self.suggestions:
            if not suggestion.candidates and suggestion.term in dropped:
                continue  # what is cached instead is said below
            near = ", ".join(suggestion.candidates)
            meant = f": did you mean {near}?" if near else ""
            _say(f"nothing matches `{self._text(suggestion.term)}`{meant}")
        misspelt = {suggestion.term for suggestion in self.suggestions if suggestion.candidates}
        for miss, instead in self.nearest:
            if miss.condition in misspelt and miss.field in (None, "package"):
                continue  # what was meant says more than everything else
            asked = self._text(miss.condition)
            counts = f"{output.number(miss.builds, 'build')}, {output.number(miss.specs, 'spec')}"
            _say(f"without `{asked}` there are {counts}{instead}")


def explain(searcher: Searcher, node: query.Node) -> NoHit:
    """Ask what would have matched, for at most some `SECONDS`.

    Where a DAG is known a dependency is a condition like any other.
    Without an index each question may take as long as the search did: none is asked. Nor is anything
    said of conditions that pages cannot answer: that there are builds without them is no news.
    """
    until = time.monotonic() + SECONDS
    with searcher.moment() as db:
        if not searcher.is_indexed:
            return NoHit([], [])
        asked, dags = node, searcher.knows_dags(node)
        if not dags and leftout.asks_pages(searcher, db, node, dependencies=True):
            node = without_unsaid(node)

        def count(tree: query.Node) -> tuple[int, int]:
            counts = searcher.matching(tree)
            return len(counts), sum(counts.values())

        if node != asked and searcher.matching(node):
            return NoHit([], [])
        suggestions = _suggestions(searcher, node, until)
        found = nearest.misses(node, count, lambda: time.monotonic() < until, dags=dags)
        every = nearest.single_conditions(node) if dags else nearest.conditions(node)
        with_values = [(miss, _instead(searcher, db, every, miss, until)) for miss in found]
    return NoHit(suggestions, with_values)


def _suggestions(searcher: Searcher, node: query.Node, until: float) -> list[Suggestion]:
    from ...query.fuzzy import is_near, is_spelled_like

    found = []
    for term in nearest.suspects(node):
        if time.monotonic() > until:
            break
        if searcher.matching(term):
            continue
        fields = _WORD_FIELDS if term.field is None else (term.field,)
        candidates: dict[str, None] = {}
        for field in fields:
            near = searcher.near_terms(term.value, field, spelled=term.spack)
            candidates.update(
                dict.fromkeys(
                    value
                    for value in near
                    if is_spelled_like(term.value, value) and _finds(searcher, term, value, until)
                )
            )
        if term.field is None:
            candidates.update(dict.fromkeys(_readable(searcher, node, term, until)))
        ordered = sorted(candidates, key=lambda value: not is_near(term.value, value.lower(), 1))
        found.append(Suggestion(term, ordered[:MOST_NEAR]))
    return found


def _readable(
    searcher: Searcher, node: query.Node, term: query.Term, until: float
) -> Iterator[str]:
    """Words that are spelled much like one, and can be read so that the query finds something."""
    from ...query import readings
    from ...query.fuzzy import is_spelled_like
    from ...search.choices import asked
    from ...spack import targets

    others = tuple(
        one for one in nearest.conditions(node) if one != term and searcher.matching(one)
    )
    for word in readings.words(searcher.spellings):
        if word == term.value or not is_spelled_like(term.value, word):
            continue
        for reading in readings.of_word(word, searcher.spellings, targets.is_known):
            if time.monotonic() > until:
                return
            read_as = asked(reading)
            if read_as is not None and searcher.matching(query.And((*others, read_as))):
                yield word
                break


def _finds(searcher: Searcher, term: query.Term, value: str, until: float) -> bool:
    """Whether there is anything with another value, as far as there is time to ask."""
    return time.monotonic() < until and bool(searcher.matching(term._replace(value=value)))


def _instead(
    searcher: Searcher, db: Any, every: tuple[query.Node, ...], miss: nearest.Miss, until: float
) -> Instead:
    """What the builds that match without a condition have in its field."""
    rest = query.And(tuple(one for one in every if one != miss.condition))
    counts = searcher.matching(rest)
    if isinstance(miss.condition, query.Dag):
        below = _below(searcher, db, rest, counts, miss.condition, until)
        if below:
            return Instead(below, of_dependency=True)
    if miss.field in query.BUILD_FIELDS:
        chosen = sorted(counts)[-MANY_BUILDS:]
        described = read.builds(db, chosen)
        found: Any = [(described[i], counts[i], ()) for i in chosen]
    elif miss.field in query.PLACEMENT_FIELDS:
        hits = searcher.hits(rest, sorted(counts)[-PLACED_BUILDS:])
        found = [(h.build, len(h.specs), [p for s in h.specs for p in s.placements]) for h in hits]
    else:
        return Instead([])
    values = nearest.values_instead(miss.condition, miss.field, found)
    if isinstance(miss.condition, query.Dag) and not nearest.is_of_these(miss.condition, values):
        return Instead([])  # what is asked for is another kind of package than a compiler
    return Instead(values)


def _below(
    searcher: Searcher,
    db: Any,
    rest: query.Node,
    counts: Mapping[int, int],
    dag: query.Dag,
    until: float,
) -> list[str]:
    """The dependencies that what matches has in place of the one asked for, as far as there is time."""
    if time.monotonic() > until:
        return []
    from ...search.instead import dependencies

    hits = searcher.hits(rest, sorted(counts)[-PLACED_BUILDS:])
    return dependencies(searcher.dags, db, dag, {spec.hash for hit in hits for spec in hit.specs})


def _say(text: str) -> None:
    print(f"cachesync: {output.visible(text)}", file=sys.stderr)
