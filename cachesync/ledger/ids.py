"""The integers that stand for what repeats: finding them, and making new ones.

One `Ids` belongs to one writer. It remembers what it looked up, so a chunk of pages costs a few
set-wide queries; in a ledger that was empty when it was opened it knows everything and asks nothing.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..model import NO_COMPILER, Build, Compilers, Listed
from ..spack import variants as variant_texts
from ..spack import versions

__all__ = [
    "BUILD_COLUMNS",
    "Ids",
    "KnownSpec",
    "build_parts",
    "insert_rows",
    "make_build",
    "pack",
    "unpack",
    "unpack_compilers",
]

MAX_REMEMBERED = 500_000


def pack(names: tuple[str, ...]) -> str:
    """A set of names as one text: names are printable, so a line break can separate them."""
    return "\n".join(names)


def unpack(text: str) -> tuple[str, ...]:
    """The inverse of `pack`."""
    return tuple(text.split("\n")) if text else ()


BUILD_COLUMNS = "package, version, compiler, os, platform, target, variants, compilers"
"""What `make_build` takes."""


def build_parts(build: Build) -> tuple[str, ...]:
    """A build as `BUILD_COLUMNS` hold it."""
    compilers = build.compilers and pack(tuple(map("=".join, build.compilers)))
    return (*build[:6], pack(build.variants), compilers or "")


def unpack_compilers(text: str) -> Compilers:
    """What the column `compilers` has: `c=llvm@=17.0.6`, a line for each language."""
    split = (line.partition("=") for line in unpack(text))
    return tuple((language, compiler) for language, _, compiler in split)


def make_build(row: Sequence[Any]) -> Build:
    """The build in `BUILD_COLUMNS`.

    Some rows that only the change log refers to are older than the normal form of variants.
    """
    package, version, compiler, os, platform, target, variants, compilers = row
    several = unpack_compilers(compilers) if compilers else ()
    return Build(package, version, compiler, os, platform, target, _variants_in(variants), several)


@lru_cache(maxsize=4096)
def _variants_in(text: str) -> tuple[str, ...]:
    """The variants in the column, which many builds have alike."""
    listed = unpack(text)
    return variant_texts.normal_set(listed) if "=" in text else listed


ROWS_A_STATEMENT = 50
"""Rows inserted by one statement: twice as fast as one by one, and under 999 parameters."""


def insert_rows(
    db: sqlite3.Connection, into: str, row: str, rows: Sequence[tuple[Any, ...]], then: str = ""
) -> None:
    """`INSERT INTO {into} VALUES {row}, ... {then}` for many rows; `row` holds the parameters."""
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    chain = itertools.chain.from_iterable
    if whole:
        db.executemany(
            f"INSERT INTO {into} VALUES {','.join([row] * ROWS_A_STATEMENT)} {then}",
            (
                tuple(chain(rows[start : start + ROWS_A_STATEMENT]))
                for start in range(0, whole, ROWS_A_STATEMENT)
            ),
        )
    db.executemany(f"INSERT INTO {into} VALUES {row} {then}", rows[whole:])


def _bare(compiler: str, several: Compilers) -> Iterator[str]:
    """The compilers of a build of which the version is not known."""
    for name in (compiler, *(name for _, name in several)):
        if "@" not in name and name != NO_COMPILER:
            yield name


class KnownSpec(NamedTuple):
    """A spec the ledger holds: its id, its build's id, and whether it is placed anywhere now."""

    id: int
    build_id: int
    placed: bool
    node_id: int | None = None
    """What cache indexes say of it; None where none did."""


