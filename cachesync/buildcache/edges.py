"""The dependencies of a record as edges, and the compilers among them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import intern
from typing import Any

import msgspec

from ..model import NO_COMPILER, Edge, EdgeKind
from . import values
from .index import Record, Split, are_hashes, is_hash
from .lookups import Lookup
from .places import Wrong, shown

__all__ = ["MAX_EDGES", "NULL", "Compilers", "Dependency", "EdgeReader"]

MAX_EDGES = 8_192
"""Of one node; the most in Spack's packages are some 200."""
NULL = msgspec.Raw(b"null")
"""A part of a document that is not there."""

Compilers = tuple[tuple[str, str], ...]
"""Language and compiler (`name@=version`), in the order of the languages."""
_Languages = tuple[str, ...]


class Dependency(msgspec.Struct, gc=False):
    """An edge as it stands in a spec, what it is for still JSON."""

    hash: str
    parameters: msgspec.Raw = NULL
    type: msgspec.Raw = NULL


class _Title(msgspec.Struct, gc=False):
    name: str
    version: str


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
        self._compilers: dict[str, str | None] = {}
        self._kinds: Lookup[bytes, tuple[EdgeKind, _Languages]] = Lookup()
        self._same: Lookup[EdgeKind, EdgeKind] = Lookup()

    def read(
        self, dependencies: list[Dependency], record: Record
    ) -> tuple[tuple[Edge, ...], Compilers]:
        """The edges, and the compilers among them by language. Raises Wrong."""
        if len(dependencies) > MAX_EDGES:
            raise Wrong(f"has more than {MAX_EDGES:,} entries", "dependencies")
        kinds = self._kinds
        edges: list[Edge] = []
        compiling: list[tuple[str, str]] = []
        for dependency in dependencies:
            try:
                kind, languages = kinds[bytes(dependency.parameters)]
            except KeyError:
                kind, languages = self._kind(dependency, len(edges))
            edges.append((dependency.hash, kind))
            if languages:
                compiling += [(language, dependency.hash) for language in languages]
        by_hash = dict(edges)
        if not self._hashes.issuperset(by_hash):
            _check_hashes(dependencies)
        if len(by_hash) != len(edges):
            edges = self._merged(edges)
        return tuple(edges), self._named(compiling, record) if compiling else ()

    def _kind(self, dependency: Dependency, position: int) -> tuple[EdgeKind, _Languages]:
        """A kind that was not found by its parameters: it is new, or of the old form."""
        parameters, of_type = bytes(dependency.parameters), bytes(dependency.type)
        key = parameters if parameters != values.NOTHING else parameters + of_type
        known = self._kinds.get(key)
        if known is not None:
            return known
        try:
            kind = self._one(values.edge_kind(parameters, of_type))
        except Wrong as wrong:
            raise Wrong(wrong.problem, "dependencies", position, *wrong.path) from None
        languages = tuple(one for one in values.LANGUAGES if one in kind.virtuals)
        return self._kinds.learn(key, (kind, languages), len(key))

    def _one(self, kind: EdgeKind) -> EdgeKind:
        return self._same.get(kind) or self._same.learn(kind, kind)

    def _merged(self, edges: list[Edge]) -> list[Edge]:
        """Two edges to one spec as one, as Spack reads them."""
        merged: dict[str, EdgeKind] = {}
        for to, kind in edges:
            before = merged.get(to, kind)
            types = tuple(sorted({*before.types, *kind.types}))
            virtuals = tuple(sorted({*before.virtuals, *kind.virtuals}))
            merged[to] = self._one(EdgeKind(types, virtuals))
        return list(merged.items())

    def _named(self, compiling: Iterable[tuple[str, str]], record: Record) -> Compilers:
        """The compilers by name, the first of each language."""
        named: dict[str, str] = {}
        for language, spec_hash in compiling:
            if language in named:
                continue
            if spec_hash not in self._compilers:
                self._compilers[spec_hash] = self._compiler(spec_hash)
            named[language] = self._compilers[spec_hash] or _name_of(record, spec_hash)
        return tuple(sorted(named.items()))

    def _compiler(self, spec_hash: str) -> str | None:
        there = self._records.get(spec_hash)
        if there is None:
            return self._compiler_of(spec_hash)
        try:
            title = _decode_title(there.spec)
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
