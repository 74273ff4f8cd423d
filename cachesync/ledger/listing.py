"""What is placed now, counted by what it is and by where it is. Functions of an open connection."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..model import ChangeKind

__all__ = [
    "Alike",
    "Group",
    "Growth",
    "alike",
    "builds_of",
    "groups",
    "growth",
    "package_of_builds",
    "packages_like",
]

_CACHED, _RESTACKED = int(ChangeKind.SPEC_CACHED), int(ChangeKind.SPEC_RESTACKED)


class Alike(NamedTuple):
    """The builds of a package that have some attributes alike, and a spec that is placed."""

    package: str
    values: tuple[str, ...]
    builds: int
    specs: int
    last: int | None
    """When a spec of them was last cached in any tag, in microseconds since the epoch."""


class Group(NamedTuple):
    """What is placed in a tag of a source by the same stacks."""

    tag_id: int
    stacks_id: int
    specs: list[int]


class Growth(NamedTuple):
    """When a spec last came to a tag by some stacks, or to more stacks than before."""

    tag_id: int
    stacks_id: int
    before_id: int | None
    """The stacks that had it; None where it was not in the tag."""
    at: int
    """In microseconds since the epoch."""


def packages_like(db: sqlite3.Connection, pattern: str) -> list[str]:
    """The packages with builds, placed or not, that a name or a pattern with `*` and `?` names, in order."""
    rows = db.execute(
        "SELECT DISTINCT package FROM build WHERE package GLOB ? ORDER BY 1",
        (pattern.replace("[", "[[]"),),
    )
    return [package for (package,) in rows]


def alike(
    db: sqlite3.Connection, columns: Sequence[str], packages: Sequence[str] | None
) -> Iterator[Alike]:
    """What is placed of some packages, or of all, by the values of columns of `build`."""
    chosen, parameters = "", {"packages": json.dumps(packages)}
    if packages is not None:
        chosen = (
            " AND s.build_id IN (SELECT id FROM build WHERE package IN"
            " (SELECT value FROM json_each(:packages)))"
        )
    values = "".join(f", b.{column}" for column in columns)
    rows = db.execute(
        "WITH placed AS (SELECT s.build_id, count(*) AS specs FROM spec s WHERE"
        f" EXISTS (SELECT 1 FROM placement p WHERE p.spec_id = s.id){chosen} GROUP BY s.build_id),"
        " came AS (SELECT s.build_id, max(c.at) AS at FROM change c JOIN spec s ON s.id = c.spec_id"
        f" WHERE c.kind = {_CACHED}{chosen} GROUP BY s.build_id)"
        " SELECT b.package, count(*), sum(placed.specs), max(came.at)"
        f"{values} FROM placed JOIN build b ON b.id = placed.build_id"
        f" LEFT JOIN came ON came.build_id = b.id GROUP BY b.package{values}",
        parameters,
    )
    for package, builds, specs, last, *found in rows:
        yield Alike(package, tuple(found), builds, specs, last)


def groups(db: sqlite3.Connection, packages: Sequence[str] | None) -> list[Group]:
    """What is placed of some packages, or of all, by tag and stacks; a spec may stand in a group twice."""
    chosen, parameters = _of_pages(packages)
    tag_of = dict(db.execute(f"SELECT g.id, g.tag_id FROM page g WHERE 1{chosen}", parameters))
    rows = (
        db.execute("SELECT page_id, stacks_id, spec_id FROM placement ORDER BY spec_id, page_id")
        if packages is None  # as they lie, without a join: half the time
        else db.execute(
            "SELECT p.page_id, p.stacks_id, p.spec_id FROM page g CROSS JOIN placement p"
            f" WHERE p.page_id = g.id{chosen}", parameters,
        )
    )  # fmt: skip
    found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for page_id, stacks_id, spec_id in rows:
        found[tag_of[page_id], stacks_id].append(spec_id)
    return [Group(*key, specs) for key, specs in found.items()]


def builds_of(db: sqlite3.Connection, packages: Sequence[str] | None) -> dict[int, int]:
    """The builds of the specs that `groups` has, by spec; there may be more."""
    if packages is None:
        return dict(db.execute("SELECT id, build_id FROM spec"))
    chosen, parameters = _of_pages(packages)
    rows = db.execute(
        "SELECT s.id, s.build_id FROM page g CROSS JOIN placement p CROSS JOIN spec s"
        f" WHERE p.page_id = g.id AND s.id = p.spec_id{chosen}",
        parameters,
    )
    return dict(rows)


def package_of_builds(db: sqlite3.Connection) -> dict[int, str]:
    """The package of every build."""
    return dict(db.execute("SELECT id, package FROM build"))


def growth(db: sqlite3.Connection, packages: Sequence[str] | None) -> list[Growth]:
    """When specs of some packages, or of all, last came to tags and stacks, as the change log has it."""
    chosen, parameters = _of_pages(packages)
    rows = db.execute(
        "SELECT g.tag_id, c.stacks_id, c.before_id, max(c.at) FROM change c"
        f" JOIN page g ON g.id = c.page_id WHERE c.kind IN ({_CACHED}, {_RESTACKED}){chosen}"
        " GROUP BY g.tag_id, c.stacks_id, c.before_id",
        parameters,
    )
    return [Growth(*row) for row in rows]


def _of_pages(packages: Sequence[str] | None) -> tuple[str, dict[str, str]]:
    """The condition on pages, and its parameter."""
    if packages is None:
        return "", {}
    chosen = " AND g.package IN (SELECT value FROM json_each(:packages))"
    return chosen, {"packages": json.dumps(packages)}
