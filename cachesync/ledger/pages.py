"""What was found at the places of pages, recorded: pages, specs, placements, and their changes.

Nothing is removed here; see `write`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from .. import diff
from ..model import Build, ChangeKind, LocationState, Page
from .ids import KnownSpec, insert_rows
from .nodes import NodeWriter
from .outcomes import Good, Leaving, Outcome, Rejected, Same, Skipped, SourceRow
from .transaction import BASELINE, FLAG, first_pass

__all__ = ["PageWriter"]

_UNKNOWN = (LocationState.GOOD, None)


class PageWriter(NodeWriter):
    """Records what is there."""

    def record(
        self, source: SourceRow, outcomes: Sequence[Outcome], *, stands: Callable[[str], bool]
    ) -> dict[int, Leaving]:
        """Commit what was found at some paths, in the order given; nothing is removed yet.

        `stands(path)` says whether the source still has something at a path. Returns what
        the pages no longer list, by page id, for `evict` and `settle`.
        """
        leaving: dict[int, Leaving] = {}

        def work() -> None:
            self._learn_states(source, outcomes)
            self._ids.look_up(
                spec_hash for o in outcomes if isinstance(o, Good) for spec_hash in o.page.specs
            )
            placements: list[tuple[int, int, int]] = []
            for outcome in outcomes:
                if isinstance(outcome, Good):
                    self._good(source, outcome, stands, placements, leaving)
                elif isinstance(outcome, Same):
                    self.db.execute(
                        "UPDATE location SET signature = ? WHERE source_id = ? AND path = ?",
                        (outcome.signature, source.id, outcome.path),
                    )
                else:
                    self._not_good(source, outcome)
            placements.sort()
            insert_rows(
                self.db, "placement", "(?, ?, ?)", placements,
                "ON CONFLICT DO UPDATE SET stacks_id = excluded.stacks_id",
            )  # fmt: skip
            self._name_compilers(source)

        self._transact(source, work)
        return leaving

    def _good(
        self,
        source: SourceRow,
        good: Good,
        stands: Callable[[str], bool],
        placements: list[tuple[int, int, int]],
        leaving: dict[int, Leaving],
    ) -> None:
        page_id, new = self._ids.page(source.id, good.page.tag, good.page.package)
        if not new and not self._take_over(source, good, page_id, stands):
            return
        baseline = source.selection is None or not source.selection.admits(
            good.page.tag, good.page.package
        )
        flags = BASELINE if baseline else 0
        self._recovered(source, good.path, page_id)
        if not new:
            appears = self.db.execute(
                "UPDATE page SET present = 1 WHERE id = ? AND NOT present", (page_id,)
            ).rowcount
        if new or appears:
            self._change(
                ChangeKind.PAGE_ADDED, source.id, page_id=page_id, flags=flags,
                detail=_path_detail(good),
            )  # fmt: skip
        warnings = list(good.warnings)
        gone = self._specs(source, good.page, page_id, new, flags, placements, warnings)
        # Until what left is gone too, the signature stays unknown: a pass cut off here is resumed.
        self._store(
            source, good.path, None if gone else good.signature, None if gone else good.digest,
            LocationState.GOOD, None, page_id, warnings,
        )  # fmt: skip
        if gone:
            leaving[page_id] = Leaving(good, gone)

    def _specs(
        self,
        source: SourceRow,
        page: Page,
        page_id: int,
        new: bool,  # noqa: FBT001
        flags: int,
        placements: list[tuple[int, int, int]],
        warnings: list[str],
    ) -> list[int]:
        """Place what the page lists; returns the ids of the specs it no longer lists."""
        stacks_id = self._ids.stacks
        prior: dict[str, int] = {}
        prior_ids: dict[str, int] = {}
        if new:
            self._place(source, page, page_id, sorted(page.specs), flags, placements, warnings)
            return []
        for spec_hash, spec_id, stacks in self.db.execute(
            "SELECT s.hash, s.id, p.stacks_id FROM placement p JOIN spec s ON s.id = p.spec_id"
            " WHERE p.page_id = ?",
            (page_id,),
        ):
            prior[spec_hash], prior_ids[spec_hash] = stacks, spec_id
        observed = {h: stacks_id(stacks) for h, (_, stacks) in page.specs.items()}
        difference = diff.compare(prior, observed)
        for spec_hash in sorted(prior.keys() & page.specs.keys()):
            known, build = self._ids.spec(spec_hash), page.specs[spec_hash][0]
            if known is not None and known.build_id != self._ids.build(build):
                self._describe(source, page_id, spec_hash, build, warnings)
        self._place(source, page, page_id, difference.added, flags, placements, warnings)
        for spec_hash in difference.restacked:
            known = self._ids.spec(spec_hash)
            assert known is not None, "a placed spec is known"
            placements.append((known.id, page_id, observed[spec_hash]))
            self._change(
                ChangeKind.SPEC_RESTACKED, source.id, page_id=page_id, spec=known,
                stacks_id=observed[spec_hash], before_id=prior[spec_hash],
            )  # fmt: skip
        return [prior_ids[spec_hash] for spec_hash in difference.removed]

    def _place(
        self,
        source: SourceRow,
        page: Page,
        page_id: int,
        added: Sequence[str],
        flags: int,
        placements: list[tuple[int, int, int]],
        warnings: list[str],
    ) -> None:
        """Place specs in a page that did not have them. The innermost loop of a first import."""
        ids, seq, listed = self._ids, self._seq, page.specs
        known_as, listed_ids, learn = ids.specs.get, ids.listed_ids.get, ids.learn
        cached, place = self._cached.append, placements.append
        for spec_hash in added:
            pair = listed[spec_hash]
            _, build_id, stacks_id = listed_ids(id(pair)) or learn(pair)
            known = known_as(spec_hash)
            first = flags
            if known is None:
                known = ids.add_spec(spec_hash, build_id)
                first |= FLAG
            else:
                if known.build_id != build_id:
                    self._seq = seq
                    known = self._describe(source, page_id, spec_hash, pair[0], warnings)
                    seq = self._seq
                if not known.placed:
                    known = known._replace(placed=True)
                    ids.update_spec(spec_hash, known)
                    first |= FLAG
            place((known.id, page_id, stacks_id))
            seq += 1
            cached((seq, page_id, known.id, known.build_id, stacks_id, first))
        self._seq = seq
        if page.package in ids.bare_compilers():
            for spec_hash in added:
                self._call(spec_hash, page.package)

    def _describe(
        self, source: SourceRow, page_id: int, spec_hash: str, seen: Build, warnings: list[str]
    ) -> KnownSpec:
        """A page describes a known hash differently: keep the more specific, and warn."""
        known = self._ids.spec(spec_hash)
        assert known is not None, "only a known hash can be described differently"
        build = self._ids.build_of(known.build_id)
        kept = diff.reconcile(build, seen)
        # An index knows more than a page: what does not contradict it is no difference.
        fields = diff.differing if known.node_id is None else diff.contradicting
        told = _difference(build, seen, kept, fields(build, seen))
        if told:
            warnings.append(f"spec /{spec_hash}: {told}")
        if kept == build:
            return known
        refined = known._replace(build_id=self._ids.build(kept))
        self._ids.update_spec(spec_hash, refined)
        self.db.execute("UPDATE spec SET build_id = ? WHERE id = ?", (refined.build_id, known.id))
        self._change(
            ChangeKind.SPEC_REFINED, source.id, page_id=page_id, spec=refined,
            before_id=known.build_id, flags=first_pass(source),
        )  # fmt: skip
        return refined

    def _take_over(
        self,
        source: SourceRow,
        good: Good,
        page_id: int,
        stands: Callable[[str], bool],
    ) -> bool:
        """Settle two paths that claim one page; true when `good` is the one that stands."""
        # The other path may be of this very chunk, and so may the page.
        self._ids.store_new()
        self._store_located()
        row = self.db.execute(
            "SELECT path FROM location WHERE page_id = ? AND path != ?", (page_id, good.path)
        ).fetchone()
        if row is None:
            return True
        owner: str = row[0]
        if not stands(owner):  # the page moved: same page, another place
            self._learn_states(source, [Same(owner, None)])
            self._recovered(source, owner, page_id)
            self.db.execute(
                "DELETE FROM location WHERE source_id = ? AND path = ?", (source.id, owner)
            )
            return True
        first = diff.first_by_path((owner, good.path))
        claim = f"claims tag {good.page.tag} and package {good.page.package} as {first} does"
        if first == owner:
            self._not_good(source, Rejected(good.path, None, None, claim))
            return False
        self.db.execute(
            "UPDATE location SET page_id = NULL WHERE source_id = ? AND path = ?",
            (source.id, owner),
        )
        state = self.db.execute(
            "SELECT state FROM location WHERE source_id = ? AND path = ?", (source.id, owner)
        ).fetchone()[0]
        self._states[owner] = (state, None)
        self._not_good(source, Rejected(owner, None, None, claim))
        return True

    def _not_good(self, source: SourceRow, outcome: Rejected | Skipped) -> None:
        before, page_id = self._states.get(outcome.path, _UNKNOWN)
        state, reason = LocationState.REJECTED, outcome.reason
        if isinstance(outcome, Skipped):
            if page_id is None:
                state = LocationState.SKIPPED
            else:
                reason = f"{reason}; what it listed before stands"
        if state is LocationState.REJECTED and before != LocationState.REJECTED:
            self._change(
                ChangeKind.PAGE_REJECTED, source.id, page_id=page_id, flags=first_pass(source),
                detail={"path": outcome.path, "reason": reason},
            )  # fmt: skip
        elif state is not LocationState.REJECTED:
            self._recovered(source, outcome.path, page_id)
        self._store(
            source, outcome.path, outcome.signature, outcome.digest, state, reason, page_id, ()
        )

    def _learn_states(self, source: SourceRow, outcomes: Iterable[Outcome]) -> None:
        rows = self.db.execute(
            "SELECT path, state, page_id FROM location WHERE source_id = ?"
            " AND path IN (SELECT value FROM json_each(?))",
            (source.id, json.dumps([outcome.path for outcome in outcomes])),
        )
        self._states.update((path, (state, page_id)) for path, state, page_id in rows)

    def _recovered(self, source: SourceRow, path: str, page_id: int | None) -> None:
        if self._states.get(path, _UNKNOWN)[0] == LocationState.REJECTED:
            self._change(
                ChangeKind.PAGE_RECOVERED, source.id, page_id=page_id, detail={"path": path}
            )


def _path_detail(good: Good) -> dict[str, str] | None:
    """The path, unless it is what the tag and the package say anyway."""
    if good.path == f"{good.page.tag}/{good.page.package}/specs.md":
        return None
    return {"path": good.path}


def _difference(known: Build, seen: Build, kept: Build, fields: Iterable[str]) -> str:
    """What two pages say differently of one spec; nothing where they mean the same."""
    return "; ".join(
        f"{field}: this page says {getattr(seen, field)!a}, another says {getattr(known, field)!a};"
        f" {getattr(kept, field)!a} is kept"
        for field in fields
    )
