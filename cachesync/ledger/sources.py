"""Sources as the ledger has them: their rows, how their passes ended, and what they remember."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from ..model import ChangeKind, LocationState, SourceState
from ..selection import Selection
from .ids import insert_rows
from .outcomes import Base, SourceRow
from .transaction import Transactions

__all__ = ["SourceWriter"]


class SourceWriter(Transactions):
    """Writes what is true of sources as a whole."""

    def source(
        self, name: str, type_: str, location: str, *, configured: bool, interval: int | None
    ) -> SourceRow:
        """The row of a source, made or brought up to date; `interval` seconds lie between passes."""
        wanted = (type_, location, int(configured), interval)
        known = self.db.execute(
            "SELECT type, location, configured, interval FROM source"
            " WHERE name = ? AND NOT forgotten AND state != 'orphaned'",
            (name,),
        ).fetchone()
        if known != wanted:
            self.db.execute(  # specs are not measured against pages
                "DELETE FROM held WHERE source_id IN (SELECT id FROM source WHERE name = ?"
                " AND (type = 'buildcache') != (? = 'buildcache'))",
                (name, type_),
            )
            self.db.execute(
                "INSERT INTO source (name, type, location, configured, interval, state)"
                " VALUES (?, ?, ?, ?, ?, 'never')"
                # Of another place nothing was tried yet: it is due.
                " ON CONFLICT (name) DO UPDATE SET last_attempt = CASE"
                " WHEN (type, location) = (excluded.type, excluded.location) THEN last_attempt END,"
                # Cache indexes after pages, or the other way round, begin anew: with a baseline.
                " selection = CASE WHEN (type = 'buildcache') = (excluded.type = 'buildcache')"
                " THEN selection END,"
                " type = excluded.type,"
                " location = excluded.location, configured = excluded.configured,"
                " interval = excluded.interval, forgotten = 0,"
                " state = CASE WHEN forgotten THEN 'never' WHEN state != 'orphaned' THEN state"
                " WHEN last_success IS NULL THEN 'never' ELSE 'ok' END",
                (name, *wanted),
            )
        return next(row for row in self.sources() if row.name == name)

    def sources(self) -> list[SourceRow]:
        """Every source that is not forgotten."""
        rows = self.db.execute(
            "SELECT id, name, type, location, configured, state, selection FROM source"
            " WHERE NOT forgotten ORDER BY id"
        )
        return [
            SourceRow(i, name, type_, where, bool(made), SourceState(state), _selection(globs))
            for i, name, type_, where, made, state, globs in rows
        ]

    def orphan(self, source: SourceRow) -> None:
        """Mark a source that the config no longer names."""
        self.db.execute("UPDATE source SET state = 'orphaned' WHERE id = ?", (source.id,))

    def overflow(self, source: SourceRow) -> None:
        """Record that the watcher of a source lost events; a pass over everything follows."""
        self._transact(source, lambda: self._change(ChangeKind.SOURCE_OVERFLOWED, source.id))

    def target(self, kind: ChangeKind, *, subscription: str, target: str, reason: str) -> None:
        """Record that a delivery target was given up, or came back."""
        detail = {"subscription": subscription, "target": target, "reason": reason}
        self._transact(None, lambda: self._change(kind, 0, detail=detail))

    def fail(self, source: SourceRow, error: str, memory: Mapping[str, str] | None = None) -> None:
        """Record a pass in which the source did not deliver; `memory` None keeps what there is."""
        self._end(source, SourceState.FAILED, error, ChangeKind.SOURCE_FAILED, memory)

    def hold(
        self, source: SourceRow, error: str, base: Base, memory: Mapping[str, str] | None = None
    ) -> None:
        """Record a pass whose removals were held by the guard, measured against `base`."""
        self._end(source, SourceState.HELD, error, ChangeKind.SOURCE_HELD, memory, base)

    def base(self, source: SourceRow) -> Base | None:
        """What there was before removals began that no pass has carried out yet; None: none has."""
        known = self.db.execute(
            "SELECT base, since FROM held WHERE source_id = ?", (source.id,)
        ).fetchone()
        return None if known is None else Base(*known)

    def keep_base(self, source: SourceRow, base: Base) -> None:
        """Commit what removals are measured against, until a pass over the source is well."""
        self._transact(source, lambda: self._keep_base(source, base))

    def drop_base(self, source: SourceRow) -> None:
        """Commit that no removal is waiting."""
        self._transact(source, lambda: self._drop_base(source.id))

    def _keep_base(self, source: SourceRow, base: Base) -> None:
        self.db.execute("REPLACE INTO held VALUES (?, ?, ?)", (source.id, *base))

    def _drop_base(self, source_id: int) -> None:
        self.db.execute("DELETE FROM held WHERE source_id = ?", (source_id,))

    def memory(self, source: SourceRow) -> dict[str, str]:
        """What the source wants to be told in its next pass."""
        rows = self.db.execute("SELECT key, value FROM memory WHERE source_id = ?", (source.id,))
        return dict(rows)

    def _remember(self, source: SourceRow, memory: Mapping[str, str] | None) -> None:
        if memory is not None:
            self.db.execute("DELETE FROM memory WHERE source_id = ?", (source.id,))
            rows = [(source.id, key, value) for key, value in sorted(memory.items())]
            insert_rows(self.db, "memory", "(?, ?, ?)", rows)

    def succeed(
        self,
        source: SourceRow,
        selection: Selection,
        memory: Mapping[str, str] | None = None,
        base: Base | None = None,
    ) -> None:
        """Record a complete pass under `selection`; `base` is of removals that wait for another."""

        def work() -> None:
            if self._state(source) in (SourceState.FAILED, SourceState.HELD):
                self._change(ChangeKind.SOURCE_RECOVERED, source.id)
            self.db.execute(
                "UPDATE source SET state = 'ok', error = NULL, last_attempt = ?, last_success = ?,"
                " selection = ? WHERE id = ?",
                (self._at, self._at, json.dumps(selection), source.id),
            )
            self._remember(source, memory)
            self._drop_base(source.id)
            if base is not None:
                self._keep_base(source, base)

        self._transact(source, work)

    def _end(
        self,
        source: SourceRow,
        state: SourceState,
        error: str,
        kind: ChangeKind,
        memory: Mapping[str, str] | None = None,
        base: Base | None = None,
    ) -> None:
        def work() -> None:
            self._remember(source, memory)
            if base is not None:
                self._keep_base(source, base)
            if self._state(source) is not state:
                self._change(kind, source.id, detail={"reason": error})
            self.db.execute(
                "UPDATE source SET state = ?, error = ?, last_attempt = ? WHERE id = ?",
                (state.value, error, self._at, source.id),
            )

        self._transact(source, work)

    def _state(self, source: SourceRow) -> SourceState:
        (state,) = self.db.execute("SELECT state FROM source WHERE id = ?", (source.id,)).fetchone()
        return SourceState(state)

    def _store(
        self,
        source: SourceRow,
        path: str,
        signature: str | None,
        digest: bytes | None,
        state: LocationState,
        reason: str | None,
        page_id: int | None,
        warnings: Iterable[str],
    ) -> None:
        self._states[path] = (state, page_id)
        self._located.append(
            (source.id, path, signature, digest, state, reason, self._at,
             "\n".join(warnings) or None, page_id)
        )  # fmt: skip


def _selection(text: str | None) -> Selection | None:
    if text is None:
        return None
    tags, packages = json.loads(text)
    return Selection(tuple(tags), tuple(packages))
