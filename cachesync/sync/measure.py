"""What the guard measures the removals of a pass over mirrors against: what was there before they began."""

from __future__ import annotations

from .. import diff
from ..ledger.outcomes import Base, SourceRow
from ..ledger.write import Writer

__all__ = ["Measure"]


class Measure:
    """That of one pass, kept in the ledger while removals are under way that may be cut off."""

    def __init__(
        self, writer: Writer, row: SourceRow, guard: diff.Guard, since: int | None
    ) -> None:
        self._writer = writer
        self._row = row
        self._guard = guard
        self._since = since
        self._before = writer.base(row)
        self._begun_with: Base | None = None
        self.is_kept = self._before is not None
        """Whether the next pass will measure against it as well."""

    def base(self) -> Base:
        """What was there when the pass began, which is first asked before anything is recorded."""
        if self._begun_with is None:
            now = Base(self._writer.placed_count(self._row), self._since)
            self._begun_with = now.earlier(self._before)
        return self._begun_with

    def keep(self) -> None:
        """Commit it for the next pass, if this one is cut off."""
        base = self.base()
        if base.size and not self.is_kept:
            self.is_kept = True
            self._writer.keep_base(self._row, base)

    def drop(self) -> None:
        """Have nothing kept that this pass kept: nothing waits to be removed."""
        if self.is_kept and self._before is None:
            self._writer.drop_base(self._row)

    def judge(self, leaving: int, settle: int) -> tuple[bool, int]:
        """Whether the guard holds so many specs, and how many went before; additions count for nothing."""
        base, gone = self.base(), 0
        if base.since is not None:
            gone = self._writer.evicted_since(self._row, base.since)
        if leaving + gone > self._guard.removal_minimum:
            least = self._writer.least_base(self._row, settle)
            base = base._replace(size=min(base.size, base.size if least is None else least))
        self._begun_with = base
        size = max(base.size, leaving) + gone
        return self._guard.holds(retiring=leaving + gone, pages=size), gone
