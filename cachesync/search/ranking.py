"""The order of results: what a query's words say of a package's name, and then what is newest.

A score is a sum over the wanted terms: a package called so first, then names that begin with the
word, then names that have it in them, then builds that match in anything else. `py-`, `r-` and the
like before a name say its language: `py-torch` begins with `torch`. Builds of equal score are in
the order of their packages, shorter names first; of one package the newest version (Spack's order)
is first, of one version what is placed most, and then what was seen last. A query that names no
package (an empty one, or a mere condition such as `target=zen4`) has its packages in the order of
their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from .. import query
from ..ledger import connect, read

if TYPE_CHECKING:
    from ..index.reader import SearchIndex
    from .records import KnownBuilds

__all__ = ["OTHER", "asks_names", "even_score", "gain", "order", "scores", "tied"]

EXACT, BEGINS, NAMED, OTHER = 8.0, 5.0, 4.0, 1.0
"""What one wanted term adds to the score."""

AT_HOME = 0.5
"""What is for the system that a processor mostly has comes before what only has its target; names say more."""
HOMES = (
    (frozenset(("m1", "armv8.4a", "aarch64")), "darwin"),
    (frozenset(("neoverse_n1", "armv8.2a", "aarch64")), "linux"),
    (frozenset(("a64fx", "armv8.2a", "aarch64")), "linux"),
)
"""Targets of which a machine runs all, by archspec, and its platform. Others have several, or nothing else is there."""

MANY_NAMES = 30
"""Packages from which judging the names of all that matches is sooner than looking each up."""

LANGUAGES = ("", "py-", "r-", "perl-", "lua-", "ruby-", "rust-", "go-")
_PART = re.compile(r"[-_.]|$")


def gain(package: str, term: query.Term) -> float:
    """What a wanted term adds to the score of a package's builds that match it."""
    name, word = package.lower(), term.value.lower()
    if name == word:
        return EXACT
    if term.field == "package" and not term.prefix:
        return OTHER
    if term.distance:
        return _fuzzy_gain(name, word, term.distance)
    for language in LANGUAGES:
        begins = name.startswith(language + word)
        if begins and (term.prefix or _PART.match(name, len(language) + len(word))):
            return BEGINS
    runs = query.name_runs(name)
    is_inside = any(run.startswith(word) for run in runs) if term.prefix else word in runs
    return NAMED if is_inside else OTHER


def _fuzzy_gain(name: str, word: str, distance: int) -> float:
    from ..query.fuzzy import is_near

    if is_near(word, name, distance):
        return BEGINS
    return NAMED if any(is_near(word, run, distance) for run in query.name_runs(name)) else OTHER


def asks_names(node: query.Node) -> bool:
    """Whether a query has a word, or names packages, so that some builds may suit it better than others."""
    return any(
        is_wanted and term.field in (None, "package") for term, is_wanted in query.terms(node)
    )


def scores(
    db: connect.Connection,
    index: SearchIndex | None,
    node: query.Node,
    counts: Mapping[int, int],
    known: KnownBuilds,
) -> tuple[dict[int, float], float]:
    """The scores of the builds that a wanted term names, and the lower score of all others.

    `index` is one that is not behind the ledger, or None: then the ledger is asked.
    """
    wanted = [term for term, is_wanted in query.terms(node) if is_wanted]
    base = OTHER * len(wanted)
    extra: dict[int, float] = {}
    for term in wanted:
        if term.field not in (None, "package"):
            continue
        if index is None:
            gains = _from_ledger(db, term)
        else:
            gains = _from_index(index, term, counts, known)
        for build_id in counts.keys() & gains.keys():
            extra[build_id] = extra.get(build_id, 0.0) + gains[build_id] - OTHER
    for platform in filter(None, map(_platform, wanted)):
        if index is None:
            at_home = read.builds_of_platform(db, platform)
        else:
            at_home = set(index.build_ids(index.documents("platform", platform)).values())
        for build_id in counts.keys() & at_home:
            extra[build_id] = extra.get(build_id, 0.0) + AT_HOME
    return {build_id: base + more for build_id, more in extra.items() if more}, base


def _platform(term: query.Term) -> str | None:
    """The platform of the machine whose targets a term asks for, where there is mostly one."""
    if term.field != "target" or not term.spack:
        return None
    values = set(term.value.split(","))
    return next((platform for machine, platform in HOMES if machine <= values), None)


