"""Whether what lies in a ledger can have been written by cachesync. Functions of a connection.

SQLite answers for its pages and indexes. It keeps any value in any column, and hands out what it finds
there: whether that means anything is asked here, of every row. Slow; for when something went wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from ..model import ChangeKind, LocationState, SourceState

__all__ = ["fault"]

_LAST_MICROSECOND = 253_402_300_799_999_999
"""Of the year 9999, which `datetime` ends with."""
_TIME = f"BETWEEN 0 AND {_LAST_MICROSECOND}"
_NO_MEMORY = f"error code={sqlite3.SQLITE_NOMEM}"
_OF_PLACEMENTS = "1, 2, 3"
_OF_SPECS = f"{_OF_PLACEMENTS}, 4, 5"
_DESCRIBED = int(ChangeKind.SPEC_DESCRIBED)
_RESTACKED, _REFINED = int(ChangeKind.SPEC_RESTACKED), int(ChangeKind.SPEC_REFINED)


def _one_of(numbers: type[ChangeKind | LocationState]) -> str:
    return f"IN ({', '.join(str(int(number)) for number in numbers)})"


_GOOD = (
    ("source", "state", f"state IN ({', '.join(repr(state.value) for state in SourceState)})"),
    ("source", "selection", "selection IS NULL OR json_valid(selection) AND json_array_length(selection) = 2"),
    ("source", "last_attempt", f"coalesce(last_attempt {_TIME}, 1)"),
    ("source", "last_success", f"coalesce(last_success {_TIME}, 1)"),
    ("held", "base", "typeof(base) = 'integer' AND typeof(coalesce(since, 0)) = 'integer'"),
    ("location", "state", f"state {_one_of(LocationState)}"),
    ("location", "since", f"since {_TIME}"),
    ("change", "at", f"at {_TIME}"),
    ("change", "kind", f"kind {_one_of(ChangeKind)}"),
    ("change", "detail", "detail IS NULL OR json_valid(detail) AND json_type(detail) = 'object'"),
    ("change", "page_id", f"kind NOT IN ({_OF_PLACEMENTS}) OR page_id IN (SELECT id FROM page)"),
    ("change", "spec_id", f"kind NOT IN ({_OF_SPECS}) OR spec_id IN (SELECT id FROM spec)"),
    ("change", "build_id", f"kind NOT IN ({_OF_SPECS}) OR build_id IN (SELECT id FROM build)"),
    ("change", "before_id", f"kind != {_DESCRIBED} OR coalesce(before_id IN (SELECT id FROM node), 0)"),
    ("details", "document", "json_valid(document) AND json_array_length(document) > 8"),
    ("signature", "signed", "signed IN (0, 1)"),
    ("statement", "memory", "json_valid(memory) AND json_type(memory) = 'object'"),
    ("change", "before_id", f"kind != {_RESTACKED} OR coalesce(before_id IN (SELECT id FROM stacks), 0)"),
    ("change", "before_id", f"kind != {_REFINED} OR coalesce(before_id IN (SELECT id FROM build), 0)"),
)  # fmt: skip
"""Tables, columns, and what is true of every value there. (json_valid of NULL is 0 or NULL by version.)"""


def fault(db: sqlite3.Connection) -> str | None:
    """The first thing that is wrong with a ledger of the newest schema; None where it is sound.

    Raises sqlite3.Error where it cannot be read, MemoryError where there is too little to find out.
    """
    try:
        return next(_faults(db), None)
    except (UnicodeDecodeError, sqlite3.OperationalError) as error:  # messages are decoded, too
        if isinstance(error, UnicodeDecodeError) or "Could not decode" in str(error):
            return "it holds text that is none"
        raise


def _faults(db: sqlite3.Connection) -> Iterator[str]:
    (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if said.endswith(_NO_MEMORY):
        raise MemoryError  # it says that of a page which it has no room for
    if said != "ok":
        yield " ".join(str(said).split())
    tables = [
        name
        for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
    ]
    for table in tables:
        yield from _of_types(db, table)
    for table, column, good in _GOOD:
        if db.execute(f"SELECT 1 FROM {table} WHERE NOT ({good}) LIMIT 1").fetchone():
            yield f"{column} of a {table} is nothing that cachesync writes"
    for table, _, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield f"a {table} refers to a {parent} that does not exist"


def _of_types(db: sqlite3.Connection, table: str) -> Iterator[str]:
    """Values of another type than their column's, and text that is not UTF-8."""
    columns = db.execute(f"PRAGMA table_info({table})").fetchall()
    for _, name, type_, *_ in columns:
        odd = f"typeof({name}) != '{type_.lower()}' AND {name} IS NOT NULL"
        if db.execute(f"SELECT 1 FROM {table} WHERE {odd} LIMIT 1").fetchone():
            yield f"{name} of a {table} is no {type_.lower()}"
    texts = [name for _, name, type_, *_ in columns if type_ == "TEXT"]
    for _ in db.execute(f"SELECT {', '.join(texts)} FROM {table}") if texts else ():
        pass  # each is decoded
