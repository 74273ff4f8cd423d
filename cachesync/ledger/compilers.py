"""The compilers of specs that were told of before their compilers were. Functions of a connection.

A spec says by hash what compiles it. Where no record of that hash is known its compiler has a name only,
until one is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .. import diff
from ..model import Build, Details, Edge
from ..spack.printed import LANGUAGES
from . import dag

__all__ = ["Named", "called", "to_rename"]


class Named(NamedTuple):
    """What is known of a spec with its compilers by their names of today."""

    build: Build
    details: Details


def called(build: Build) -> str:
    """What a spec of a build is called as a compiler."""
    return f"{build.package}@={build.version}"


def to_rename(
    db: sqlite3.Connection, before: Mapping[str, set[str]]
) -> Iterator[tuple[str, Build, dag.Told, Named]]:
    """What some hashes compile, with what is known of it and how that is to be from now on.

    `before` is by hash what the compilers were called; what they are is what is known of them.
    """
    needing = {
        dependent
        for edges in dag.dependents(db, before).values()
        for dependent, kind in edges
        if not set(LANGUAGES).isdisjoint(kind.virtuals)
    }
    known = dag.known(db, {*before, *needing})
    names = {to: (called_so, called(known[to].build)) for to, called_so in before.items()}
    for spec_hash in sorted(needing):
        build, _, told = known[spec_hash]
        assert told is not None, "what has edges is a node"
        yield spec_hash, build, told, _named(build, told, names)


def _named(build: Build, told: dag.Told, names: Mapping[str, tuple[set[str], str]]) -> Named:
    ends = list(_ends(told.edges))
    compiler, compilers = diff.renamed(build.compiler, build.compilers, ends, names)
    details = told.details
    # What an index said, which may be less than is known of the build by pages.
    said = details.compilers[0][1] if details.compilers else build.compiler
    _, compilers_said = diff.renamed(said, details.compilers, ends, names)
    return Named(
        build._replace(compiler=compiler, compilers=compilers),
        details._replace(compilers=compilers_said),
    )


def _ends(edges: tuple[Edge, ...]) -> Iterator[tuple[str, str]]:
    """The languages of a spec, and the hash of what compiles each."""
    for language in LANGUAGES:
        for to, kind in edges:
            if language in kind.virtuals:
                yield language, to
                break