class Ids:
    """Ids by value, for one writer over `db`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        from .shapes import build_digest  # here: those who only read need none

        self._db = db
        self._digest = build_digest
        self._start()

    def _start(self) -> None:
        self._builds: dict[Build, int] = {}
        # What a chunk lists is often one object: finding it by identity spares hashing builds. The
        # objects are kept, so ids stay theirs; for one transaction.
        self.listed_ids: dict[int, tuple[Listed, int, int]] = {}
        self._version_keys: dict[str, bytes] = {}
        self._bare: set[str] | None = None
        self._stacks: dict[tuple[str, ...], int] = {}
        self._tags: dict[tuple[int, str], int] = {}
        self._pages: dict[int, dict[str, int]] = {}
        self.specs: dict[str, KnownSpec] = {}
        self._next_build = self._next("build")
        self._next_spec = self._next("spec")
        self._next_stacks = self._next("stacks")
        self._next_page = self._next("page")
        self._complete = self._next_spec == self._next_build == 1
        self._new_specs: dict[str, tuple[int, str, int, int | None, bytes | None]] = {}
        self._new_builds: list[tuple[object, ...]] = []
        self._new_stacks: list[tuple[int, str]] = []
        self._new_pages: list[tuple[int, int, str, int]] = []

    def _next(self, table: str) -> int:
        (highest,) = self._db.execute(f"SELECT max(id) FROM {table}").fetchone()
        return int(highest or 0) + 1

    def learn(self, listed: Listed) -> tuple[Listed, int, int]:
        """The ids of a build and its stacks, remembered in `listed_ids`."""
        found = self.listed_ids[id(listed)] = (
            listed, self.build(listed[0]), self.stacks(listed[1]),
        )  # fmt: skip
        return found

    def build(self, build: Build) -> int:
        """The id of `build`, made if it is new."""
        found = self._builds.get(build)
        if found is None:
            parts = build_parts(build)
            number = self._digest(parts)
            row = None if self._complete else self._db.execute(
                "SELECT id FROM build WHERE digest = ? AND package = ? AND version = ?"
                " AND compiler = ? AND os = ? AND platform = ? AND target = ? AND variants = ?"
                " AND compilers = ?",
                (number, *parts),
            ).fetchone()  # fmt: skip
            if row is not None:
                found = int(row[0])
            else:
                found, self._next_build = self._next_build, self._next_build + 1
                key = self._version_keys.get(build.version)
                if key is None:
                    key = self._version_keys[build.version] = versions.sort_key(build.version)
                if self._bare is not None:
                    self._bare.update(_bare(build.compiler, build.compilers))
                self._new_builds.append((found, *parts[:2], key, *parts[2:7], number, parts[7]))
            self._builds[build] = found
        return found

    def bare_compilers(self) -> set[str]:
        """The names of the compilers of builds of which the version is not known; asked for once."""
        if self._bare is None:
            rows = self._db.execute(
                "SELECT DISTINCT compiler, compilers FROM build WHERE instr(compiler, '@') = 0"
                " OR compilers != ''"
            )
            made = ((str(row[4]), str(row[-1])) for row in self._new_builds)
            self._bare = set()
            for compiler, several in itertools.chain(rows, made):
                self._bare.update(_bare(compiler, unpack_compilers(several)))
        return self._bare

    def stacks(self, stacks: tuple[str, ...]) -> int:
        """The id of a sorted set of stacks, made if it is new."""
        found = self._stacks.get(stacks)
        if found is None:
            packed = pack(stacks)
            row = self._db.execute("SELECT id FROM stacks WHERE names = ?", (packed,)).fetchone()
            if row is not None:
                found = int(row[0])
            else:
                found, self._next_stacks = self._next_stacks, self._next_stacks + 1
                self._new_stacks.append((found, packed))
            self._stacks[stacks] = found
        return found

    def tag(self, source_id: int, tag: str) -> int:
        """The id of a tag of a source, made if it is new."""
        tag_id = self._tags.get((source_id, tag))
        if tag_id is None:
            self._db.execute(
                "INSERT INTO tag (source_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (source_id, tag),
            )
            (tag_id,) = self._db.execute(
                "SELECT id FROM tag WHERE source_id = ? AND name = ?", (source_id, tag)
            ).fetchone()
            self._tags[source_id, tag] = tag_id
        return tag_id

    def page(
        self, source_id: int, tag: str, package: str, *, is_page: bool = True
    ) -> tuple[int, bool]:
        """The id of the page of a package in a tag, and whether it was made just now.

        A page that is made is present from the next `store_new` on. What a cache index says of a
        package in a tag has such a row too, but `is_page` of it is false: it is never present.
        """
        tag_id = self.tag(source_id, tag)
        page_id = self._packages(tag_id).get(package)
        if page_id is not None:
            return page_id, False
        page_id, self._next_page = self._next_page, self._next_page + 1
        self._pages[tag_id][package] = page_id
        self._new_pages.append((page_id, tag_id, package, int(is_page)))
        return page_id, True

    def _packages(self, tag_id: int) -> dict[str, int]:
        """The pages of a tag: package -> id."""
        if tag_id not in self._pages:
            rows = self._db.execute("SELECT package, id FROM page WHERE tag_id = ?", (tag_id,))
            self._pages[tag_id] = dict(rows)
        return self._pages[tag_id]

    def look_up(self, hashes: Iterable[str]) -> None:
        """Learn of all `hashes` at once what the ledger knows of them."""
        if self._complete:
            return
        missing = list(dict.fromkeys(h for h in hashes if h not in self.specs))
        if not missing:
            return
        import json  # a search, which looks up builds only, does without

        rows = self._db.execute(
            "SELECT s.hash, s.id, s.build_id,"
            " EXISTS (SELECT 1 FROM placement p WHERE p.spec_id = s.id), s.node_id"
            " FROM json_each(?) j JOIN spec s ON s.hash = j.value",
            (json.dumps(missing),),
        )
        for spec_hash, spec_id, build_id, placed, node_id in rows:
            self.specs[spec_hash] = KnownSpec(spec_id, build_id, bool(placed), node_id)

    def spec(self, spec_hash: str) -> KnownSpec | None:
        """What is known of a hash that was looked up."""
        return self.specs.get(spec_hash)

    def add_spec(self, spec_hash: str, build_id: int) -> KnownSpec:
        """A new spec, about to be placed."""
        spec_id, self._next_spec = self._next_spec, self._next_spec + 1
        self._new_specs[spec_hash] = (spec_id, spec_hash, build_id, None, None)
        known = self.specs[spec_hash] = KnownSpec(spec_id, build_id, True)
        return known

    def add_node(self, spec_hash: str, build_id: int, node_id: int, checksum: bytes) -> KnownSpec:
        """A new spec that is a node, and placed nowhere yet."""
        spec_id, self._next_spec = self._next_spec, self._next_spec + 1
        self._new_specs[spec_hash] = (spec_id, spec_hash, build_id, node_id, checksum)
        known = self.specs[spec_hash] = KnownSpec(spec_id, build_id, False, node_id)
        return known

    @property
    def next_spec(self) -> int:
        """The id of the spec that is made next."""
        return self._next_spec

    def update_spec(self, spec_hash: str, known: KnownSpec) -> None:
        """Remember that a spec was placed, or is described by another build."""
        self.specs[spec_hash] = known
        new = self._new_specs.get(spec_hash)
        if new is not None and new[2] != known.build_id:
            self._new_specs[spec_hash] = (known.id, spec_hash, known.build_id, *new[3:])

    def build_of(self, build_id: int) -> Build:
        """The build with an id, whether it is stored yet or not."""
        row = self._db.execute(
            f"SELECT {BUILD_COLUMNS} FROM build WHERE id = ?", (build_id,)
        ).fetchone()
        if row is not None:
            return make_build(row)
        return next(build for build, known in self._builds.items() if known == build_id)

    def store_new(self) -> None:
        """Insert what was made since the last call; within the caller's transaction."""
        insert_rows(self._db, "build", f"({', '.join('?' * 11)})", self._new_builds)
        insert_rows(self._db, "page", "(?, ?, ?, ?)", self._new_pages)
        insert_rows(self._db, "stacks", "(?, ?)", self._new_stacks)
        insert_rows(self._db, "spec", "(?, ?, ?, ?, ?)", list(self._new_specs.values()))
        self._new_builds, self._new_stacks, self._new_specs = [], [], {}
        self._new_pages = []
        self.listed_ids = {}

    def forget(self, *, only_when_large: bool = True) -> None:
        """Remember nothing, so that a rolled-back chunk leaves no trace (or memory stays bounded)."""
        if only_when_large and len(self.specs) < MAX_REMEMBERED:
            return
        self._start()
