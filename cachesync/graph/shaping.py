"""What is said of nodes as numbers of values in tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ..model import Build, Details
from ..spack.concrete import facts_of
from .arrays import Tables

__all__ = ["Ancestors", "Shape", "Shaper", "no_tables"]

Shape = tuple[int, ...]
"""A number for each of `arrays.COLUMNS`."""
Ancestors = Callable[[str], Collection[str] | None]


def no_tables() -> Tables:
    """The tables of a graph without nodes."""
    return Tables([], [], [], [], [], [], [], [], [], [], {}, {})


class Shaper:
    """Numbers what is said of nodes, and keeps the tables that say what the numbers stand for."""

    def __init__(self, tables: Tables, ancestors: Ancestors) -> None:
        self.tables = tables._replace(
            **{name: list(found) for name, found in tables._asdict().items() if isinstance(found, list)},
            target=dict(tables.target),
            unknown=dict(tables.unknown),
        )  # fmt: skip
        self._ancestors = ancestors
        self._numbers = {
            name: {_key(value): number for number, value in enumerate(found)}
            for name, found in self.tables._asdict().items()
            if isinstance(found, list)
        }
        self._known: dict[Any, Shape] = {}

    def number(self, table: str, value: Any) -> int:
        """The number of a value, which is learnt where it is new."""
        numbers = self._numbers[table]
        key = _key(value)
        found = numbers.get(key)
        if found is None:
            found = numbers[key] = len(numbers)
            getattr(self.tables, table).append(value)
        return found

    def shape(self, build: Build, details: Details | None) -> Shape:
        """What is said of a node."""
        keys = (build.variants, details), (build.platform, build.os, build.target), build.compiler
        of_variants, place, compiler = map(self._known.get, keys)
        if of_variants is None or place is None or compiler is None:
            of_variants, place, compiler = found = self._parts(build, details)
            self._known.update(zip(keys, found, strict=True))
        return (
            self.number("name", build.package),
            self.number("version", build.version),
            of_variants[0],
            place[0],
            of_variants[1],
            compiler[0],
        )

    def _parts(self, build: Build, details: Details | None) -> tuple[Shape, Shape, Shape]:
        """The numbers of what follows from variants and details, from the place, and from the compiler."""
        facts = facts_of(build, details)
        if facts.target not in self.tables.target:
            known = self._ancestors(facts.target)
            self.tables.target[facts.target] = None if known is None else sorted(known)
        pairs = [
            self.number("pair", [name, value if isinstance(value, bool) else sorted(value)])
            for name, value in sorted(facts.variants.items())
        ]
        rest = [
            facts.namespace,
            [[key, sorted(said)] for key, said in sorted(facts.flags.items())],
            facts.format,
            facts.is_external,
            None if facts.provided is None else list(facts.provided),
        ]
        compiler = None if facts.compiler is None else list(facts.compiler)
        return (
            (self.number("variants", pairs), self.number("rest", rest)),
            (self.number("place", [facts.platform, facts.os, facts.target]),),
            (self.number("compiler", compiler),),
        )


def _key(value: Any) -> Any:
    """What tells a value from the others of its table."""
    if isinstance(value, list):
        return tuple([_key(one) if isinstance(one, list) else one for one in value])
    return value
