"""What may stand for a package, or for a version of one, in a word of a query: read from the ledger.

Behind `^` and `%` also virtual packages, behind `%` compilers; behind `^mpi=` only what provides mpi.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..ledger import connect, names

__all__ = ["Place", "node_at", "offered"]

MANY = 2_000
"""Names and versions that are looked at: not all of them can stand everywhere."""
_NODE = re.compile(
    r"((?:.*([\^%])(?:([a-z][a-z0-9_,-]*)=)?)?)([a-z0-9_-]*)(?:(@=?(?:[^@]*[,:]=?)?)([^@,:]*))?"
)


class Place(NamedTuple):
    """Where a word of a query ends: each part as far as it goes."""

    before: str
    """What stands before the package."""
    sigil: str | None
    virtuals: str | None
    """What it is asked for as: `c,cxx` of `%c,cxx=gcc`."""
    package: str
    behind: str | None
    """What stands before a version of it, from the `@` on."""
    version: str


def node_at(word: str) -> Place | None:
    """Where a word ends in a dependency, or in a version; None for one that ends elsewhere."""
    found = _NODE.fullmatch(word)
    if found is None or (found[5] is None and not found[1]):
        return None
    return Place(found[1], found[2], found[3], found[4], found[5], found[6] or "")


def offered(db: connect.Connection, state_dir: Path, place: Place) -> list[str]:
    """What the word may become."""
    if place.behind is not None:
        found = _versions(db, place, place.behind)
        return [f"{place.before}{place.package}{place.behind}{one}" for one in found]
    found = _packages(db, state_dir, place)
    return [f"{place.before}{one}" for one in found]


def _packages(db: connect.Connection, state_dir: Path, place: Place) -> list[str]:
    start = place.package
    providers = _providers(db, state_dir, place.virtuals) if place.virtuals else frozenset[str]()
    if providers:
        return sorted(name for name in providers if name.startswith(start))
    found = set(names.beginning_with(db, "package", start, most=MANY))
    if place.virtuals is None:
        found.update(names.beginning_with(db, "virtual", start, most=MANY))
    if place.sigil == "%":
        compilers = names.beginning_with(db, "compiler", start, most=MANY)
        found.update(one.partition("@")[0] for one in compilers)
    return sorted(found)


def _providers(db: connect.Connection, state_dir: Path, virtuals: str) -> frozenset[str]:
    """The packages that provide one of some virtual packages to anybody, as far as is kept in a file."""
    from ..graph import catchup

    kept = catchup.kept(db, state_dir)
    if kept is None:
        return frozenset()
    tables, wanted = kept.graph.tables, {*virtuals.split(",")}
    found = (tables.name[name] for name, carried in tables.label if not wanted.isdisjoint(carried))
    return frozenset(filter(None, found))


def _versions(db: connect.Connection, place: Place, behind: str) -> Iterable[str]:
    """Versions of the package, and behind `%` of the compiler; as the end of a range none below its start."""
    name, start = place.package, place.version
    found = names.versions_of(db, name, start, most=MANY)
    if place.sigil == "%":
        from ..spack.abstract import PACKAGES

        found += names.compiler_versions(db, name, start, most=MANY)
        if name in PACKAGES:
            found += names.versions_of(db, PACKAGES[name], start, most=MANY)
    low, colon, _ = behind.lstrip("@").rpartition(",")[2].partition(":")
    return sorted({one for one in found if not colon or _is_range(f"{low}:{one}")})


def _is_range(text: str) -> bool:
    from ..spack import ranges

    try:
        ranges.check(text)
    except ranges.EmptyRangeError:
        return False
    return True
