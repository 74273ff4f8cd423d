"""Cache indexes, recorded: what they place, what leaves them, and how reading them went.

An index says everything of one stack of one tag. What it does not have any more stays placed until it
was absent in several passes (`leaving`), as an index can go back in time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..model import ChangeKind, Doubt, LocationState, Node
from . import doubts
from .ids import KnownSpec, insert_rows, unpack
from .outcomes import SourceRow, Stated, StatementRow
from .signatures import NOTHING_SIGNED, SignatureWriter
from .transaction import BASELINE, FLAG, first_pass

__all__ = ["StatementWriter"]

_COLUMNS = "id, url, view, tag, stack, path, checksum, passes, last_success, memory"


class StatementWriter(SignatureWriter):
    """Records what cache indexes say."""

    def statements(self, source: SourceRow) -> list[StatementRow]:
        """The cache indexes of a source, those included that it has no longer."""
        rows = self.db.execute(
            f"SELECT {_COLUMNS} FROM statement WHERE source_id = ? ORDER BY id", (source.id,)
        )
        return [_row(row) for row in rows]

    def statement(
        self, source: SourceRow, *, url: str, view: str | None, tag: str, stack: str, path: str
    ) -> StatementRow:
        """The row of a cache index, made or brought up to date; one elsewhere is remembered nothing of."""
        found = self._statement(source, tag, stack)
        if found is None or (found.url, found.view, found.path) != (url, view, path):

            def work() -> None:
                if found is not None and found.path != path:
                    self._leave_place(source, found)
                    self._forget_signatures(found)
                self.db.execute(
                    "INSERT INTO statement (source_id, url, view, tag, stack, path, passes, memory)"
                    " VALUES (?, ?, ?, ?, ?, ?, 0, '{}') ON CONFLICT (source_id, tag, stack)"
                    " DO UPDATE SET url = excluded.url, view = excluded.view, path = excluded.path,"
                    " memory = '{}'",
                    (source.id, url, view, tag, stack, path),
                )

            self._transact(source, work)
            found = self._statement(source, tag, stack)
            assert found is not None
        return found

    def _statement(self, source: SourceRow, tag: str, stack: str) -> StatementRow | None:
        row = self.db.execute(
            f"SELECT {_COLUMNS} FROM statement WHERE source_id = ? AND tag = ? AND stack = ?",
            (source.id, tag, stack),
        ).fetchone()
        return None if row is None else _row(row)

    def told(self, hashes: Collection[str]) -> dict[str, tuple[int, bytes | None]]:
        """Id and checksum of each spec that is known, by hash.

        The checksum is that of the record that told of it first; None where none did, and of a record
        that is wrong one that no record has.
        """
        query = f"SELECT s.hash, s.id, {doubts.AS_KNOWN} FROM spec s"
        (count,) = self.db.execute("SELECT max(id) FROM spec").fetchone()
        if 3 * len(hashes) > (count or 0):  # reading all of them is sooner done
            rows = self.db.execute(query)
        else:
            chosen = " WHERE s.hash IN (SELECT value FROM json_each(?))"
            rows = self.db.execute(query + chosen, (json.dumps(list(hashes)),))
        return {spec_hash: (spec_id, checksum) for spec_hash, spec_id, checksum in rows}

    def index_warnings(self, source: SourceRow, statement: StatementRow) -> list[str]:
        """What there was to warn of when an index was recorded last."""
        row = self.db.execute(
            "SELECT warnings FROM location WHERE source_id = ? AND path = ?",
            (source.id, statement.path),
        ).fetchone()
        return [] if row is None or row[0] is None else str(row[0]).split("\n")

    def stated(self, source: SourceRow, tag: str, hashes: Collection[str]) -> dict[str, Stated]:
        """How some specs are placed in a tag of a source, by hash; of those that are."""
        rows = self.db.execute(
            "SELECT s.hash, p.page_id, p.spec_id, k.names"
            " FROM json_each(?) j CROSS JOIN spec s ON s.hash = j.value"
            " CROSS JOIN placement p ON p.spec_id = s.id CROSS JOIN page g ON g.id = p.page_id"
            " CROSS JOIN tag t ON t.id = g.tag_id CROSS JOIN stacks k ON k.id = p.stacks_id"
            " WHERE t.source_id = ? AND t.name = ?",
            (json.dumps(list(hashes)), source.id, tag),
        )
        return {
            spec_hash: Stated(page_id, spec_id, unpack(names))
            for spec_hash, page_id, spec_id, names in rows
        }

    def is_stated(self, source: SourceRow, tag: str) -> bool:
        """Whether anything is placed in a tag of a source."""
        (found,) = self.db.execute(
            "SELECT EXISTS (SELECT 1 FROM tag t JOIN page g ON g.tag_id = t.id"
            " JOIN placement p ON p.page_id = g.id WHERE t.source_id = ? AND t.name = ?)",
            (source.id, tag),
        ).fetchone()
        return bool(found)

    def carried_ids(self, source: SourceRow, tag: str, stack: str) -> set[int]:
        """The ids of all that is placed in a tag of a source for a stack."""
        chosen = {
            stacks_id
            for stacks_id, names in self.db.execute("SELECT id, names FROM stacks")
            if stack in unpack(names)
        }
        rows = self.db.execute(
            "SELECT p.spec_id, p.stacks_id FROM tag t CROSS JOIN page g ON g.tag_id = t.id"
            " CROSS JOIN placement p ON p.page_id = g.id WHERE t.source_id = ? AND t.name = ?",
            (source.id, tag),
        )
        return {spec_id for spec_id, stacks_id in rows if stacks_id in chosen}

    # -- what is there

    def record_index(
        self,
        source: SourceRow,
        statement: StatementRow,
        nodes: Sequence[Node],
        cached: Sequence[str],
        stated: Mapping[str, Stated],
        *,
        baseline: bool,
        signed: Mapping[str, bool] = NOTHING_SIGNED,
    ) -> list[str]:
        """Commit nodes, dependencies first, and that an index has some hashes `cached`.

        `stated` is what was placed in the tag before; `signed` says of which it is known whether their
        manifests are. Returns what there is to warn of.
        """
        warnings: list[str] = []
        flags = BASELINE if baseline or first_pass(source) else 0

        def work() -> None:
            warnings.clear()
            if nodes:
                self._describe_nodes(source, nodes, flags, warnings)
            if cached:
                self._place_cached(source, statement, cached, stated, flags, nodes)
                known = {one: signed[one] for one in cached if one in signed}
                self._note_signatures(source, statement, known)

        self._transact(source, work)
        return warnings

    def _place_cached(
        self,
        source: SourceRow,
        statement: StatementRow,
        cached: Sequence[str],
        stated: Mapping[str, Stated],
        flags: int,
        nodes: Sequence[Node],
    ) -> None:
        ids = self._ids
        packages = {
            node.hash: node.build.package for node in nodes if node.doubt is not Doubt.WRONG
        }
        if len(packages) != len(nodes):
            ids.store_new()
        unknown = [spec_hash for spec_hash in cached if spec_hash not in packages]
        if unknown:
            ids.look_up(unknown)
            packages.update(self.packages_of(unknown))
        pages = {
            package: ids.page(source.id, statement.tag, package, is_page=False)[0]
            for package in sorted({packages[spec_hash] for spec_hash in cached})
        }
        alone = ids.stacks((statement.stack,))
        placements, seq, told = [], self._seq, self._cached.append
        for spec_hash in cached:
            known = ids.specs[spec_hash]
            page_id = pages[packages[spec_hash]]
            before = stated.get(spec_hash)
            if before is not None:
                self._seq = seq
                placements.append((known.id, before.page_id, self._restack(
                    source, before, known, tuple(sorted({*before.stacks, statement.stack})))))  # fmt: skip
                seq = self._seq
                continue
            first = flags
            if not known.placed:
                first |= FLAG
                ids.specs[spec_hash] = known._replace(placed=True)
            placements.append((known.id, page_id, alone))
            seq += 1
            told((seq, page_id, known.id, known.build_id, alone, first))
        self._seq = seq
        placements.sort()
        insert_rows(
            self.db, "placement", "(?, ?, ?)", placements,
            "ON CONFLICT DO UPDATE SET stacks_id = excluded.stacks_id",
        )  # fmt: skip

    def packages_of(self, hashes: Iterable[str]) -> dict[str, str]:
        """The packages of specs that are known, by hash."""
        rows = self.db.execute(
            "SELECT s.hash, b.package FROM json_each(?) j JOIN spec s ON s.hash = j.value"
            " JOIN build b ON b.id = s.build_id",
            (json.dumps(list(hashes)),),
        )
        return dict(rows)

    def _restack(
        self, source: SourceRow, before: Stated, known: KnownSpec, stacks: tuple[str, ...]
    ) -> int:
        """Tell of other stacks of a placement; returns their id."""
        stacks_id = self._ids.stacks(stacks)
        self._change(
            ChangeKind.SPEC_RESTACKED, source.id, page_id=before.page_id, spec=known,
            stacks_id=stacks_id, before_id=self._ids.stacks(before.stacks),
        )  # fmt: skip
        return stacks_id

    # -- how reading went

    def warn(self, source: SourceRow, place: str, warnings: Sequence[str]) -> None:
        """Commit what there is to warn of in what names the mirrors of a source, told under `place`.

        What was told under another place, before the entry of the source changed, is not any more.
        """
        told = dict(
            self.db.execute(
                "SELECT path, warnings FROM location WHERE source_id = ? AND page_id IS NULL"
                " AND state = 0 AND warnings IS NOT NULL"
                " AND path NOT IN (SELECT path FROM statement WHERE source_id = ?)",
                (source.id, source.id),
            )
        )
        wanted = {place: "\n".join(warnings)} if warnings else {}
        if told == wanted:
            return

        def work() -> None:
            self.db.executemany(
                "DELETE FROM location WHERE source_id = ? AND path = ?",
                [(source.id, path) for path in told],
            )
            if warnings:
                self._store(source, place, None, None, LocationState.GOOD, None, None, warnings)

        self._transact(source, work)

    def unchanged(
        self,
        source: SourceRow,
        statement: StatementRow,
        memory: Mapping[str, str] | None,
        *,
        counts: bool,
    ) -> None:
        """Commit that a pass reached the mirror, and its index is as it was; rejected ones stay that.

        Where the pass `counts`, what is absent was absent once more.
        """

        def work() -> None:
            if self._index_state(source, statement) is not LocationState.REJECTED:
                self._reached(statement, memory, counts=counts)

        self._transact(source, work)

    def is_rejected(self, source: SourceRow, statement: StatementRow) -> bool:
        """Whether what an index said last was not accepted."""
        return self._index_state(source, statement) is LocationState.REJECTED

    def reject_index(
        self,
        source: SourceRow,
        statement: StatementRow,
        reason: str,
        memory: Mapping[str, str] | None,
    ) -> None:
        """Commit that an index is not accepted; what it last said when it was good stands."""

        def work() -> None:
            if self._index_state(source, statement) is not LocationState.REJECTED:
                self._index_change(ChangeKind.INDEX_REJECTED, source, statement, reason=reason)
            if memory is not None:
                self.db.execute(
                    "UPDATE statement SET memory = ? WHERE id = ?", (_json(memory), statement.id)
                )
            self._store(
                source, statement.path, None, None, LocationState.REJECTED, reason, None, ()
            )

        self._transact(source, work)

    def _reached(
        self, statement: StatementRow, memory: Mapping[str, str] | None, *, counts: bool = True
    ) -> int:
        (passes,) = self.db.execute(
            "UPDATE statement SET passes = passes + ?, last_success = ?,"
            " memory = coalesce(?, memory) WHERE id = ? RETURNING passes",
            (int(counts), self._at, None if memory is None else _json(memory), statement.id),
        ).fetchone()
        return int(passes)

    def _leave_place(self, source: SourceRow, statement: StatementRow) -> None:
        """Forget the place of an index that lies elsewhere now, or is none of the source any more."""
        (others,) = self.db.execute(
            "SELECT count(*) FROM statement WHERE source_id = ? AND path = ? AND id != ?",
            (source.id, statement.path, statement.id),
        ).fetchone()
        if others:  # it has another tag or stack now
            return
        if self._index_state(source, statement) is LocationState.REJECTED:
            self._index_change(ChangeKind.INDEX_RECOVERED, source, statement)
        self.db.execute(
            "DELETE FROM location WHERE source_id = ? AND path = ?", (source.id, statement.path)
        )

    def _index_state(self, source: SourceRow, statement: StatementRow) -> LocationState:
        row = self.db.execute(
            "SELECT state FROM location WHERE source_id = ? AND path = ?",
            (source.id, statement.path),
        ).fetchone()
        return LocationState.GOOD if row is None else LocationState(row[0])

    def _index_change(
        self, kind: ChangeKind, source: SourceRow, statement: StatementRow, **more: str
    ) -> None:
        detail = {"path": statement.path, "tag": statement.tag, "stack": statement.stack, **more}
        self._change(kind, source.id, flags=first_pass(source), detail=detail)


def _row(row: tuple[Any, ...]) -> StatementRow:
    return StatementRow(*row[:-2], is_new=row[-2] is None, memory=json.loads(row[-1]))  # type: ignore[misc]


def _json(memory: Mapping[str, str]) -> str:
    return json.dumps(dict(memory), sort_keys=True)
