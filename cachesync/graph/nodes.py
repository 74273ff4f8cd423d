"""Which nodes are what is asked for, edges aside: every value is judged once, not every node. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from itertools import compress
from typing import Any

from ..spack import nodetest
from ..spack.abstract import AbstractSpec, AskedVariant
from ..spack.nodetest import Rules
from ..spack.virtuals import is_provided, virtuals_of
from .arrays import Numbers, fitting
from .hashed import Hashes, beginning, hashes_of
from .masks import Mask, everything, members, planes_of, select
from .reaching import Reaching

__all__ = ["NodeSets"]

FEW_VALUES = 64
"""Up to so many values of a table are judged without asking which of them occur."""


class NodeSets:
    """Sets of the nodes of a graph, by what is asked of each."""

    def __init__(self, reaching: Reaching, rules: Rules, hashes: Hashes) -> None:
        self.graph = reaching.graph
        self.size = self.graph.size
        self.every = everything(self.size)
        self.few = reaching.few
        self._reaching = reaching
        self._rules = rules
        self._hashes = hashes
        self._names = {name: number for number, name in enumerate(self.graph.tables.name)}
        names = self.graph.tables.name
        self.virtuals = virtuals_of(
            names,
            (
                (virtual, names[name])
                for name, virtuals in self.graph.tables.label
                if names[name]
                for virtual in virtuals
            ),
        )
        self._known: dict[int, str] = {}
        self._planes: dict[str, tuple[bytes, ...]] = {}
        self._pages: dict[str, dict[int, Mask]] = {}
        self._called: dict[int, Numbers | None] = {}
        self._held: dict[int, tuple[AbstractSpec, Mask]] = {}
        self._is_lenient = False
        self._untold: Mask | None = None
        self._with_pair: dict[int, list[int]] = {}
        self._pairs_of: dict[str, list[tuple[int, bool | frozenset[str]]]] = {}

    def ancestors(self, target: str) -> Collection[str] | None:
        """A target and all whose code it runs: of those that occur from the table, without archspec."""
        table = self.graph.tables.target
        if target in table:
            return table[target]
        from ..spack import targets

        return targets.known_ancestors(target)

    def select(self, column: str, values: Collection[int], table: str | None = None) -> Mask:
        """The nodes that have one of some values in a column."""
        planes = self._planes.get(column)
        if planes is None:
            planes = self._planes[column] = planes_of(self.graph.columns[column])
        most = len(getattr(self.graph.tables, table or column))
        pages = self._pages.setdefault(column, {})
        return select(self.graph.columns[column], planes, values, most, pages)

    def named(self, name: str) -> Mask:
        """The nodes called so."""
        few = self.called(name)
        return self._all_called(name) if few is None else self.few.made(few)

    def called(self, name: str) -> Numbers | None:
        """The nodes called so in order, each looked for once; None where they are not few."""
        number = self._names.get(name, -1)
        if number not in self._called:
            found = self.few.members(self._all_called(name))
            self._called[number] = None if found is None else fitting(found, self.size)
        return self._called[number]

    def prepare(self) -> None:
        """Look for the nodes of every name and for all that have a variant at once: for who is asked often."""
        names = self.graph.columns["name"]
        found: list[list[int]] = [[] for _ in self.graph.tables.name]
        for node, number in enumerate(names):
            found[number].append(node)
        self._called.update(
            (number, fitting(nodes, self.size) if self.few.is_few(len(nodes)) else None)
            for number, nodes in enumerate(found)
        )
        self._with_pair = {pair: [] for pair in range(len(self.graph.tables.pair))}
        for one, held in enumerate(self.graph.tables.variants):
            for pair in held:
                self._with_pair[pair].append(one)

    def _all_called(self, name: str) -> Mask:
        number = self._names.get(name)
        return 0 if number is None else self.select("name", (number,))

    def number_of(self, name: str) -> int | None:
        """The number of a name; None where no node is called so."""
        return self._names.get(name)

    def counted_as(self, virtual: str) -> Mask:
        """The nodes of the packages that provide a virtual one."""
        numbers = [self._names[name] for name in self.virtuals.get(virtual, ())]
        return self.select("name", numbers)

    def is_virtual(self, name: str | None) -> bool:
        """Whether a name is that of a virtual package."""
        return name is not None and name in self.virtuals

    def holds(self, asked: AbstractSpec) -> Mask:
        """The nodes that are what is asked for, their edges aside."""
        known = self._held.get(id(asked))
        if known is None or known[0] is not asked:
            known = self._held[id(asked)] = (asked, self._judge(asked))
        return known[1]

    def forget(self, *, is_lenient: bool = False) -> None:
        """Let go of what was found for the last question.

        With `is_lenient` a node of which nobody says which version of a virtual package it provides
        provides the one that is asked for in the next one.
        """
        self._held.clear()
        self.few.forget()
        self._is_lenient = is_lenient

    def untold(self, virtual: str) -> Mask:
        """The nodes of packages that provide a virtual one, of which nobody says which version."""
        if self._untold is None:
            rests = self.graph.tables.rest
            silent = [number for number, rest in enumerate(rests) if rest[4] is None]
            self._untold = self.select("rest", silent)
        return self.counted_as(virtual) & self._untold

    def _providing(self, virtual: str, versions: str) -> Mask:
        """The nodes that provide a version of a virtual package."""
        found = self.counted_as(virtual)
        saying = [
            number
            for number, rest in enumerate(self.graph.tables.rest)
            if rest[4] is not None and is_provided(virtual, versions, rest[4])
        ]
        met = found & self.select("rest", saying)
        return met | self.untold(virtual) if self._is_lenient else met

    def _judge(self, asked: AbstractSpec) -> Mask:
        few: Collection[int] | None = None
        if asked.name in self._names:
            few = self.called(asked.name)
        if few is not None:
            if asked.hash is not None:
                few = beginning(self.graph, self._hashes, asked.hash, few)
            return self._unbroken(self._passing_few(self._tests(asked), few), asked)
        if asked.name is None:
            found = self.every
        elif asked.name in self._names:
            found = self.named(asked.name)
        elif nodetest.asks_virtual_version(asked, self.virtuals):
            found = self._providing(asked.name, asked.versions or ":")
        else:
            found = self.counted_as(asked.name)
        if asked.hash is not None:
            among = None if found is self.every else self.few.members(found)
            hashed = self.few.made(beginning(self.graph, self._hashes, asked.hash, among))
            found = hashed if found is self.every else hashed & found
        if asked.name is None or asked.name in self._names:
            found = self._unbroken(self._with_facts(found, asked), asked)
        return found

    def _with_facts(self, found: Mask, asked: AbstractSpec) -> Mask:
        tests = self._tests(asked)
        few = self.few.members(found) if tests and found is not self.every else None
        if few is not None:
            return self._passing_few(tests, few)
        for column, test in tests:
            if not found:
                return 0
            found &= self._passing(column, test, found)
        return found

    def _tests(self, asked: AbstractSpec) -> list[tuple[str, Callable[[int], bool]]]:
        """What the values in columns have to pass, what rules out most first."""
        rules, tables = self._rules, self.graph.tables
        tests: list[tuple[str, Callable[[int], bool]]] = []
        if (asked.platform, asked.os, asked.target) != (None, None, None):
            tests.append(("place", lambda one: self._is_place(tables.place[one], asked)))
        if asked.namespace is not None or asked.flags:
            tests.append(("rest", lambda one: _is_rest(tables.rest[one], asked, rules)))
        if rules.is_old and asked.compiler is not None:
            wanted = asked.compiler
            tests.append(
                ("compiler", lambda one: nodetest.compiler_holds(self.compiler(one), wanted))
            )
        if asked.versions is not None:
            tests.append(
                ("version", lambda one: nodetest.version_holds(asked, tables.version[one]))
            )
        tests += [
            ("variants", self._variant_test(one)) for one in asked.variants if not one.propagated
        ]
        return tests

    def _unbroken(self, found: Mask, asked: AbstractSpec) -> Mask:
        """Those of some nodes that have all that is propagated, and all below them."""
        for one in asked.variants:
            if one.propagated and found:
                found &= ~self._broken(one)
        return found

    def _passing(self, column: str, test: Callable[[int], bool], among: Mask) -> Mask:
        """The nodes whose value in a column passes; those among some, and perhaps others."""
        numbers: Collection[int] = range(len(getattr(self.graph.tables, column)))
        if len(numbers) > FEW_VALUES and among is not self.every:
            found = self.graph.columns[column]
            numbers = set(map(found.__getitem__, members(among, self.size)))
        return self.select(column, [number for number in numbers if test(number)])

    def _passing_few(
        self, tests: Iterable[tuple[str, Callable[[int], bool]]], nodes: Collection[int]
    ) -> Mask:
        """The nodes among a few whose values in some columns pass."""
        for column, test in tests:
            values = list(map(self.graph.columns[column].__getitem__, nodes))
            passing = set(filter(test, set(values)))
            nodes = list(compress(nodes, map(passing.__contains__, values)))
        return self.few.made(nodes)

    def _is_place(self, place: list[str], asked: AbstractSpec) -> bool:
        said = (place[0], place[1], place[2])
        return nodetest.architecture_holds(said, asked, self._rules, self.ancestors)

    def compiler(self, number: int) -> tuple[str, str] | None:
        """The compiler that a number stands for."""
        found = self.graph.tables.compiler[number]
        return None if found is None else (found[0], found[1])

    def _pairs(self, asked: AskedVariant, *, holding: bool) -> set[int]:
        if not self._pairs_of:
            for number, (name, value) in enumerate(self.graph.tables.pair):
                held = value if isinstance(value, bool) else frozenset(value)
                self._pairs_of.setdefault(name, []).append((number, held))
        return {
            number
            for number, held in self._pairs_of.get(asked.name, ())
            if nodetest.value_holds(held, asked) is holding
        }

    def _variant_test(self, asked: AskedVariant) -> Callable[[int], bool]:
        found: set[int] = set()
        for pair in self._pairs(asked, holding=True):
            if pair not in self._with_pair:
                sets = self.graph.tables.variants
                self._with_pair[pair] = [one for one, held in enumerate(sets) if pair in held]
            found.update(self._with_pair[pair])
        return found.__contains__

    def _broken(self, asked: AskedVariant) -> Mask:
        """The nodes that have a variant otherwise than asked for, or anything that does below them."""
        pairs = self._pairs(asked, holding=False)
        if not pairs:
            return 0
        sets = self.graph.tables.variants
        bad = self.select(
            "variants", [one for one, held in enumerate(sets) if not pairs.isdisjoint(held)]
        )
        return self._reaching.from_above(bad)

    @cached_property
    def old(self) -> Mask:
        """The nodes whose compiler is an attribute."""
        from ..spack.oldcompilers import NATIVE_FORMAT

        rests = self.graph.tables.rest
        return self.select(
            "rest", [one for one, rest in enumerate(rests) if rest[2] < NATIVE_FORMAT]
        )

    def compiled_by(self, asked: AbstractSpec) -> Mask:
        """Of the nodes whose compiler is an attribute, and perhaps others, those that have this one."""
        from ..spack.oldcompilers import old_compiler_holds

        return self.select(
            "compiler",
            [
                number
                for number in range(len(self.graph.tables.compiler))
                if old_compiler_holds(self.compiler(number), asked, self.virtuals, self._rules)
            ],
        )

    def hashes_of(self, nodes: Collection[int]) -> dict[int, str]:
        """The hashes of some nodes."""
        return hashes_of(self.graph, self._hashes, nodes)


def _is_rest(rest: list[Any], asked: AbstractSpec, rules: nodetest.Rules) -> bool:
    namespace, flags, *_ = rest
    wanted = asked.namespace
    if wanted is not None and not nodetest.namespace_holds(wanted, namespace, rules):
        return False
    return nodetest.flags_hold({key: frozenset(said) for key, said in flags}, asked)
