"""What `search` says when nothing matches: what was perhaps meant, and what would match nearly.

Bounded in time: the answer is there already, and it is "nothing".
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ... import query
from ...ledger import read
from ...query.unsaid import without_unsaid
from ...search import leftout, nearest
from ...search.allowance import Allowance
from ...search.searcher import Searcher
from ...search.unknown import Unknown, below, is_package, not_there, unknown
from . import output

__all__ = ["NoHit", "explain"]

SECONDS = 0.15
MOST_NEAR = 5
MANY_BUILDS = 2_000
"""Builds whose values are looked at to say what is cached instead."""
MOST_MIRRORS = 5
PLACED_BUILDS = 100
"""The same, where their placements have to be read as well."""

# Where a bare word is looked for, as the index calls it, and the field that is.
_WORD_FIELDS = ("name", "tag", "stack", "compiler", "os", "target", "source")


class Suggestion(NamedTuple):
    """A value that nothing has, and values that are spelled much like it, if there are any."""

    term: query.Term
    candidates: list[str]
    there_are: int = 0
    """Where nothing is spelled like it and the candidates are what there is: of how many they are the first."""

    def __str__(self) -> str:
        """What is said of the candidates, with a colon before it; empty where there are none."""
        near = ", ".join(self.candidates)
        if not near:
            return ""
        more = self.there_are - len(self.candidates)
        if self.there_are:
            return f": there are {near}{f' and {more:,} more' if more else ''}"
        return f": did you mean {near}?"


class Instead(NamedTuple):
    """What the builds that match without a condition have in place of what it asks for."""

    values: list[str]
    of_dependency: bool = False
    """Whether these are packages that they depend on, with their versions: `openmpi@4.1.6`."""
    machine: str | None = None
    """The target that is asked for, where such a machine runs some of them."""

    def __str__(self) -> str:
        """As it is said, with a colon before it; empty where there is nothing to say."""
        if not self.values:
            return ""
        if self.machine is not None:
            return f"{self._replace(machine=None)}; such a machine runs some (`--runs-on {self.machine}`)"
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
    unknown: Mapping[query.Node, Unknown] = {}
    """Conditions that ask for a package that no source has, or of a DAG for one that nothing depends on."""

    def saying(self, condition: query.Node, text: str) -> NoHit:
        """The same, with a condition that is no part of the query called by what it comes from."""
        return self._replace(options={**self.options, condition: text})

    def without(self, told: Collection[query.Node]) -> NoHit:
        """The same, with nothing about some conditions of which more is said elsewhere."""
        return self._replace(
            suggestions=[one for one in self.suggestions if one.term not in told],
            nearest=[one for one in self.nearest if one[0].condition not in told],
            unknown={term: one for term, one in self.unknown.items() if term not in told},
        )

    def _text(self, condition: query.Node) -> str:
        return self.options.get(condition) or nearest.text_of(condition)

    def document(self) -> dict[str, Any]:
        """The keys that `search --json` has when nothing matches."""
        unknowns = [
            {"package": one.name, "nearest": list(one.nearest), "virtual": one.is_virtual}
            for one in self.unknown.values()
        ]
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
            **({"unknown": unknowns} if unknowns else {}),
        }

    def say(self) -> None:
        """Say it on standard error: standard output is the answer, and there is none."""
        for one in self.unknown.values():
            _say(str(one))
        names = {one.name for one in self.unknown.values()}
        dropped = {miss.condition for miss, _ in self.nearest}
        for suggestion in self.suggestions:
            if suggestion.term in self.unknown or suggestion.term.value.partition("@")[0] in names:
                continue
            if not suggestion.candidates and suggestion.term in dropped:
                continue  # what is cached instead is said below
            _say(f"nothing matches `{self._text(suggestion.term)}`{suggestion}")
        misspelt = {suggestion.term for suggestion in self.suggestions if suggestion.candidates}
        for miss, instead in self.nearest:
            if miss.condition in misspelt and miss.field in (None, "package"):
                continue  # what was meant says more than everything else
            asked = self._text(miss.condition)
            counts = f"{output.number(miss.builds, 'build')}, {output.number(miss.specs, 'spec')}"
            _say(f"without `{asked}` there are {counts}{instead}")


def explain(searcher: Searcher, node: query.Node) -> NoHit:
    """Ask what would have matched, for at most some `SECONDS` of the processor's time.

    Where a DAG is known a dependency is a condition like any other.
    Without an index each question may take as long as the search did: none is asked. Nor is anything
    said of conditions that pages cannot answer: that there are builds without them is no news.
    """
    time = Allowance(SECONDS)
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
        suggestions = _suggestions(searcher, node, time)
        if query.asks_mirrors(node):
            suggestions += _mirrors(db, node)
        unknowns = _unknown(searcher, db, node, suggestions)
        every = nearest.single_conditions(node) if dags else nearest.conditions(node)
        if not unknowns.keys().isdisjoint(every):
            return NoHit(suggestions, [], unknown=unknowns)  # whatever else is given up
        unknowns |= {
            single: one
            for dag in query.each_dag(node)
            for single in nearest.single_conditions(dag)
            for one in below(searcher, db, single)
        }
        found = nearest.misses(
            node, count, lambda: time.is_left,
            dags=dags, is_package=lambda word: is_package(searcher, word),
        )  # fmt: skip
        with_values = [(miss, _instead(searcher, db, every, miss, time)) for miss in found]
    return NoHit(suggestions, with_values, unknown=unknowns)


def _unknown(
    searcher: Searcher, db: Any, node: query.Node, suggestions: list[Suggestion]
) -> dict[query.Node, Unknown]:
    """The packages that a query asks for and no source has; a word that is near to something else is none."""
    near = {suggestion.term: suggestion.candidates for suggestion in suggestions}
    return {
        term: unknown(searcher, db, term.value)
        for term in not_there(searcher, node)
        if term.field is not None
        or not near.get(term)
        or any(is_package(searcher, one) for one in near[term])
    }


def _suggestions(searcher: Searcher, node: query.Node, time: Allowance) -> list[Suggestion]:
    from ...query.fuzzy import is_near, is_spelled_like

    found = []
    for term in nearest.suspects(node):
        if not time.is_left:
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
                    if is_spelled_like(term.value, value) and _finds(searcher, term, value, time)
                )
            )
        if term.field is None:
            candidates.update(dict.fromkeys(_readable(searcher, node, term, time)))
        ordered = sorted(candidates, key=lambda value: not is_near(term.value, value.lower(), 1))
        found.append(Suggestion(term, ordered[:MOST_NEAR]))
    return found


def _mirrors(db: Any, node: query.Node) -> list[Suggestion]:
    """Of mirrors that are not there: what those that are there are called."""
    from ...ledger import mirrors
    from ...query.fuzzy import is_spelled_like
    from ...search import placing

    every = mirrors.mirrors(db)
    names = list(dict.fromkeys(one.name for one in every))
    found = []
    for term in placing.unknown(node, every):
        is_whole = not term.prefix and len(term.value) > nearest.FEW_CHARACTERS
        called = [*names, *dict.fromkeys(one.url for one in every)] if is_whole else ()
        near = [one for one in called if is_spelled_like(term.value, one.lower())]
        some = near or names
        found.append(Suggestion(term, some[:MOST_MIRRORS], 0 if near else len(some)))
    return found


def _readable(
    searcher: Searcher, node: query.Node, term: query.Term, time: Allowance
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
            if not time.is_left:
                return
            read_as = asked(reading)
            if read_as is not None and searcher.matching(query.And((*others, read_as))):
                yield word
                break


def _finds(searcher: Searcher, term: query.Term, value: str, time: Allowance) -> bool:
    """Whether there is anything with another value, as far as there is time to ask."""
    return time.is_left and bool(searcher.matching(term._replace(value=value)))


def _instead(
    searcher: Searcher, db: Any, every: tuple[query.Node, ...], miss: nearest.Miss, time: Allowance
) -> Instead:
    """What the builds that match without a condition have in its field."""
    rest = query.And(tuple(one for one in every if one != miss.condition))
    counts = searcher.matching(rest)
    if isinstance(miss.condition, query.Dag):
        below = _below(searcher, db, rest, counts, miss.condition, time)
        if below:
            return Instead(below, of_dependency=True)
    field = "version" if nearest.is_number(miss.condition) else miss.field
    if field in query.BUILD_FIELDS:
        chosen = sorted(counts)[-MANY_BUILDS:]
        described = read.builds(db, chosen)
        found: Any = [(described[i], counts[i], ()) for i in chosen]
        if field != miss.field and len({build.package for build in described.values()}) > 1:
            return Instead([])  # versions of one package say something
    elif miss.field in query.PLACEMENT_FIELDS:
        hits = searcher.hits(rest, sorted(counts)[-PLACED_BUILDS:])
        found = [(h.build, len(h.specs), [p for s in h.specs for p in s.placements]) for h in hits]
    else:
        return Instead([])
    values = nearest.values_instead(miss.condition, field, found)
    if isinstance(miss.condition, query.Dag) and not nearest.is_of_these(miss.condition, values):
        return Instead([])  # what is asked for is another kind of package than a compiler
    return Instead(values, machine=_machine(searcher, rest, miss.condition, time))


def _machine(
    searcher: Searcher, rest: query.Node, condition: query.Node, time: Allowance
) -> str | None:
    """The target that is asked for, where a machine of it runs something of the rest."""
    if not isinstance(condition, query.Term) or condition.field != "target":
        return None
    from ...query.machine import runnable
    from ...spack import targets

    target = condition.value
    if not time.is_left or not targets.is_known(target):
        return None
    return target if searcher.matching(runnable(rest, target)) else None


def _below(
    searcher: Searcher,
    db: Any,
    rest: query.Node,
    counts: Mapping[int, int],
    dag: query.Dag,
    time: Allowance,
) -> list[str]:
    """The dependencies that what matches has in place of the one asked for, as far as there is time."""
    if not time.is_left:
        return []
    from ...search.instead import dependencies

    hits = searcher.hits(rest, sorted(counts)[-PLACED_BUILDS:])
    return dependencies(searcher.dags, db, dag, {spec.hash for hit in hits for spec in hit.specs})


def _say(text: str) -> None:
    output.print_line(f"cachesync: {text}", to=sys.stderr)
