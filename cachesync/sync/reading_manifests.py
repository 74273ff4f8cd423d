"""Recording what spec manifests say: what was read is placed, what stands stands, and the rest has gone.

It differs from an index in this: a manifest that is refused says nothing of the others, and a part of them
may be looked at, which says nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ..ledger.outcomes import StatementRow
from .mirrorsource import Got, Seen
from .reading_index import HASH, Reading, not_too_many

__all__ = ["ManifestReading", "Placed", "is_as_before"]

Placed = Mapping[str, tuple[int, str]]
"""Hash -> id and package, of what a pass looks at."""

_REFUSED = "manifest refused: "


def is_as_before(
    seen: Seen, known: StatementRow, warnings: Iterable[str], *, is_part: bool
) -> bool:
    """Whether manifests say what they said when they were recorded last."""
    if seen.is_news or known.is_new or seen.failure is not None:
        return False
    if is_part:  # what was refused is read again by each whole pass
        is_well = not seen.refused and not seen.notes
        return is_well and not any(one.startswith(_REFUSED) for one in warnings)
    return seen.checksum == known.checksum


class ManifestReading(Reading):
    """Recording the manifests of one mirror, or of some of its packages."""

    def record_manifests(
        self,
        seen: Seen,
        placed: Placed,
        warnings: Sequence[str],
        *,
        scope: Collection[str] | None,
    ) -> None:
        """Commit what was read of the packages in `scope`, and what is not there any more.

        `warnings` are those of before.
        """
        self._seen = seen
        self._signed = seen.signed
        self._scope = scope
        self._is_part = scope is not None
        self._before = warnings
        self._standing = {placed[one][0] for one in seen.standing}
        self._gone = placed.keys() - set(seen.standing)
        self._looked_at = {spec_id for spec_id, _ in placed.values()}
        for one in seen.read:
            if (record := self._records.get(one)) is not None:
                record.cached = True
        self._refused += seen.refused
        self._total = 0  # whether one is good says nothing of the others, so nothing waits for them
        self.record(seen)

    def _garbage(self) -> str | None:
        return None

    def _conclude(self, got: Got, refused: set[str]) -> None:
        if self._seen.failure is not None:  # what was added is true; what left a good look says
            return
        self._writer.conclude(
            self._row, self._known, memory=got.memory, absent=self._absent(refused),
            checksum=self._known.checksum or "" if self._is_part else got.checksum,
            warnings=self._all_warnings(), base=self._base, signed=self._signed,
        )  # fmt: skip

    def _absent(self, refused: set[str]) -> list[int]:
        # A manifest that is refused is no record: its spec is not there, whoever depends on it.
        absent = set(super()._absent(refused - {one.hash for one in self._seen.refused}))
        absent -= self._standing
        if self._is_part:
            absent |= self._writer.leaving_ids(self._known) - self._looked_at
        return sorted(absent)

    def _all_warnings(self) -> list[str]:
        """Those of before too, of what was not read now."""
        kept = [one for one in self._before if self._is_kept(one)]
        of_manifests = set(self._seen.refused)
        found = [
            *kept,
            *self._warnings,
            *(f"{_REFUSED}{one.reason}" for one in self._seen.refused),
            *(f"refused: {one.reason}" for one in self._refused if one not in of_manifests),
            *self._seen.notes,
        ]
        return not_too_many(dict.fromkeys(found))

    def _is_kept(self, warning: str) -> bool:
        found = HASH.search(warning)
        if found is None:  # of a directory
            return self._scope is not None and warning.partition(":")[0] not in self._scope
        if warning.startswith(_REFUSED):  # what is looked at was read again
            return self._scope is not None and not any(
                f"/{package}/" in warning for package in self._scope
            )
        return found[0] not in self._records and found[0] not in self._gone
