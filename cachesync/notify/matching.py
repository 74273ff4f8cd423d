"""Which of many subscriptions a change is about, at once: the same verdicts as those of `subscription.matches`.

A query is looked at only where the values and words that it requires occur. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from .. import query
from ..model import Build, Change, ChangeKind
from ..spack import versions
from .subscription import SPECS, TARGETS, Rule, is_asked_for, matches, states

__all__ = ["Judge", "Matcher"]

Judge = Callable[[query.Dag, int], bool | None]
"""Whether the spec of a change, by its seq, is what is asked of DAGs; None where its DAG is not known then."""

MOST_KNOWN = 50_000
"""Builds whose verdicts are remembered."""
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_.-]*")
"""Values that nothing but their whole text is compared with, apart from versions."""


class _Asked(NamedTuple):
    """What is asked of DAGs, with whom to ask; instead of a spec it is given a change, 0 of none."""

    dag: query.Dag
    judge: Judge
    says_all: bool = False

    def of(self, spec_id: int) -> bool | None:
        """See `query.Verdicts`."""
        return self.judge(self.dag, spec_id) if spec_id else None


def _judged_by(judge: Judge | None, node: query.Node) -> query.Node:
    if judge is None or next(query.each_dag(node), None) is None:
        return node
    return query.with_dags(node, lambda dag: query.Judged(_Asked(dag, judge), dag.plain))


class _Needs(NamedTuple):
    """What whatever matches a query must have; less than all of the query."""

    values: frozenset[tuple[str, str]]
    """Fields of builds with their values."""
    words: frozenset[str]
    """Occurring in the build, as its placement, or as the beginning of the hash."""

    @classmethod
    def of(cls, condition: query.Node) -> _Needs:
        plain = [term for term in _required(condition) if _is_exact(term)]
        return cls(
            frozenset((t.field, _value(t)) for t in plain if t.field in query.BUILD_FIELDS),
            frozenset(term.value for term in plain if term.field is None),
        )


def _is_exact(term: query.Term) -> bool:
    """Whether a term is met by this very value only, or as a version by the range of that name."""
    if term.prefix or term.distance or (term.spack and term.field != "package"):
        return False
    return _PLAIN.fullmatch(term.value) is not None


def _value(term: query.Term) -> str:
    return versions.canonical(term.value) if term.field == "version" else term.value


class Matcher:
    """Decides for many subscriptions; remembers what it found out of builds."""

    def __init__(
        self, rules: Sequence[Rule], *, loud: Collection[str] = (), judge: Judge | None = None
    ) -> None:
        """Without a `judge` no DAG is known."""
        self.rules = tuple(rules)
        self._conditions = [_judged_by(judge, rule.condition) for rule in rules]
        self._loud = frozenset(loud)
        some = any(rule.baseline for rule in rules)
        self.news_of = None if some else tuple(sorted(self._loud))
        """Sources whose baseline is to be looked at; None: all."""
        self._becoming = [
            number for number, rule in enumerate(rules)
            if ChangeKind.SPEC_CACHED in rule.events
            and any(isinstance(j.verdicts, _Asked) for j in query.each_judged(self._conditions[number]))
        ]  # fmt: skip
        kinds = TARGETS.union(*(rule.events for rule in rules))
        self.kinds = tuple(sorted(kinds | {ChangeKind.SPEC_DESCRIBED} if self._becoming else kinds))
        """What changes are to be looked at at all; those of targets always."""
        self._needs = {
            n: _Needs.of(self._conditions[n]) for n, rule in enumerate(rules) if rule.events & SPECS
        }
        self._canonical = {w: versions.canonical(w) for n in self._needs.values() for w in n.words}
        self._by_word: dict[str, set[int]] = {}
        self._by_hash: dict[str, set[int]] = {}
        for number, needs in self._needs.items():
            for word in needs.words:
                self._by_word.setdefault(word, set()).add(number)
                if len(word) >= query.MIN_HASH_WORD:
                    self._by_hash.setdefault(word[: query.MIN_HASH_WORD], set()).add(number)
        self._builds: dict[Build, dict[int, query.Node | bool]] = {}
        self._places: dict[tuple[str, str, tuple[str, ...]], set[int]] = {}
        self._runs: dict[str, frozenset[str]] = {}

    def matching(self, change: Change) -> list[int]:
        """The subscriptions (their positions) that are about a change."""
        rules, loud = self.rules, self._loud
        if change.kind in SPECS:
            numbers = self._matching_spec(change)
            return [n for n in sorted(numbers) if is_asked_for(rules[n], change, loud)]
        return [n for n, rule in enumerate(rules) if matches(rule, change, loud=loud)]

    def becoming(self, described: Change, placed: Sequence[Change]) -> Iterator[tuple[int, Change]]:
        """The subscriptions that a spec matches since its DAG is known, each with what cached it where it does.

        `placed` are the changes that cached it where it is: that either is news is enough.
        """
        assert described.build is not None, "a change of a spec has its build"
        for number in self._becoming:
            for change in placed:
                told = change._replace(baseline=described.baseline and change.baseline)
                if (
                    is_asked_for(self.rules[number], told, self._loud_of(described, change))
                    and self._holds(number, change, described.build, described.seq)
                    and not self._holds(number, change, change.build or described.build, 0)
                ):
                    yield number, change
                    break

    def _loud_of(self, described: Change, cached: Change) -> Collection[str]:
        """Who tells decides whether it is news, not where the spec is."""
        return (cached.source,) if described.source in self._loud else ()

    def _holds(self, number: int, placed: Change, build: Build, seq: int) -> bool:
        rest = query.residue(self._conditions[number], build)
        return query.matches_where(
            rest, placed.hash or "", source=placed.source, tag=placed.tag or "",
            stacks=placed.stacks or (), spec_id=seq,
        ) if not isinstance(rest, bool) else rest  # fmt: skip

    def _matching_spec(self, change: Change) -> set[int]:
        found: set[int] = set()
        spec_hash = change.hash or ""
        for build, stacks in states(change):
            known = self._builds.get(build)
            if known is None:
                known = self._learn(build)
            source, tag = change.source, change.tag or ""
            elsewhere = self._place(source, tag, stacks)
            by_hash = self._by_hash.get(spec_hash[: query.MIN_HASH_WORD])
            for number in elsewhere | by_hash if by_hash else elsewhere:
                if number not in known:
                    known[number] = query.residue(self._conditions[number], build)
            for number, rest in known.items():
                if rest is True or (
                    rest is not False
                    and query.matches_where(
                        rest, spec_hash, source=source, tag=tag, stacks=stacks, spec_id=change.seq
                    )
                ):
                    found.add(number)
        return found

    def _learn(self, build: Build) -> dict[int, query.Node | bool]:
        """What is left of each query that might match, once the build is known."""
        if len(self._builds) >= MOST_KNOWN:
            self._builds.clear()
        ranges = versions.ranges_of(build.version.lower())
        values = {("version", name) for name in ranges}
        for field in query.BUILD_FIELDS:
            if field != "version":
                values.update((field, value) for value in query.field_values(build, field))
        words = self._runs_of(build.package).union(ranges, (value for _, value in values))
        known: dict[int, query.Node | bool] = {}
        for number, needs in self._needs.items():
            if needs.values <= values and all(
                word in words or self._canonical[word] in words for word in needs.words
            ):
                rest = query.residue(self._conditions[number], build)
                if rest is not False:
                    known[number] = rest
        self._builds[build] = known
        return known

    def _runs_of(self, package: str) -> frozenset[str]:
        runs = self._runs.get(package)
        if runs is None:
            if len(self._runs) >= MOST_KNOWN:
                self._runs.clear()
            runs = self._runs[package] = query.name_runs(package)
        return runs

    def _place(self, source: str, tag: str, stacks: tuple[str, ...]) -> set[int]:
        """Subscriptions with a word that names where a spec is placed."""
        numbers = self._places.get((source, tag, stacks))
        if numbers is None:
            if len(self._places) >= MOST_KNOWN:
                self._places.clear()
            words = {source.lower(), tag.lower(), *(stack.lower() for stack in stacks)}
            found = (self._by_word[word] for word in words if word in self._by_word)
            numbers = self._places[source, tag, stacks] = set().union(*found)
        return numbers


def _required(node: query.Node) -> Iterator[query.Term]:
    """Terms that whatever matches satisfies, all of them; perhaps not every one."""
    if isinstance(node, query.Term):
        yield node
    elif isinstance(node, query.And):
        for child in node.nodes:
            yield from _required(child)
