"""What everybody but the writer asks the ledger. Functions of an open connection.

Callers that ask several things about one moment wrap them in `snapshot`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import NamedTuple

from ..model import Build
from .ids import BUILD_COLUMNS, make_build, unpack

__all__ = [
    "PlacedSpec",
    "SourceAge",
    "builds",
    "builds_with_hash",
    "has_remembered",
    "identity",
    "last_seq",
    "placed_specs",
    "snapshot",
    "source_ages",
    "touched_since",
]


def id_list(ids: Iterable[int]) -> str:
    """Integers as the JSON list that `json_each` takes: no limit on their number."""
    return f"[{','.join(map(str, ids))}]"


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One moment of the ledger: what is read inside does not change under the reader."""
    db.execute("BEGIN")
    try:
        yield db
    finally:
        if db.in_transaction:
            db.execute("COMMIT")


def identity(db: sqlite3.Connection) -> str:
    """What tells this ledger from every other."""
    (found,) = db.execute("SELECT id FROM ledger").fetchone()
    return str(found)


def has_remembered(db: sqlite3.Connection) -> bool:
    """Whether a directory is known that was named by `--pages`."""
    query = "SELECT EXISTS (SELECT 1 FROM source WHERE NOT configured AND NOT forgotten)"
    return bool(db.execute(query).fetchone()[0])


def last_seq(db: sqlite3.Connection) -> int:
    """The number of the last change; 0 before the first."""
    (found,) = db.execute("SELECT max(seq) FROM change").fetchone()
    return int(found or 0)


