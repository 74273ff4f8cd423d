"""What may stand in a word of a query for a package, a version or a variant: read from the ledger.

Behind `^` and `%` also virtual packages, behind `%` compilers; behind `^mpi=` only what provides mpi.
Versions and variants are those of the package that is named before, where there is such a one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..ledger import connect, names

__all__ = ["asked", "is_known", "offered", "pairs", "roots"]

MANY = 2_000
"""Names and versions that are looked at: not all of them can stand everywhere."""
_NODE = re.compile(
    r"((?:.*([\^%])(?:([a-z][a-z0-9_,-]*)=)?)?)([a-z0-9_-]*)(?:(@=?(?:[^@]*[,:]=?)?)([^@,:]*))?"
)
_WHOLE_QUERY = re.compile(r"(?:^|\s)OR(?:\s|$)|[()]")
_ROOT = re.compile(r"(?:package:)?([A-Za-z0-9_][\w.-]*)(?![\w.:=-])")
_DEPENDENCY = re.compile(r"([\^%])(?:[a-z][\w,-]*=)?([A-Za-z0-9_][\w.-]*)(?![\w.=,-])")
_SWITCH = re.compile(r"(.*?)([+~]{1,2})([\w.-]*)")
_PAIR = re.compile(r"([A-Za-z_][\w.-]*)(:?={1,2})((?:.*,)?)([^,]*)")
_ATTRIBUTES = ("os", "platform", "target")


def roots(before: str) -> tuple[str, ...]:
    """The package that a query asks for, as far as its text goes: its first bare word, or none."""
    for word in _WHOLE_QUERY.split(before)[-1].split():
        found = _ROOT.match(word)
        if found is not None:
            return (found[1].rpartition(".")[2].lower(),)
    return ()


def asked(before: str) -> tuple[str, ...]:
    """The packages that a version or a variant behind this text is asked of.

    Behind `^name` that one; behind `%name` it is asked of that one where a DAG is known, else of the root.
    """
    text = _WHOLE_QUERY.split(before)[-1]
    behind = [(found[1], found[2].rpartition(".")[2]) for found in _DEPENDENCY.finditer(text)]
    if not behind:
        return roots(text)
    sigil, name = behind[-1]
    return (name,) if sigil == "^" else (*roots(text), name)


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


def is_known(word: str) -> bool:
    """Whether a word ends in a version, a variant or a dependency."""
    return bool(_PAIR.fullmatch(word) or _SWITCH.fullmatch(word) or node_at(word))


def offered(db: connect.Connection, state_dir: Path, before: str, word: str) -> list[str]:
    """What a word that `is_known` may become behind a text."""
    if (pair := _PAIR.fullmatch(word)) is not None:
        name, sign, there, start = pair.groups()
        values = _values(db, before, name, start)
        return [f"{name}{sign}{there}{one}" for one in values if one not in there.split(",")]
    if (switch := _SWITCH.fullmatch(word)) is not None:
        head, sigil, start = switch.groups()
        told = _variants(db, f"{before} {head}", f"{sigil[-1]}{start}")
        return [f"{head}{sigil}{one[1:]}" for one in told if "=" not in one]
    place = node_at(word)
    if place is None:
        return []
    if place.behind is not None:
        versions = _versions(db, place, place.behind, before)
        return [f"{place.before}{place.package}{place.behind}{one}" for one in versions]
    return [f"{place.before}{one}" for one in _packages(db, state_dir, place)]


def pairs(db: connect.Connection, before: str, start: str) -> list[str]:
    """Names of variants with values, and the `=` behind them, of the package that is named before."""
    if not names.known_packages(db, asked(before)):
        return []
    found = (one.partition("=") for one in _variants(db, before, start))
    return sorted({f"{name}{sign}" for name, sign, _ in found if sign})


def _variants(db: connect.Connection, before: str, start: str) -> list[str]:
    """Variants as they are told, of the package that is named before, else of any."""
    packages = names.known_packages(db, asked(before))
    return names.beginning_with(db, "variant", start, most=MANY, packages=packages)


def _values(db: connect.Connection, before: str, name: str, start: str) -> list[str]:
    """Single values of a variant, or of what else is written so."""
    if name in _ATTRIBUTES:
        packages = names.known_packages(db, roots(before))
        return names.beginning_with(db, name, start, most=MANY, packages=packages)
    told = (one.partition("=")[2] for one in _variants(db, before, f"{name}="))
    return sorted({one for several in told for one in several.split(",") if one.startswith(start)})


def _packages(db: connect.Connection, state_dir: Path, place: Place) -> list[str]:
    start = place.package
    providers = _providers(db, state_dir, place.virtuals) if place.virtuals else frozenset[str]()
    if providers:
        return sorted(name for name in providers if name.startswith(start))
    found = set(names.beginning_with(db, "package", start, most=MANY))
    if place.virtuals is None:
        found.update(names.beginning_with(db, "virtual", start, most=MANY))
    if place.sigil != "%":
        return sorted(found)
    told = names.beginning_with(db, "compiler", start, most=MANY)
    compilers = {one.partition("@")[0] for one in told}
    return [*sorted(compilers), *sorted(found - compilers)]  # what is cut off is no compiler


def _providers(db: connect.Connection, state_dir: Path, virtuals: str) -> frozenset[str]:
    """The packages that provide one of some virtual packages to anybody, as far as is kept in a file."""
    from ..graph import catchup

    kept = catchup.kept(db, state_dir)
    if kept is None:
        return frozenset()
    tables, wanted = kept.graph.tables, {*virtuals.split(",")}
    found = (tables.name[name] for name, carried in tables.label if not wanted.isdisjoint(carried))
    return frozenset(filter(None, found))


def _versions(db: connect.Connection, place: Place, behind: str, before: str) -> Iterable[str]:
    """Versions of the package, and behind `%` of the compiler; as the end of a range none below its start."""
    name, start = place.package, place.version
    of = (name,) if name or place.sigil else asked(before)
    found = [one for package in of for one in names.versions_of(db, package, start, most=MANY)]
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