def even_score(node: query.Node, called: Callable[[str], bool | None]) -> float | None:
    """The score of all that matches where it is the same of each; None where that is not seen at once.

    `called` says whether everything that matches is called so, in lower case, or nothing; None otherwise.
    """
    found, verdicts = 0.0, []
    for term in (term for term, is_wanted in query.terms(node) if is_wanted):
        found += OTHER
        if _platform(term) is not None:
            return None
        if term.field not in (None, "package"):
            continue
        is_whole = term.field is not None and not term.prefix and not term.distance
        verdict = called(term.value.lower()) if is_whole else None
        if verdict is None:
            return None
        verdicts.append(verdict)
        found += (EXACT - OTHER) * verdict
    # What names packages is not in the order of what names none, but where it is all of one package.
    return found if not verdicts or any(verdicts) else None


def _from_ledger(db: connect.Connection, term: query.Term) -> dict[int, float]:
    """What a term adds to the builds of the packages it may name."""
    word = "" if term.distance else term.value.lower()
    return {
        build_id: more
        for package, build_ids in read.builds_named(db, word).items()
        if (more := gain(package, term)) > OTHER
        for build_id in build_ids
    }


def _from_names(
    term: query.Term, counts: Mapping[int, int], known: KnownBuilds
) -> dict[int, float]:
    """What a term adds to builds that match, by the name of each of their packages."""
    attributes = known.of(counts.keys())
    gains: dict[str, float] = {}
    found: dict[int, float] = {}
    for build_id in counts:
        package = attributes[build_id][0]
        more = gains.get(package)
        if more is None:
            more = gains[package] = gain(package, term)
        if more > OTHER:
            found[build_id] = more
    return found


def _from_index(
    index: SearchIndex, term: query.Term, counts: Mapping[int, int], known: KnownBuilds
) -> dict[int, float]:
    """The same, through the names that begin with the word and those that have it in them."""
    word = term.value.lower()
    found: dict[int, float] = {}
    if term.distance:
        names = index.terms("package", "")
    elif term.field == "package" and not term.prefix:
        names = [word]
    else:
        names = []
        for lead in LANGUAGES:
            names += index.terms("package", lead + word, MANY_NAMES)
            if len(names) >= MANY_NAMES:
                return _from_names(term, counts, known)
        for run in index.terms("name", word) if term.prefix else [word]:
            found.update(dict.fromkeys(index.documents("name", run), NAMED))
    for name in names:
        more = gain(name, term)
        if more > OTHER:
            found.update(dict.fromkeys(index.documents("package", name), more))
    ids = index.build_ids(found.keys())
    return {ids[document]: more for document, more in found.items()}


def order(
    db: connect.Connection,
    node: query.Node,
    scored: tuple[dict[int, float], float],
    counts: Mapping[int, int],
    enough: int,
) -> list[tuple[int, float]]:
    """Builds that match a query with their scores, best first; at least the first `enough` (0: all)."""
    known, base = scored
    alike = partial(tied, db, by_name=not asks_names(node))
    groups: dict[float, list[int]] = {}
    for build_id, score in known.items():
        groups.setdefault(score, []).append(build_id)
    ordered: list[tuple[int, float]] = []
    for score in sorted(groups, reverse=True):
        left = enough - len(ordered) if enough else 0
        ordered += [(build_id, score) for build_id in alike(groups[score], left)]
        if enough and len(ordered) >= enough:
            return ordered
    rest = counts.keys() - known.keys()
    left = enough - len(ordered) if enough else 0
    return ordered + [(build_id, base) for build_id in alike(rest, left)]


def tied(
    db: connect.Connection, build_ids: Iterable[int], enough: int, *, by_name: bool
) -> list[int]:
    """Builds of equal score in their order; at least the first `enough` (0: all).

    `by_name` is the order of a query that names no package; else shorter names come first.
    """
    ordered: list[int] = []
    alike: list[list[int]] = []
    wanted = set(build_ids)
    rows = read.by_name(db, wanted) if by_name else read.by_version(db, wanted, enough)
    for _, group in groupby(rows, key=lambda row: row[1:]):
        same = [build_id for build_id, *_ in group]
        alike.append(same)
        ordered += same
        if enough and len(ordered) >= enough:
            break
    several = [build_id for same in alike if len(same) > 1 for build_id in same]
    if not several:
        return ordered
    placed = read.most_placed(db, several)
    none = (0, 0)
    return [
        build_id
        for same in alike
        for build_id in sorted(same, key=lambda b: (placed.get(b, none), -b), reverse=True)
    ]
