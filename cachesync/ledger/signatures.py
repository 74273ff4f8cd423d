"""Whether the manifests of placed specs are signed, of mirrors where that was seen; nothing is verified.

What a mirror has is no part of the change log: it is as it was when the manifest was read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from .nodes import NodeWriter
from .outcomes import SourceRow, StatementRow

__all__ = ["NOTHING_SIGNED", "SignatureWriter"]

NOTHING_SIGNED: Mapping[str, bool] = {}
"""Where nobody knows."""


class SignatureWriter(NodeWriter):
    """Records signatures, in the transactions of others."""

    def signature_ids(self, statement: StatementRow) -> set[int]:
        """The ids of the specs in a mirror of which it is known whether they are signed."""
        rows = self.db.execute(
            "SELECT spec_id FROM signature WHERE statement_id = ?", (statement.id,)
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
