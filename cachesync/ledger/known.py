"""What a pass compares with: where pages lie, and which are there. Asked of the writer's connection."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ..model import ChangeKind, LocationState
from . import read
from .outcomes import KnownLocation, SourceRow
from .transaction import Transactions

__all__ = ["Known"]

_STATES = tuple(sorted(LocationState))


class Known(Transactions):
    """Answers what is known of a source's pages."""

    def locations(
        self, source: SourceRow, scope: Collection[str] | None = None
    ) -> dict[str, KnownLocation]:
        """Everything known of where the source's pages lie; `scope` names top directories only."""
        select = (
            "SELECT path, signature, digest, state, page_id FROM location WHERE source_id = ?1"
            " AND path NOT IN (SELECT path FROM statement WHERE source_id = ?1)"
        )
        rows: Iterable[tuple[Any, ...]]
        if scope is None:
            rows = self.db.execute(select, (source.id,))
        else:
            below = f"{select} AND path >= ?2 AND path < ?3"  # 0 comes after /
            rows = itertools.chain.from_iterable(
                self.db.execute(below, (source.id, f"{top}/", f"{top}0")) for top in sorted(scope)
            )
        return _known(rows)

    def rejected(self, source: SourceRow) -> int:
        """How many of the source's pages are rejected now."""
        (count,) = self.db.execute(
            "SELECT count(*) FROM location WHERE source_id = ? AND state = 1 AND state != 0",
            (source.id,),
        ).fetchone()
        return int(count)

    def rejections(self, source: SourceRow) -> dict[str, str]:
        """Why each of them is, by its path."""
        rows = self.db.execute(
            "SELECT path, reason FROM location WHERE source_id = ? AND state = 1 AND state != 0"
            " ORDER BY path",
            (source.id,),
        )
        return dict(rows)

    def gone_since(self, source: SourceRow, seq: int) -> int:
        """How many pages of the source left after a change and are not back."""
        (count,) = self.db.execute(
            "SELECT count(DISTINCT c.page_id) FROM change c JOIN page g ON g.id = c.page_id"
            " WHERE c.seq > ? AND c.kind = ? AND c.source_id = ? AND NOT g.present",
            (seq, int(ChangeKind.PAGE_REMOVED), source.id),
        ).fetchone()
        return int(count)

    def skipped(self, source: SourceRow) -> int:
        """How many of the source's pages are passed over now."""
        (count,) = self.db.execute(
            "SELECT count(*) FROM location WHERE source_id = ? AND state = 2 AND state != 0",
            (source.id,),
        ).fetchone()
        return int(count)

    def locations_at(self, source: SourceRow, paths: Sequence[str]) -> dict[str, KnownLocation]:
        """What is known of some paths now."""
        rows = self.db.execute(
            "SELECT path, signature, digest, state, page_id FROM location WHERE source_id = ?"
            " AND path IN (SELECT value FROM json_each(?))",
            (source.id, json.dumps(paths)),
        )
        return _known(rows)

    def page_count(self, source: SourceRow) -> int:
        """How many pages the source has now."""
        (count,) = self.db.execute(
            "SELECT count(*) FROM tag t JOIN page p ON p.tag_id = t.id"
            " WHERE t.source_id = ? AND p.present",
            (source.id,),
        ).fetchone()
        return int(count)

    def present_pages(
        self, source: SourceRow, among: Iterable[int] | None = None
    ) -> dict[int, tuple[str, str]]:
        """The pages the source has now, or those `among` some: id -> tag and package."""
        chosen = "" if among is None else " AND p.id IN (SELECT value FROM json_each(?))"
        rows = self.db.execute(
            "SELECT p.id, t.name, p.package FROM tag t JOIN page p ON p.tag_id = t.id"
            f" WHERE t.source_id = ? AND p.present{chosen}",
            (source.id,) if among is None else (source.id, read.id_list(among)),
        )
        return {page_id: (tag, package) for page_id, tag, package in rows}


def _known(rows: Iterable[tuple[Any, ...]]) -> dict[str, KnownLocation]:
    return {
        path: KnownLocation(signature, digest, _STATES[state], page_id)
        for path, signature, digest, state, page_id in rows
    }
