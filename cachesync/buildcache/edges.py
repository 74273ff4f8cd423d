"""The dependencies of a record as edges, and the compilers among them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import intern
from typing import Any

import msgspec

from ..model import NO_COMPILER, Compilers, Edge, EdgeKind
from . import hashes, values
from .index import Record, Split, are_hashes, is_hash
from .lookups import Lookup
from .places import Wrong, shown

__all__ = ["MAX_EDGES", "NULL", "Dependency", "EdgeReader"]

MAX_EDGES = 8_192
"""Of one node; the most in Spack's packages are some 200."""
NULL = msgspec.Raw(b"null")
"""A part of a document that is not there."""

_Recipe = tuple[tuple[EdgeKind, ...], tuple[tuple[str, int], ...]]
"""The kinds of a spec's edges; each language that is compiled, and the first edge that does it."""


class Dependency(msgspec.Struct, gc=False):
    """An edge as it stands in a spec, what it is for still JSON."""

    hash: str
    parameters: msgspec.Raw = NULL
    type: msgspec.Raw = NULL


class _Title(msgspec.Struct, gc=False):
    name: str
    version: str
    hash: str | None = None


class _Titles(msgspec.Struct, gc=False):
    dependencies: list[dict[str, Any]]


_decode_title = msgspec.json.Decoder(_Title).decode
_decode_titles = msgspec.json.Decoder(_Titles).decode


class EdgeReader:
    """Reads the edges of the records of one index; equal kinds are one object."""

    def __init__(self, split: Split, compiler_of: Callable[[str], str | None]) -> None:
        self._records = split.records
        self._hashes = frozenset(split.records)
        self._compiler_of = compiler_of
        self._names: dict[str, str] = {}
        self._recipes: Lookup[bytes, _Recipe] = Lookup()
        self._kinds: Lookup[bytes, EdgeKind] = Lookup()
        self._same: Lookup[EdgeKind, EdgeKind] = Lookup()

    def read(
        self, dependencies: list[Dependency], record: Record
    ) -> tuple[tuple[Edge, ...], Compilers]:
        """The edges, and the compilers among them by language. Raises Wrong."""
        if len(dependencies) > MAX_EDGES:
            raise Wrong(f"has more than {MAX_EDGES:,} entries", "dependencies")
        # Parameters delimit themselves. Of the old form only `null` would be left, which is never learnt.
        key = b"".join([dependency.parameters for dependency in dependencies])
        kinds, languages = self._recipes.get(key) or self._recipe(dependencies, key)
        to = [dependency.hash for dependency in dependencies]
        edges = tuple(zip(to, kinds, strict=True))
        found = set(to)
        if not self._hashes.issuperset(found):
            _check_hashes(dependencies)
        if len(found) != len(to):
            edges = self._merged(edges)
        if not languages:
            return edges, ()
        try:
            names = self._names
            return edges, tuple([(one, names[to[position]]) for one, position in languages])
        except KeyError:
            return edges, tuple((one, self._name(to[at], record)) for one, at in languages)

    def _recipe(self, dependencies: list[Dependency], key: bytes) -> _Recipe:
        """What the edges of a spec are for, in their order; and which of them are compilers."""
        kinds = tuple(self._kind(one, position) for position, one in enumerate(dependencies))
        first = {
            language: position
            for position, kind in reversed(tuple(enumerate(kinds)))
            for language in kind.virtuals
        }
        languages = tuple((one, first[one]) for one in values.LANGUAGES if one in first)
        if any(bytes(one.parameters) == values.NOTHING for one in dependencies):
            return kinds, languages
        return self._recipes.learn(key, (kinds, languages), len(key))

    def _kind(self, dependency: Dependency, position: int) -> EdgeKind:
        parameters, of_type = bytes(dependency.parameters), bytes(dependency.type)
        key = parameters if parameters != values.NOTHING else parameters + of_type
        try:
            return self._kinds.get(key) or self._kinds.learn(
                key, self._one(values.edge_kind(parameters, of_type)), len(key)
            )
        except Wrong as wrong:
            raise Wrong(wrong.problem, "dependencies", position, *wrong.path) from None

    def _one(self, kind: EdgeKind) -> EdgeKind:
        return self._same.get(kind) or self._same.learn(kind, kind)

    def _merged(self, edges: Iterable[Edge]) -> tuple[Edge, ...]:
        """Two edges to one spec as one, as Spack reads them."""
        merged: dict[str, EdgeKind] = {}
        for to, kind in edges:
            before = merged.get(to, kind)
            types = tuple(sorted({*before.types, *kind.types}))
            virtuals = tuple(sorted({*before.virtuals, *kind.virtuals}))
            merged[to] = self._one(EdgeKind(types, virtuals))
        return tuple(merged.items())

    def _name(self, spec_hash: str, record: Record) -> str:
        """A compiler as `name@=version`; what the record's edge calls it where nobody knows it."""
        name = self._names.get(spec_hash)
        if name is None:
            name = self._compiler(spec_hash) or _name_of(record, spec_hash)
            self._names[spec_hash] = name
        return name

    def _compiler(self, spec_hash: str) -> str | None:
        """A compiler as its record says it; one that may not be so has no say where it is known."""
        there = self._records.get(spec_hash)
        if there is None:
            return self._compiler_of(spec_hash)
        if not hashes.examine(there, spec_hash)[1]:
            known = self._compiler_of(spec_hash)
            if known is not None:
                return known
        try:
            title = _decode_title(there.spec)
            if title.hash not in (None, spec_hash):
                return None
            version = values.text(title.version, most=values.MAX_VERSION)
            return intern(f"{values.name(title.name)}@={version}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Wrong):
            return None


def _check_hashes(dependencies: list[Dependency]) -> None:
    if are_hashes(dependency.hash for dependency in dependencies):
        return
    for position, dependency in enumerate(dependencies):
        if not is_hash(dependency.hash):
            problem = f"{shown(dependency.hash)} is not a hash (32 characters of a-z, 2-7)"
            raise Wrong(problem, "dependencies", position, "hash")


def _name_of(record: Record, spec_hash: str) -> str:
    """What an edge calls the spec it leads to: all that is known where the spec is not there."""
    for position, dependency in enumerate(_decode_titles(record.spec).dependencies):
        if dependency["hash"] == spec_hash:
            return values.name(str(dependency.get("name", "")), "dependencies", position, "name")
    return NO_COMPILER
