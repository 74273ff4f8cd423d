"""A package that no source has, and what may be meant by it: asked of a searcher inside of its `moment`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .. import query
from ..ledger import connect, names, read
from ..query.nearnames import MOST, VIRTUAL, near_names
from ..query.respelling import Known, respelled
from .searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Unknown", "below", "is_package", "not_there", "unknown"]

MANY = 2_000
"""Virtual packages that are looked at."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{2,}")


class Unknown(NamedTuple):
    """A name that is asked for as that of a package."""

    name: str
    nearest: tuple[str, ...] = ()
    is_virtual: bool = False
    """Whether it is the name of a virtual package, of which `nearest` are those that provide it."""

    @property
    def fault(self) -> str:
        """What is to be said of it."""
        virtual = ", as it is virtual" if self.is_virtual else ""
        return f"{self.name} is in no source{virtual}"

    @property
    def remedy(self) -> str:
        """What may be meant, as far as anything may; else empty."""
        if not self.nearest:
            return ""
        return f"{'provided by' if self.is_virtual else 'nearest:'} {', '.join(self.nearest)}"

    def __str__(self) -> str:
        """Both, in one line."""
        return "; ".join(filter(None, (self.fault, self.remedy)))


def unknown(searcher: Searcher, db: connect.Connection, name: str) -> Unknown:
    """What there is to say of a name that no cached package has."""
    packages = set(searcher.spellings("package", "")) or set(read.all_packages(db))
    virtuals = names.beginning_with(db, "virtual", "", most=MANY)
    low = name.lower()
    if low in virtuals:
        return Unknown(name, tuple(_providing(searcher, low, packages)), is_virtual=True)
    provided = tuple(one for one in VIRTUAL.get(low, ()) if one in packages)
    if provided:
        return Unknown(name, provided, is_virtual=True)
    meant = respelled(low, Known(packages.__contains__))  # hdf5-1.14.5
    near = near_names(name, packages, virtuals)
    return Unknown(name, (meant.text, *near) if meant is not None else tuple(near))


def _providing(searcher: Searcher, virtual: str, packages: Collection[str]) -> list[str]:
    """Those of some packages that provide a virtual one to anybody."""
    tables = searcher.dags.evaluator("own").graph.tables
    found = {tables.name[name] for name, carried in tables.label if virtual in carried}
    return sorted(one for one in found if one in packages)[:MOST]


def is_package(searcher: Searcher, word: str) -> bool:
    """Whether cached packages are called so, or have it as a part of their names."""
    return word in searcher.spellings("name", word)


def not_there(searcher: Searcher, node: query.Node) -> list[query.Term]:
    """The conditions of a query that ask for a package by a name that nothing has.

    Where it names none exactly that is the first word that nothing matches, unless another word is a package.
    """
    alternatives = node.nodes if isinstance(node, query.Or) else (node,)
    wanted = [list(_wanted(one)) for one in alternatives]
    exact = [term for terms in wanted for term in terms if term.field == "package"]
    words = [[term for term in terms if term.field is None] for terms in wanted]
    if exact:
        return [term for term in exact if not searcher.matching(term)]
    if any(is_package(searcher, term.value) for terms in words for term in terms):
        return []
    names = ([term for term in terms if _NAME.fullmatch(term.value)] for terms in words)
    first = (next((term for term in terms if not searcher.matching(term)), None) for terms in names)
    return [term for term in first if term is not None]


def below(searcher: Searcher, db: connect.Connection, node: query.Node) -> list[Unknown]:
    """What there is to say of the dependencies that a condition names, and that nothing is called.

    `%intel` is a package to Spack that nobody typed: nothing is said of that.
    """
    if not isinstance(node, query.Dag):
        return []
    named = {name for edge in node.spec.edges if (name := edge.spec.name) and name in node.text}
    if not named:
        return []
    known = {*read.all_packages(db), *names.beginning_with(db, "virtual", "", most=MANY)}
    absent = (
        name for name in sorted(named - known) if not searcher.spellings("compiler", f"{name}@")
    )
    return [unknown(searcher, db, name) for name in absent]


def _wanted(node: query.Node) -> Iterator[query.Term]:
    """The whole values that a query asks for."""
    for term, is_wanted in query.terms(node):
        if is_wanted and not term.prefix and not term.distance:
            yield term
