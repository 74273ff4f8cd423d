"""The one writer: what a pass found becomes rows and changes, a transaction a chunk.

A pass adds first (`Writer.record`) and removes last (`Writer.retire`), so a binary that moves is
never reported as gone. Whatever is committed is true by itself: a pass cut off between two chunks
is finished by the next one, which finds the rest by comparing, and writes the same changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..model import ChangeKind
from .known import Known
from .leaving import LeavingWriter
from .outcomes import Leaving, Same, SourceRow
from .pages import PageWriter

__all__ = ["Writer"]


class Writer(PageWriter, LeavingWriter, Known):
    """Writes to an open ledger; the caller holds the writer's lock."""

    def evict(self, source: SourceRow, leaving: Mapping[int, Leaving]) -> None:
        """Commit that some specs left pages that stay, in the order given, and the pages' signatures.

        From now on the pages are up to date: until now a pass cut off would have read them again.
        """

        def work() -> None:
            remaining = self._placement_counts(s for left in leaving.values() for s in left.specs)
            for page_id, left in leaving.items():
                self._evict(source, page_id, left.specs, remaining)
            self.db.executemany(
                "UPDATE location SET signature = ?, digest = ? WHERE source_id = ? AND path = ?",
                [(g.signature, g.digest, source.id, g.path) for g, _ in leaving.values()],
            )

        self._transact(source, work)

    def retire(self, source: SourceRow, pages: Sequence[int]) -> None:
        """Commit that some pages are gone with all they listed, in the order given."""

        def work() -> None:
            listed = {page_id: self._listed(page_id) for page_id in pages}
            remaining = self._placement_counts(s for specs in listed.values() for s in specs)
            for page_id, specs in listed.items():
                self._evict(source, page_id, specs, remaining)
                self._leave(source, page_id)

        self._transact(source, work)

    def _leave(self, source: SourceRow, page_id: int) -> None:
        """A page is there no longer."""
        row = self.db.execute(
            "DELETE FROM location WHERE page_id = ? RETURNING path", (page_id,)
        ).fetchone()
        self.db.execute("UPDATE page SET present = 0 WHERE id = ?", (page_id,))
        detail = {"path": row[0]} if row is not None else None
        self._change(ChangeKind.PAGE_REMOVED, source.id, page_id=page_id, detail=detail)

    def drop_locations(self, source: SourceRow, paths: Iterable[str]) -> None:
        """Commit that nothing lies any more where something was rejected or skipped."""
        self._transact(source, lambda: self._drop_locations(source, paths))

    def _drop_locations(self, source: SourceRow, paths: Iterable[str]) -> None:
        for path in paths:
            self._learn_states(source, [Same(path, None)])
            self._recovered(source, path, None)
            self.db.execute(
                "DELETE FROM location WHERE source_id = ? AND path = ?", (source.id, path)
            )

    def has_pages(self, source: SourceRow) -> bool:
        """Whether a source of cache indexes had pages before, which are not dropped yet."""
        (found,) = self.db.execute(
            "SELECT EXISTS (SELECT 1 FROM location WHERE source_id = ?1"
            " AND path NOT IN (SELECT path FROM statement WHERE source_id = ?1))",
            (source.id,),
        ).fetchone()
        return bool(found)

    def drop_pages(self, source: SourceRow) -> None:
        """Commit that a source has cache indexes and no pages any more; what those placed stays."""

        def work() -> None:
            pages = self.present_pages(source)
            for page_id in sorted(pages, key=pages.get):  # type: ignore[arg-type]
                self._leave(source, page_id)
            self._drop_locations(source, list(self.locations(source)))
            self._remember(source, {})

        self._transact(source, work)

    def forget(self, source: SourceRow) -> None:
        """Commit that a source is gone with everything it listed; the change log keeps saying so."""

        def work() -> None:
            pages = self.present_pages(source)
            listed = {page_id: self._listed(page_id) for page_id in sorted(pages, key=pages.get)}  # type: ignore[arg-type]
            remaining = self._placement_counts(s for specs in listed.values() for s in specs)
            for page_id, specs in listed.items():
                self._evict(source, page_id, specs, remaining)
                self._change(ChangeKind.PAGE_REMOVED, source.id, page_id=page_id)
            self._forget_statements(source)
            self.db.execute(
                "UPDATE page SET present = 0 WHERE tag_id IN (SELECT id FROM tag WHERE source_id = ?)",
                (source.id,),
            )
            self.db.execute("DELETE FROM location WHERE source_id = ?", (source.id,))
            self._remember(source, {})
            self._drop_base(source.id)
            self.db.execute(
                "UPDATE source SET forgotten = 1, selection = NULL, error = NULL,"
                " last_success = NULL WHERE id = ?",
                (source.id,),
            )

        self._transact(source, work)

    def _listed(self, page_id: int) -> list[int]:
        rows = self.db.execute(
            "SELECT p.spec_id FROM placement p JOIN spec s ON s.id = p.spec_id WHERE p.page_id = ?"
            " ORDER BY s.hash",
            (page_id,),
        )
        return [spec_id for (spec_id,) in rows]
