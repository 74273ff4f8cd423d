"""One transaction of the writer: rows and the changes that tell of them commit together, or not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from ..model import ChangeKind
from . import read
from .atomic import transaction
from .filtering import BASELINE, FLAG
from .ids import Ids, KnownSpec, insert_rows
from .outcomes import SourceRow

__all__ = ["BASELINE", "FLAG", "Transactions", "first_pass"]


def first_pass(source: SourceRow) -> int:
    """The flags of what a source's first complete pass finds: a baseline is not news."""
    return BASELINE if source.selection is None else 0


class Transactions:
    """What is pending in the open transaction, and how it is committed."""

    def __init__(self, db: sqlite3.Connection, *, clock: Callable[[], int]) -> None:
        self.db = db
        self._clock = clock
        self._ids = Ids(db)
        self._seq = read.last_seq(db)
        self._at = 0
        self._changes: list[tuple[Any, ...]] = []
        self._cached: list[tuple[int, ...]] = []
        self._described: list[tuple[int, ...]] = []
        self._next_node_id = 0
        self._called: dict[str, set[str]] = {}
        """What compilers that are known since may be called by what needs them, by hash."""
        self._located: list[tuple[Any, ...]] = []
        self._states: dict[str, tuple[int, int | None]] = {}

    def _transact(self, source: SourceRow | None, work: Callable[[], None]) -> None:
        """Run `work` and commit it with the changes it reported, or leave no trace of it."""
        self._at = self._clock()
        seq = self._seq
        try:
            with transaction(self.db):
                work()
                self._ids.store_new()
                self._store_located()
                self._store_changes(0 if source is None else source.id)
        except BaseException:
            self._ids.forget(only_when_large=False)
            self._seq, self._next_node_id = seq, 0
            raise
        finally:
            self._changes, self._cached, self._described, self._located = [], [], [], []
            self._states, self._called = {}, {}
        self._ids.forget()

    def rest(self) -> None:
        """Drop what is remembered for speed only: nothing is written for a while."""
        self._ids.forget(only_when_large=False)
        self.db.execute("PRAGMA shrink_memory")

    def _store_changes(self, source_id: int) -> None:
        every = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        insert_rows(self.db, "change", every, self._changes)
        # Nearly all changes of a first import are of two kinds: they bind only what differs.
        described = f"(?, {self._at}, {int(ChangeKind.SPEC_DESCRIBED)}, {source_id}, NULL, ?, ?, NULL, ?, ?, NULL)"
        insert_rows(self.db, "change", described, self._described)
        cached = f"(?, {self._at}, {int(ChangeKind.SPEC_CACHED)}, {source_id}, ?, ?, ?, ?, NULL, ?, NULL)"
        insert_rows(self.db, "change", cached, self._cached)

    def _store_located(self) -> None:
        # Several rows may be about one page: who loses it comes before who gets it.
        self._located.sort(key=lambda row: row[-1] is not None)
        insert_rows(
            self.db, "location", "(?, ?, ?, ?, ?, ?, ?, ?, ?)", self._located,
            "ON CONFLICT (source_id, path) DO UPDATE SET signature = excluded.signature,"
            " digest = excluded.digest, since = CASE WHEN state = excluded.state THEN since"
            " ELSE excluded.since END, state = excluded.state, reason = excluded.reason,"
            " warnings = excluded.warnings, page_id = excluded.page_id",
        )  # fmt: skip
        self._located = []

    def _change(
        self,
        kind: ChangeKind,
        source_id: int,
        *,
        page_id: int | None = None,
        spec: KnownSpec | None = None,
        stacks_id: int | None = None,
        before_id: int | None = None,
        flags: int = 0,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        spec_id, build_id = (spec.id, spec.build_id) if spec is not None else (None, None)
        text = json.dumps(detail, sort_keys=True) if detail is not None else None
        self._seq += 1
        self._changes.append(
            (self._seq, self._at, kind, source_id, page_id, spec_id, build_id, stacks_id, before_id,
             flags, text)
        )  # fmt: skip

    @property
    def seq(self) -> int:
        """The number of the last change that was made."""
        return self._seq
