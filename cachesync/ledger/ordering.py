"""The orders of builds that `search --sort` names, but relevance (`search.ranking`). Functions of a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from functools import lru_cache
from itertools import islice

from ..model import ChangeKind
from .filtering import FLAG
from .read import by_name, id_list

__all__ = ["Rank", "by_rank", "in_order"]

Rank = Callable[[str, str, str], int]
"""Of a platform, a system and a target: the lower, the sooner."""


def in_order(
    db: sqlite3.Connection, build_ids: Collection[int], order: str, enough: int
) -> list[int]:
    """Builds in one of the orders; at least the first `enough` (0: all).

    `package`: by name, of a package the newest version first. `version`: the newest version first,
    of one version by name. `recent`: what became cached last first, that is in the order of the last
    changes that say `first` of one of their specs.
    """
    if order == "recent":
        return _recent(db, set(build_ids), enough)
    if order == "package":
        rows = by_name(db, set(build_ids))
        return [build_id for build_id, *_ in islice(rows, enough or None)]
    found = db.execute(
        "SELECT id FROM build WHERE id IN (SELECT value FROM json_each(?))"
        " ORDER BY version_key DESC, package, id LIMIT ?",
        (id_list(build_ids), enough or -1),
    )
    return [build_id for (build_id,) in found]


def _recent(db: sqlite3.Connection, left: set[int], enough: int) -> list[int]:
    """The log is read backwards, as far as it has to be: mostly a page of builds is met soon."""
    found: list[int] = []
    wanted = min(enough or len(left), len(left))
    rows = db.execute(
        "SELECT s.build_id FROM change c JOIN spec s ON s.id = c.spec_id"
        f" WHERE c.kind = {ChangeKind.SPEC_CACHED:d} AND c.flags & {FLAG} ORDER BY c.seq DESC"
    )
    for (build_id,) in rows:
        if len(found) >= wanted:
            break
        if build_id in left:
            left.discard(build_id)
            found.append(build_id)
    return found + sorted(left) if len(found) < wanted else found


def by_rank(
    db: sqlite3.Connection, ordered: list[tuple[int, float]], rank: Rank, *, within_score: bool
) -> list[tuple[int, float]]:
    """Builds and their scores, those of a lower rank first, and those of one rank in the order they have.

    `within_score` keeps what has a better score before all else: another package is no substitute.
    """
    rows = db.execute(
        "SELECT id, platform, os, target FROM build WHERE id IN (SELECT value FROM json_each(?))",
        (id_list(build_id for build_id, _ in ordered),),
    )
    known = lru_cache(rank)
    ranks = {build_id: known(*machine) for build_id, *machine in rows}
    return sorted(ordered, key=lambda pair: (-pair[1] if within_score else 0, ranks[pair[0]]))
