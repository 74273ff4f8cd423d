"""The one writer: what a pass found becomes rows and changes, a transaction a chunk.

A pass adds first (`Writer.record`) and removes last (`Writer.retire`), so a binary that moves is
never reported as gone. Whatever is committed is true by itself: a pass cut off between two chunks
is finished by the next one, which finds the rest by comparing, and writes the same changes.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .. import diff
from ..model import Build, ChangeKind, LocationState, Page, SourceState
from . import read
from .ids import Ids, KnownSpec, insert_rows

__all__ = [
    "Good",
    "KnownLocation",
    "Leaving",
    "Outcome",
    "Rejected",
    "Same",
    "Skipped",
    "SourceRow",
    "Writer",
]

FLAG = 1  # first of spec.cached, last of spec.evicted
BASELINE = 2
_STATES = tuple(sorted(LocationState))
_UNKNOWN = (LocationState.GOOD, None)


class Good(NamedTuple):
    """A page that was read and parsed."""

    path: str
    signature: str | None
    digest: bytes
    page: Page
    warnings: tuple[str, ...]


class Same(NamedTuple):
    """A page whose bytes are those already recorded; only its signature is new."""

    path: str
    signature: str | None


class Rejected(NamedTuple):
    """A page that is not accepted; what it last said when it was good stands."""

    path: str
    signature: str | None
    digest: bytes | None
    reason: str


class Skipped(NamedTuple):
    """A page that is recognised and passed over."""

    path: str
    signature: str | None
    digest: bytes | None
    reason: str


class Leaving(NamedTuple):
    """A page that was recorded and no longer lists some specs, which are still placed in it."""

    good: Good
    specs: list[int]


Outcome = Good | Same | Rejected | Skipped


class KnownLocation(NamedTuple):
    """What the ledger knows of a place where a page lies, or lay."""

    signature: str | None
    digest: bytes | None
    state: LocationState
    page_id: int | None


class SourceRow(NamedTuple):
    """What the ledger knows of a source."""

    id: int
    name: str
    type: str
    location: str
    configured: bool
    state: SourceState
    selection: diff.Selection | None
    """The globs of the last complete pass; None when there was none."""


class Writer:
    """Writes to an open ledger; the caller holds the writer's lock."""

    def __init__(self, db: sqlite3.Connection, *, clock: Callable[[], int]) -> None:
        self.db = db
        self._clock = clock
        self._ids = Ids(db)
        self._seq = read.last_seq(db)
        self._at = 0
        self._changes: list[tuple[Any, ...]] = []
        self._cached: list[tuple[int, ...]] = []
        self._located: list[tuple[Any, ...]] = []
        self._states: dict[str, tuple[int, int | None]] = {}

    # -- transactions

    def _transact(self, source: SourceRow | None, work: Callable[[], None]) -> None:
        """Run `work` and commit it with the changes it reported, or leave no trace of it."""
        self._at = self._clock()
        seq = self._seq
        self.db.execute("BEGIN IMMEDIATE")
        try:
            work()
            self._ids.store_new()
            self._store_located()
            self._store_changes(0 if source is None else source.id)
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            self._ids.forget(only_when_large=False)
            self._seq = seq
            raise
        finally:
            self._changes, self._cached, self._located = [], [], []
            self._states = {}
        self._ids.forget()

    def _store_changes(self, source_id: int) -> None:
        every = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        insert_rows(self.db, "change", every, self._changes)
        # Nearly all changes of a first import are of one kind: they bind only what differs.
        cached = f"(?, {self._at}, {int(ChangeKind.SPEC_CACHED)}, {source_id}, ?, ?, ?, ?, NULL, ?, NULL)"
        insert_rows(self.db, "change", cached, self._cached)

    def _change(
        self,
        kind: ChangeKind,
        source_id: int,
        *,
        page_id: int | None = None,
        spec: KnownSpec | None = None,
        stacks_id: int | None = None,
        before_id: int | None = None,
        flags: int = 0,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        spec_id, build_id = (spec.id, spec.build_id) if spec is not None else (None, None)
        text = json.dumps(detail, sort_keys=True) if detail is not None else None
        self._seq += 1
        self._changes.append(
            (self._seq, self._at, kind, source_id, page_id, spec_id, build_id, stacks_id, before_id,
             flags, text)
        )  # fmt: skip

    # -- sources

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
            self.db.execute(
                "INSERT INTO source (name, type, location, configured, interval, state)"
                " VALUES (?, ?, ?, ?, ?, 'never')"
                " ON CONFLICT (name) DO UPDATE SET type = excluded.type,"
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

    @property
    def seq(self) -> int:
        """The number of the last change that was made."""
        return self._seq

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

    def hold(self, source: SourceRow, error: str) -> None:
        """Record a pass whose removals were held by the guard."""
        self._end(source, SourceState.HELD, error, ChangeKind.SOURCE_HELD)

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
        self, source: SourceRow, selection: diff.Selection, memory: Mapping[str, str] | None = None
    ) -> None:
        """Record a complete pass under `selection`."""

        def work() -> None:
            if self._state(source) in (SourceState.FAILED, SourceState.HELD):
                self._change(ChangeKind.SOURCE_RECOVERED, source.id)
            self.db.execute(
                "UPDATE source SET state = 'ok', error = NULL, last_attempt = ?, last_success = ?,"
                " selection = ? WHERE id = ?",
                (self._at, self._at, json.dumps(selection), source.id),
            )
            self._remember(source, memory)

        self._transact(source, work)

    def _end(
        self,
        source: SourceRow,
        state: SourceState,
        error: str,
        kind: ChangeKind,
        memory: Mapping[str, str] | None = None,
    ) -> None:
        def work() -> None:
            self._remember(source, memory)
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

    # -- pages

    def locations(
        self, source: SourceRow, scope: Collection[str] | None = None
    ) -> dict[str, KnownLocation]:
        """Everything known of where the source's pages lie; `scope` names top directories only."""
        select = "SELECT path, signature, digest, state, page_id FROM location WHERE source_id = ?"
        rows: Iterable[tuple[Any, ...]]
        if scope is None:
            rows = self.db.execute(select, (source.id,))
        else:
            below = f"{select} AND path >= ? AND path < ?"  # 0 comes after /
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
        added: Iterable[str],
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

    def _describe(
        self, source: SourceRow, page_id: int, spec_hash: str, seen: Build, warnings: list[str]
    ) -> KnownSpec:
        """A page describes a known hash differently: keep the more specific, and warn."""
        known = self._ids.spec(spec_hash)
        assert known is not None, "only a known hash can be described differently"
        build = self._ids.build_of(known.build_id)
        kept = diff.reconcile(build, seen)
        warnings.append(f"spec /{spec_hash}: {_difference(build, seen, kept)}")
        if kept == build:
            return known
        refined = known._replace(build_id=self._ids.build(kept))
        self._ids.update_spec(spec_hash, refined)
        self.db.execute("UPDATE spec SET build_id = ? WHERE id = ?", (refined.build_id, known.id))
        self._change(
            ChangeKind.SPEC_REFINED, source.id, page_id=page_id, spec=refined,
            before_id=known.build_id, flags=_first_pass(source),
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
                ChangeKind.PAGE_REJECTED, source.id, page_id=page_id, flags=_first_pass(source),
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

    def _store_located(self) -> None:
        # Several rows may be about one page: who loses it comes before who gets it.
        self._located.sort(key=lambda row: row[-1] is not None)
        insert_rows(
            self.db, "location", "(?, ?, ?, ?, ?, ?, ?, ?, ?)", self._located,
            "ON CONFLICT (source_id, path) DO UPDATE SET signature = excluded.signature,"
            " digest = excluded.digest, since = CASE WHEN state = excluded.state THEN since"
            " ELSE excluded.since END, state = excluded.state, reason = excluded.reason,"
            " warnings = excluded.warnings, page_id = excluded.page_id",
        )  # fmt: skip
        self._located = []

    # -- leaving

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
                row = self.db.execute(
                    "DELETE FROM location WHERE page_id = ? RETURNING path", (page_id,)
                ).fetchone()
                self.db.execute("UPDATE page SET present = 0 WHERE id = ?", (page_id,))
                detail = {"path": row[0]} if row is not None else None
                self._change(ChangeKind.PAGE_REMOVED, source.id, page_id=page_id, detail=detail)

        self._transact(source, work)

    def drop_locations(self, source: SourceRow, paths: Iterable[str]) -> None:
        """Commit that nothing lies any more where something was rejected or skipped."""

        def work() -> None:
            for path in paths:
                self._learn_states(source, [Same(path, None)])
                self._recovered(source, path, None)
                self.db.execute(
                    "DELETE FROM location WHERE source_id = ? AND path = ?", (source.id, path)
                )

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
            self.db.execute(
                "UPDATE page SET present = 0 WHERE tag_id IN (SELECT id FROM tag WHERE source_id = ?)",
                (source.id,),
            )
            self.db.execute("DELETE FROM location WHERE source_id = ?", (source.id,))
            self._remember(source, {})
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
            stacks, spec_hash, build = self.db.execute(
                "SELECT p.stacks_id, s.hash, s.build_id FROM placement p"
                " JOIN spec s ON s.id = p.spec_id WHERE p.spec_id = ? AND p.page_id = ?",
                (spec_id, page_id),
            ).fetchone()
            remaining[spec_id] -= 1
            last = remaining[spec_id] == 0
            known = KnownSpec(spec_id, build, not last)
            self._ids.update_spec(spec_hash, known)
            self._change(
                ChangeKind.SPEC_EVICTED, source.id, page_id=page_id, spec=known, stacks_id=stacks,
                flags=FLAG if last else 0,
            )  # fmt: skip
        self.db.executemany(
            "DELETE FROM placement WHERE spec_id = ? AND page_id = ?",
            [(spec_id, page_id) for spec_id in specs],
        )


def _known(rows: Iterable[tuple[Any, ...]]) -> dict[str, KnownLocation]:
    return {
        path: KnownLocation(signature, digest, _STATES[state], page_id)
        for path, signature, digest, state, page_id in rows
    }


def _first_pass(source: SourceRow) -> int:
    """The flags of what a source's first complete pass finds: a baseline is not news."""
    return BASELINE if source.selection is None else 0


def _path_detail(good: Good) -> dict[str, str] | None:
    """The path, unless it is what the tag and the package say anyway."""
    if good.path == f"{good.page.tag}/{good.page.package}/specs.md":
        return None
    return {"path": good.path}


def _selection(text: str | None) -> diff.Selection | None:
    if text is None:
        return None
    tags, packages = json.loads(text)
    return diff.Selection(tuple(tags), tuple(packages))


def _difference(known: Build, seen: Build, kept: Build) -> str:
    return "; ".join(
        f"{field}: this page says {new!a}, another says {old!a}; {stays!a} is kept"
        for field, old, new, stays in zip(Build._fields, known, seen, kept, strict=True)
        if old != new
    )
