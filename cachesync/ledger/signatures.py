"""Whether the manifests of placed specs are signed, of mirrors where that was seen; nothing is verified.

What a mirror has is no part of the change log: it is as it was when the manifest was read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from .nodes import NodeWriter
from .outcomes import SourceRow, StatementRow

__all__ = ["NOTHING_SIGNED", "SignatureWriter"]

NOTHING_SIGNED: Mapping[str, bool] = {}
"""Where nobody knows."""


class SignatureWriter(NodeWriter):
    """Records signatures, in the transactions of others."""

    def signature_ids(
        self, statement: StatementRow, among: Collection[int] | None = None
    ) -> set[int]:
        """The ids of the specs in a mirror, or of those `among` them, of which it is known."""
        only = "" if among is None else " AND spec_id IN (SELECT value FROM json_each(?))"
        chosen = () if among is None else (json.dumps(list(among)),)
        rows = self.db.execute(
            f"SELECT spec_id FROM signature WHERE statement_id = ?{only}", (statement.id, *chosen)
        )
        return {spec_id for (spec_id,) in rows}

    def _note_signatures(
        self, source: SourceRow, statement: StatementRow, signed: Mapping[str, bool]
    ) -> None:
        """Note of some hashes, by whether they are signed; of those that are placed."""
        if not signed:
            return
        self._ids.store_new()
        self.db.execute(
            "INSERT INTO signature SELECT ?1, s.id, j.value FROM json_each(?2) j"
            " CROSS JOIN spec s ON s.hash = j.key WHERE EXISTS (SELECT 1 FROM placement p"
            "  JOIN page g ON g.id = p.page_id JOIN tag t ON t.id = g.tag_id"
            "  WHERE p.spec_id = s.id AND t.source_id = ?3 AND t.name = ?4)"
            " ON CONFLICT DO UPDATE SET signed = excluded.signed",
            (statement.id, json.dumps(dict(signed)), source.id, statement.tag),
        )

    def _forget_signatures(self, statement: StatementRow) -> None:
        self.db.execute("DELETE FROM signature WHERE statement_id = ?", (statement.id,))
