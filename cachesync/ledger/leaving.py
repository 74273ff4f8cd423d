"""What cache indexes have no longer: specs that leave, and placements that go.

A spec that is absent from its index stays placed until it was absent in several passes running.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..model import ChangeKind, LocationState
from .ids import KnownSpec, insert_rows, unpack
from .outcomes import SourceRow, Stated, StatementRow
from .signatures import NOTHING_SIGNED
from .statements import StatementWriter
from .transaction import FLAG

__all__ = ["Due", "LeavingWriter"]

OF_STATED = ("leaving", "signature")
"""The tables of what a cache index has placed: their rows go with it."""


class Due(NamedTuple):
    """A stack that no longer carries a placed spec."""

    tag: str
    package: str
    hash: str
    page_id: int
    spec_id: int
    stack: str


class LeavingWriter(StatementWriter):
    """Removes placements."""

    # -- what an index has placed

    def placed_specs(
        self, source: SourceRow, statement: StatementRow, packages: Collection[str] | None
    ) -> dict[str, tuple[int, str]]:
        """Id and package, by hash, of all that an index has placed, or of what it has of some packages."""
        chosen = {
            stacks_id
            for stacks_id, names in self.db.execute("SELECT id, names FROM stacks")
            if statement.stack in unpack(names)
        }
        only = "" if packages is None else " AND g.package IN (SELECT value FROM json_each(?))"
        rows = self.db.execute(
            "SELECT s.hash, s.id, g.package, p.stacks_id FROM tag t CROSS JOIN page g ON g.tag_id = t.id"
            " CROSS JOIN placement p ON p.page_id = g.id CROSS JOIN spec s ON s.id = p.spec_id"
            f" WHERE t.source_id = ? AND t.name = ?{only}",
            (
                source.id,
                statement.tag,
                *(() if packages is None else (json.dumps(list(packages)),)),
            ),
        )
        return {
            spec_hash: (spec_id, package)
            for spec_hash, spec_id, package, stacks_id in rows
            if stacks_id in chosen
        }

    def leaving_ids(self, statement: StatementRow) -> set[int]:
        """The ids of what is placed, and was absent from an index when it was read last."""
        rows = self.db.execute(
            "SELECT spec_id FROM leaving WHERE statement_id = ?", (statement.id,)
        )
        return {spec_id for (spec_id,) in rows}

    # -- what an index has not

    def conclude(
        self,
        source: SourceRow,
        statement: StatementRow,
        *,
        checksum: str,
        memory: Mapping[str, str],
        absent: Iterable[int],
        warnings: Iterable[str],
        base: int,
        signed: Mapping[str, bool] = NOTHING_SIGNED,
    ) -> None:
        """Commit that everything an index has is recorded, and which placed specs it has not.

        `base` is how many specs the source had before that; `signed` as of `record_index`.
        """

        def work() -> None:
            passes = self._reached(statement, memory)
            self._keep_leaving(statement, set(absent), passes, base)
            self._note_signatures(source, statement, signed)
            state = self._index_state(source, statement)
            if state is LocationState.REJECTED:
                self._index_change(ChangeKind.INDEX_RECOVERED, source, statement)
            if checksum != statement.checksum:
                self._index_change(ChangeKind.INDEX_READ, source, statement, checksum=checksum)
                self.db.execute(
                    "UPDATE statement SET checksum = ? WHERE id = ?", (checksum, statement.id)
                )
            self._store(
                source, statement.path, None, None, LocationState.GOOD, None, None, warnings
            )

        self._transact(source, work)

    def _keep_leaving(
        self, statement: StatementRow, absent: set[int], since: int, base: int
    ) -> None:
        before = self.leaving_ids(statement)
        self.db.executemany(
            "DELETE FROM leaving WHERE statement_id = ? AND spec_id = ?",
            [(statement.id, spec_id) for spec_id in sorted(before - absent)],
        )
        insert_rows(
            self.db, "leaving", "(?, ?, ?, ?)",
            [(statement.id, spec_id, since, base) for spec_id in sorted(absent - before)],
        )  # fmt: skip

    # -- what settled

    def due(self, source: SourceRow, settle: int) -> list[Due]:
        """What was absent from its index in `settle` passes running, in the order of tag and package."""
        rows = self.db.execute(
            "SELECT t.name, g.package, s.hash, p.page_id, p.spec_id, o.stack"
            " FROM statement o JOIN leaving l ON l.statement_id = o.id"
            " JOIN tag t ON t.source_id = o.source_id AND t.name = o.tag"
            " JOIN placement p ON p.spec_id = l.spec_id"
            " JOIN page g ON g.id = p.page_id AND g.tag_id = t.id JOIN spec s ON s.id = l.spec_id"
            " WHERE o.source_id = ? AND o.passes - l.since + 1 >= ? ORDER BY 1, 2, 3, 6",
            (source.id, settle),
        )
        return [Due(*row) for row in rows]

    def least_base(self, source: SourceRow, settle: int) -> int | None:
        """How many specs the source had when the first of what is `due` went; None: nobody knows."""
        (base,) = self.db.execute(
            "SELECT min(l.base) FROM statement o JOIN leaving l ON l.statement_id = o.id"
            " WHERE o.source_id = ? AND o.passes - l.since + 1 >= ?",
            (source.id, settle),
        ).fetchone()
        return None if base is None else int(base)

    def carried(self, source: SourceRow, statement: StatementRow) -> list[Due]:
        """Everything that an index has placed, in the order of package and hash."""
        rows = self.db.execute(
            "SELECT g.package, s.hash, p.page_id, p.spec_id, k.names"
            " FROM tag t CROSS JOIN page g ON g.tag_id = t.id"
            " CROSS JOIN placement p ON p.page_id = g.id CROSS JOIN spec s ON s.id = p.spec_id"
            " CROSS JOIN stacks k ON k.id = p.stacks_id WHERE t.source_id = ? AND t.name = ?",
            (source.id, statement.tag),
        )
        return sorted(
            Due(statement.tag, package, spec_hash, page_id, spec_id, statement.stack)
            for package, spec_hash, page_id, spec_id, names in rows
            if statement.stack in unpack(names)
        )

    def evict_specs(self, source: SourceRow, going: Sequence[Due]) -> None:
        """Commit that stacks no longer carry some specs, in the order given."""

        def work() -> None:
            stacks: dict[tuple[int, int], set[str]] = {}
            for due in going:
                stacks.setdefault((due.page_id, due.spec_id), set()).add(due.stack)
            remaining = self._placement_counts(spec_id for _, spec_id in stacks)
            for (page_id, spec_id), lost in stacks.items():
                self._take(source, page_id, spec_id, lost, remaining)

        self._transact(source, work)

    def _take(
        self,
        source: SourceRow,
        page_id: int,
        spec_id: int,
        lost: set[str],
        remaining: dict[int, int],
    ) -> None:
        names, build, node = self.db.execute(
            "SELECT k.names, s.build_id, s.node_id FROM placement p"
            " JOIN spec s ON s.id = p.spec_id JOIN stacks k ON k.id = p.stacks_id"
            " WHERE p.spec_id = ? AND p.page_id = ?",
            (spec_id, page_id),
        ).fetchone()
        before = Stated(page_id, spec_id, unpack(names))
        left = tuple(name for name in before.stacks if name not in lost)
        if not left:
            self._evict(source, page_id, [spec_id], remaining)
        else:
            known = KnownSpec(spec_id, build, True, node)
            stacks_id = self._restack(source, before, known, left)
            self._ids.store_new()
            self.db.execute(
                "UPDATE placement SET stacks_id = ? WHERE spec_id = ? AND page_id = ?",
                (stacks_id, spec_id, page_id),
            )
        for table in OF_STATED:
            self.db.executemany(
                f"DELETE FROM {table} WHERE spec_id = ? AND statement_id IN"
                " (SELECT o.id FROM statement o JOIN page g ON g.id = ? JOIN tag t ON t.id = g.tag_id"
                "  WHERE o.source_id = t.source_id AND o.tag = t.name AND o.stack = ?)",
                [(spec_id, page_id, stack) for stack in sorted(lost)],
            )

    def drop_statement(self, source: SourceRow, statement: StatementRow) -> None:
        """Commit that a source has a cache index no longer, of which nothing is placed any more."""

        def work() -> None:
            self._leave_place(source, statement)
            for table in OF_STATED:
                self.db.execute(f"DELETE FROM {table} WHERE statement_id = ?", (statement.id,))
            self.db.execute("DELETE FROM statement WHERE id = ?", (statement.id,))

        self._transact(source, work)

    def unstated(self, source: SourceRow) -> list[Due]:
        """What pages of a source have placed under stacks that none of its cache indexes is of.

        That of a source that had pages before it had cache indexes, in the order of tag and package.
        """
        stacks: dict[str, set[str]] = {}
        for one in self.statements(source):
            stacks.setdefault(one.tag, set()).add(one.stack)
        rows = self.db.execute(
            "SELECT t.name, g.package, s.hash, g.id, s.id, k.names FROM tag t"
            " CROSS JOIN page g ON g.tag_id = t.id CROSS JOIN placement p ON p.page_id = g.id"
            " CROSS JOIN spec s ON s.id = p.spec_id CROSS JOIN stacks k ON k.id = p.stacks_id"
            " WHERE t.source_id = ? AND g.present ORDER BY 1, 2, 3",
            (source.id,),
        )
        return [
            Due(tag, package, spec_hash, page_id, spec_id, stack)
            for tag, package, spec_hash, page_id, spec_id, names in rows
            for stack in unpack(names)
            if stack not in stacks.get(tag, ())
        ]

    def stated_packages(self, source: SourceRow) -> int:
        """How many packages, in how many tags, only cache indexes have placed in a source."""
        (count,) = self.db.execute(
            "SELECT count(*) FROM tag t JOIN page g ON g.tag_id = t.id WHERE t.source_id = ?"
            " AND NOT g.present AND EXISTS (SELECT 1 FROM placement p WHERE p.page_id = g.id)",
            (source.id,),
        ).fetchone()
        return int(count)

    def drop_statements(self, source: SourceRow) -> None:
        """Commit that a source has no cache indexes any more, and evict what only they placed."""

        def work() -> None:
            for one in self.statements(source):
                self._leave_place(source, one)
            self._forget_statements(source)

        self._transact(source, work)

    def _forget_statements(self, source: SourceRow) -> None:
        """Evict everything that only the cache indexes of a source have placed, and forget them."""
        going: dict[int, list[int]] = {}
        rows = self.db.execute(
            "SELECT g.id, s.id FROM tag t CROSS JOIN page g ON g.tag_id = t.id"
            " CROSS JOIN placement p ON p.page_id = g.id CROSS JOIN spec s ON s.id = p.spec_id"
            " WHERE t.source_id = ? AND NOT g.present ORDER BY t.name, g.package, s.hash",
            (source.id,),
        )
        for page_id, spec_id in rows:
            going.setdefault(page_id, []).append(spec_id)
        remaining = self._placement_counts(s for specs in going.values() for s in specs)
        for page_id, specs in going.items():
            self._evict(source, page_id, specs, remaining)
        for table in OF_STATED:
            self.db.execute(
                f"DELETE FROM {table} WHERE statement_id IN"
                " (SELECT id FROM statement WHERE source_id = ?)",
                (source.id,),
            )
        self.db.execute("DELETE FROM statement WHERE source_id = ?", (source.id,))

    def placed_count(self, source: SourceRow) -> int:
        """How many specs of how many tags are placed in a source now."""
        (count,) = self.db.execute(
            "SELECT count(*) FROM tag t JOIN page g ON g.tag_id = t.id"
            " JOIN placement p ON p.page_id = g.id WHERE t.source_id = ?",
            (source.id,),
        ).fetchone()
        return int(count)

    def evicted_since(self, source: SourceRow, seq: int) -> int:
        """How many placements of a source went after a change and are not back."""
        (count,) = self.db.execute(
            "SELECT count(DISTINCT c.page_id || '/' || c.spec_id) FROM change c WHERE c.seq > ?"
            " AND c.kind = ? AND c.source_id = ? AND NOT EXISTS (SELECT 1 FROM placement p"
            " WHERE p.spec_id = c.spec_id AND p.page_id = c.page_id)",
            (seq, int(ChangeKind.SPEC_EVICTED), source.id),
        ).fetchone()
        return int(count)

    def _placement_counts(self, specs: Iterable[int]) -> dict[int, int]:
        rows = self.db.execute(
            "SELECT spec_id, count(*) FROM placement"
            " WHERE spec_id IN (SELECT value FROM json_each(?)) GROUP BY spec_id",
            (json.dumps(list(specs)),),
        )
        return dict(rows)

    def _evict(
        self, source: SourceRow, page_id: int, specs: Sequence[int], remaining: dict[int, int]
    ) -> None:
        for spec_id in specs:
            stacks, spec_hash, build, node = self.db.execute(
                "SELECT p.stacks_id, s.hash, s.build_id, s.node_id FROM placement p"
                " JOIN spec s ON s.id = p.spec_id WHERE p.spec_id = ? AND p.page_id = ?",
                (spec_id, page_id),
            ).fetchone()
            remaining[spec_id] -= 1
            last = remaining[spec_id] == 0
            known = KnownSpec(spec_id, build, not last, node)
            self._ids.update_spec(spec_hash, known)
            self._change(
                ChangeKind.SPEC_EVICTED, source.id, page_id=page_id, spec=known, stacks_id=stacks,
                flags=FLAG if last else 0,
            )  # fmt: skip
        self.db.executemany(
            "DELETE FROM placement WHERE spec_id = ? AND page_id = ?",
            [(spec_id, page_id) for spec_id in specs],
        )