def mark(db: sqlite3.Connection, seq: int) -> str | None:
    """What tells the change with a `seq` from another that had its number before a restore."""
    if seq == 0:
        return "0"
    row = db.execute("SELECT at FROM change WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else str(row[0])


def touched_since(db: sqlite3.Connection, seq: int) -> set[int]:
    """The ids of the builds that changes after `seq` are about, but for what only nodes are told by."""
    rows = db.execute(
        "SELECT build_id FROM change WHERE seq > ? AND build_id IS NOT NULL AND kind != 5 UNION"
        " SELECT before_id FROM change WHERE seq > ? AND kind = 4",
        (seq, seq),
    )
    return {build_id for (build_id,) in rows}


def specs_of_sources(db: sqlite3.Connection) -> dict[str, int]:
    """How many specs are placed now in the tags of each source, by its name; of those that have some."""
    rows = db.execute(
        "SELECT s.name, count(DISTINCT p.spec_id) FROM placement p JOIN page g ON g.id = p.page_id"
        " JOIN tag t ON t.id = g.tag_id JOIN source s ON s.id = t.source_id GROUP BY s.id"
    )
    return dict(rows)


def has_nodes(db: sqlite3.Connection) -> bool:
    """Whether a cache index ever told of a spec."""
    (found,) = db.execute("SELECT EXISTS (SELECT 1 FROM node)").fetchone()
    return bool(found)


def has_pages(db: sqlite3.Connection) -> bool:
    """Whether any page tells of specs, and not cache indexes alone."""
    (found,) = db.execute("SELECT EXISTS (SELECT 1 FROM page WHERE present)").fetchone()
    return bool(found)


def build_count(db: sqlite3.Connection) -> int:
    """How many builds there are, or were."""
    (count,) = db.execute("SELECT count(*) FROM build").fetchone()
    return int(count)


def all_build_ids(db: sqlite3.Connection) -> list[int]:
    """The id of every build ever seen."""
    return [build_id for (build_id,) in db.execute("SELECT id FROM build")]


def _tag_names(db: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Tag id -> source and tag."""
    rows = db.execute("SELECT t.id, s.name, t.name FROM tag t JOIN source s ON s.id = t.source_id")
    return {tag_id: (source, tag) for tag_id, source, tag in rows}


def builds_in_order(
    db: sqlite3.Connection, build_ids: Iterable[int] | None
) -> Iterator[tuple[int, Build]]:
    """Some builds, or all, by id."""
    chosen = "" if build_ids is None else " WHERE id IN (SELECT value FROM json_each(?))"
    rows = db.execute(
        f"SELECT id, {BUILD_COLUMNS} FROM build{chosen} ORDER BY id",
        () if build_ids is None else (id_list(build_ids),),
    )
    for row in rows:
        yield row[0], make_build(row[1:])


def builds(db: sqlite3.Connection, build_ids: Iterable[int]) -> dict[int, Build]:
    """The builds with some ids."""
    return dict(builds_in_order(db, build_ids))


def all_builds(db: sqlite3.Connection) -> Iterator[tuple[int, Build]]:
    """Every build ever seen, placed or not, by id."""
    return builds_in_order(db, None)


Attributes = tuple[str, str, tuple[str, str, str, str]]
"""A build's package, its version, and its compiler, os, target and compilers (`unpack_compilers`)."""


def attributes_of(db: sqlite3.Connection, build_ids: Iterable[int] | None) -> dict[int, Attributes]:
    """The attributes of some builds, or of all."""
    chosen = "" if build_ids is None else " WHERE id IN (SELECT value FROM json_each(?))"
    rows = db.execute(
        f"SELECT id, package, version, compiler, os, target, compilers FROM build{chosen}",
        () if build_ids is None else (id_list(build_ids),),
    )
    machines: dict[tuple[str, str, str, str], tuple[str, str, str, str]] = {}  # few: kept once
    found = {}
    for build_id, package, version, *machine in rows:
        key = (machine[0], machine[1], machine[2], machine[3])
        found[build_id] = (package, version, machines.setdefault(key, key))
    return found


def builds_with_hash(db: sqlite3.Connection, prefix: str) -> dict[int, int]:
    """Builds that have placed specs whose hash begins with `prefix`, and how many."""
    rows = db.execute(
        "SELECT s.build_id, count(*) FROM spec s WHERE s.hash >= ? AND s.hash < ?"
        " AND EXISTS (SELECT 1 FROM placement p WHERE p.spec_id = s.id) GROUP BY s.build_id",
        (prefix, prefix + "\x7f"),
    )
    return dict(rows)


class PlacedSpec(NamedTuple):
    """One placement of a spec, with names for ids."""

    build_id: int
    hash: str
    source: str
    tag: str
    stacks: tuple[str, ...]


class Names:
    """What the ledger's integers stand for; loaded once for many placements."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.tags = _tag_names(db)
        """Tag id -> source and tag."""
        self.stacks = {i: unpack(n) for i, n in db.execute("SELECT id, names FROM stacks")}


def placements_of(
    db: sqlite3.Connection, build_ids: Iterable[int]
) -> Iterator[tuple[int, str, int, int, int]]:
    """Build id, hash, tag id, stacks id and spec id of every placement of the specs of some builds."""
    return db.execute(
        "SELECT s.build_id, s.hash, g.tag_id, p.stacks_id, s.id"
        " FROM json_each(?) j JOIN spec s ON s.build_id = j.value"
        " JOIN placement p ON p.spec_id = s.id JOIN page g ON g.id = p.page_id",
        (id_list(build_ids),),
    )


def placements_in(
    db: sqlite3.Connection, tag_ids: Iterable[int], stacks_ids: Iterable[int] | None = None
) -> Iterator[tuple[int, str, int, int, int]]:
    """As `placements_of`, of every build and in some tags; with one of some sets of stacks."""
    chosen = "" if stacks_ids is None else "WHERE p.stacks_id IN (SELECT value FROM json_each(?))"
    return db.execute(
        "SELECT s.build_id, s.hash, g.tag_id, p.stacks_id, s.id"
        " FROM json_each(?) j CROSS JOIN page g ON g.tag_id = j.value"
        f" CROSS JOIN placement p ON p.page_id = g.id CROSS JOIN spec s ON s.id = p.spec_id {chosen}",
        (id_list(tag_ids),) if stacks_ids is None else (id_list(tag_ids), id_list(stacks_ids)),
    )


def placed_specs(db: sqlite3.Connection, build_ids: Iterable[int]) -> Iterator[PlacedSpec]:
    """Every placement of the specs of some builds, with names."""
    names = Names(db)
    for build_id, spec_hash, tag_id, stacks_id, _ in placements_of(db, build_ids):
        source, tag = names.tags[tag_id]
        yield PlacedSpec(build_id, spec_hash, source, tag, names.stacks[stacks_id])


def switches_of(db: sqlite3.Connection, package: str) -> set[str]:
    """Names of the variants that builds of a package, placed or not, have on or off."""
    rows = db.execute("SELECT DISTINCT variants FROM build WHERE package = ?", (package,))
    return {
        variant[1:]
        for (variants,) in rows
        for variant in unpack(variants)
        if variant[:1] in ("+", "~")
    }


def builds_named(db: sqlite3.Connection, word: str) -> dict[str, set[int]]:
    """Packages with `word` somewhere in their name, and the ids of their builds."""
    found: dict[str, set[int]] = {}
    rows = db.execute(
        "SELECT package, id FROM build WHERE instr(lower(package), ?) ORDER BY package", (word,)
    )
    for package, build_id in rows:
        found.setdefault(package, set()).add(build_id)
    return found


def builds_of_platform(db: sqlite3.Connection, platform: str) -> set[int]:
    """The ids of the builds of a platform."""
    return {i for (i,) in db.execute("SELECT id FROM build WHERE platform = ?", (platform,))}


_ORDERED = "SELECT id, package, version_key FROM build"


def by_version(
    db: sqlite3.Connection, build_ids: Collection[int], enough: int
) -> Iterator[tuple[int, str, bytes]]:
    """Some builds with package and version key: shorter names first, of a package the newest.

    With `enough` (0: all) only so many are wanted, which decides how they are found soonest.
    """
    order = "ORDER BY length(package), package, version_key DESC, id"
    if not enough or _are_few(db, build_ids):
        yield from db.execute(
            f"{_ORDERED} WHERE id IN (SELECT value FROM json_each(?)) {order}",
            (id_list(build_ids),),
        )
        return
    # So many of all builds are wanted that walking the index in order meets enough of them soon.
    for row in db.execute(f"{_ORDERED} {order}"):
        if row[0] in build_ids:
            yield row


def by_name(db: sqlite3.Connection, build_ids: Collection[int]) -> Iterator[tuple[int, str, bytes]]:
    """The same in the order of names, of a package the newest first. The first come soon."""
    if _are_few(db, build_ids):
        yield from sorted(by_version(db, build_ids, 0), key=itemgetter(1))
        return
    of_package = (  # of `package = ?1` SQLite concludes length(?1) = length(?1), and uses no index
        f"{_ORDERED} INDEXED BY build_order WHERE length(package) = length(?1) AND package IS ?1"
        " ORDER BY version_key DESC, id"
    )
    (name,) = db.execute("SELECT min(package) FROM build").fetchone()
    while name is not None:
        for row in db.execute(of_package, (name,)):
            if row[0] in build_ids:
                yield row
        (name,) = db.execute("SELECT min(package) FROM build WHERE package > ?", (name,)).fetchone()


def _are_few(db: sqlite3.Connection, build_ids: Collection[int]) -> bool:
    """Whether some builds are sooner looked up than met on a walk through all that there are."""
    return len(build_ids) * 20 < build_count(db)


def most_placed(db: sqlite3.Connection, build_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Of some builds: how often they are placed, and a number that is higher the later seen."""
    rows = db.execute(
        "SELECT s.build_id, count(*), max(s.id) FROM json_each(?) j"
        " JOIN spec s ON s.build_id = j.value JOIN placement p ON p.spec_id = s.id"
        " GROUP BY s.build_id",
        (id_list(build_ids),),
    )
    return {build_id: (placements, newest) for build_id, placements, newest in rows}


class SourceAge(NamedTuple):
    """How far the truth of a source reaches. Times in microseconds since the epoch, or None."""

    name: str
    state: str
    error: str | None
    last_success: int | None
    last_attempt: int | None
    interval: int | None
    """Seconds between passes, when the config says so."""


def source_ages(db: sqlite3.Connection) -> list[SourceAge]:
    """Every source that is not forgotten, in the order in which they were first seen."""
    rows = db.execute(
        "SELECT name, state, error, last_success, last_attempt, interval FROM source"
        " WHERE NOT forgotten ORDER BY id"
    )
    return [SourceAge(*row) for row in rows]


def hashes(db: sqlite3.Connection, beginning: str, *, limit: int) -> list[str]:
    """Hashes ever seen that begin so, at most `limit`."""
    rows = db.execute(
        "SELECT hash FROM spec WHERE hash >= ? AND hash < ? ORDER BY hash LIMIT ?",
        (beginning, beginning + "\x7f", limit),
    )
    return [spec_hash for (spec_hash,) in rows]


def all_packages(db: sqlite3.Connection) -> list[str]:
    """The name of every package ever seen, in order."""
    return [name for (name,) in db.execute("SELECT DISTINCT package FROM build ORDER BY package")]


def is_anything_synced(db: sqlite3.Connection) -> bool:
    """Whether a pass ever found a page, or ever was complete."""
    (found,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM page)"
        " OR EXISTS (SELECT 1 FROM source WHERE last_success IS NOT NULL)"
    ).fetchone()
    return bool(found)
