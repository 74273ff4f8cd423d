"""What subscriptions that ask of DAGs need to know of a ledger: verdicts, and what was cached before it was known.

A change is judged by what was known when it was made: a spec that is cached before any cache index told of
it is as one whose DAG is not known, as in a search then. Once an index tells, its first `spec.described` is
the change that says so, and it is told of where the spec was cached before and did not match.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .. import query
from ..errors import CachesyncError
from ..ledger import connect, log, mirrors, newbuilds, read, specchanges
from ..model import Change, ChangeKind, First
from .matching import Matcher
from .subscription import Rule

if TYPE_CHECKING:
    from ..ledger.mirrors import Mirror
    from ..search.dags import Dags
    from ..search.placing import Mirrors

__all__ = ["Judge", "ask_mirrors", "is_told", "matched"]

AT_ONCE = 2_000
"""Specs whose histories are read at once: each time the whole log is looked through."""
_log = logging.getLogger("cachesync")


class Judge:
    """Answers of one ledger. Nothing is read before somebody asks. Not for use by several threads."""

    def __init__(
        self, db: connect.Connection, state_dir: Path, *, knows_later: bool = False
    ) -> None:
        """With `knows_later` a change is judged by what is known now."""
        self._db = db
        self._state_dir = state_dir
        self._knows_later = knows_later
        self._upto = 0
        self._described: dict[int, int] = {}
        self._cached: dict[int, int] = {}
        self._histories: dict[int, list[Change]] = {}
        self._unsaid: set[query.Dag] = set()

    @cached_property
    def _dags(self) -> Dags:
        from ..search.dags import Dags  # most subscriptions do not ask

        return Dags(self._db, self._state_dir)

    def verdict(self, dag: query.Dag, seq: int) -> bool | None:
        """Whether the spec that a change is of is what is asked for; None where its DAG is not known then."""
        spec_id = specchanges.spec_of(self._db, seq)
        self._read_on(seq)
        if not self._knows_later and self._described.get(spec_id, seq + 1) > seq:
            return None
        try:
            with nullcontext() if self._db.in_transaction else read.snapshot(self._db):
                judged = self._dags.judged(dag)
        except CachesyncError as error:  # what no index can say, or would take too long
            if dag not in self._unsaid:
                self._unsaid.add(dag)
                _log.warning("%s: nothing is told of it: %s", dag.text, error.message)
            return False
        return next(query.each_judged(judged)).verdicts.of(spec_id)

    def mirrors(self) -> Mirrors:
        """What there is now of what the fields of mirrors ask for."""
        from ..search.placing import Mirrors

        with nullcontext() if self._db.in_transaction else read.snapshot(self._db):
            return Mirrors.of(self._db)

    def resolved(self, rules: Sequence[Rule], mirrors: Mirrors | None) -> list[Rule]:
        """Rules with placements in place of the fields of mirrors; None where no rule has any."""
        if mirrors is None:
            return list(rules)
        from ..search.placing import resolved

        return [
            rule._replace(condition=resolved(rule.condition, mirrors, self._signed))
            for rule in rules
        ]

    def _signed(self, mirror: Mirror, signed: bool | None) -> query.Judged:  # noqa: FBT001
        return query.Judged(_Signed(self._db, mirror, signed), query.Or(()))

    def placed_before(self, described: Change) -> list[Change]:
        """The changes that cached a spec where it was when an index first told of it; of later tellings none."""
        seq, spec_id = described.seq, specchanges.spec_of(self._db, described.seq)
        self._read_on(seq)
        if self._described.get(spec_id) != seq or self._cached.get(spec_id, seq) >= seq:
            return []
        if spec_id not in self._histories:
            self._read_histories(spec_id)
        placed: dict[tuple[str, str | None], Change] = {}
        for change in self._histories[spec_id]:
            where = (change.source, change.tag)
            if change.seq > seq:
                break
            if change.kind is ChangeKind.SPEC_CACHED:
                placed[where] = change
            elif change.kind is ChangeKind.SPEC_EVICTED:
                placed.pop(where, None)
            elif change.kind is ChangeKind.SPEC_RESTACKED and where in placed:
                placed[where] = placed[where]._replace(stacks=change.stacks)
        return sorted(placed.values(), key=lambda change: change.seq)

    def _read_on(self, seq: int) -> None:
        """Find out when specs were first cached and described."""
        if seq <= self._upto:
            return
        known = {ChangeKind.SPEC_CACHED: self._cached, ChangeKind.SPEC_DESCRIBED: self._described}
        upto = self._upto
        for at, kind, spec_id in specchanges.of_specs_after(self._db, self._upto, list(known)):
            known[ChangeKind(kind)].setdefault(spec_id, at)
            upto = at
        self._upto = max(seq, upto)

    def _read_histories(self, asked: int) -> None:
        """That of a spec that was cached before it was described, and of the next that are asked for."""
        late = [
            spec_id for spec_id, at in self._described.items() if self._cached.get(spec_id, at) < at
        ]  # fmt: skip
        begin = late.index(asked) // AT_ONCE * AT_ONCE
        some = late[begin : begin + AT_ONCE]
        self._histories = {spec_id: [] for spec_id in some}
        for spec_id, change in log.histories(self._db, some):
            self._histories[spec_id].append(change)


class _Signed(NamedTuple):
    """Whether the spec of a change, by its seq, is signed in a mirror, by what is known now."""

    db: connect.Connection
    mirror: Mirror
    signed: bool | None
    """What is asked; None: whether that is known."""
    says_all: bool = False

    def of(self, spec_id: int) -> bool | None:
        """See `query.Verdicts`."""
        if not spec_id:
            return None
        of_spec = specchanges.spec_of(self.db, spec_id)
        known = mirrors.signature(self.db, self.mirror.id, of_spec)
        return known is not None and self.signed in (None, known)


def ask_mirrors(rules: Sequence[Rule]) -> bool:
    """Whether any rule has fields of mirrors."""
    return any(query.asks_mirrors(rule.condition) for rule in rules)


def _said_of(described: Change, cached: Change) -> Change:
    """What is told where the DAG of a cached spec becomes known: that it is described, and where it is."""
    return described._replace(
        source=cached.source, tag=cached.tag, package=cached.package, stacks=cached.stacks,
        details=None, edges=None,
    )  # fmt: skip


def matched(
    matcher: Matcher, changes: Iterable[Change], judge: Judge, db: connect.Connection
) -> dict[int, list[Change]]:
    """What is told of some changes to each subscription (by position), in the order of the log."""
    found: dict[int, list[tuple[Change, Change]]] = {}
    for change in changes:
        for number, cached in _each(matcher, change, judge):
            told = change if cached is change else _said_of(change, cached)
            found.setdefault(number, []).append((told, cached))
    wanting = {n for n in found if matcher.rules[n].first is First.BUILD}
    hashes = {told.hash for n in wanting for told, _ in found[n] if told.hash is not None}
    new: Collection[int] = newbuilds.first_of_builds(db, hashes) if hashes else ()
    kept = {
        number: [told for told, cached in some if number not in wanting or _is_kept(cached, new)]
        for number, some in found.items()
    }
    return {number: some for number, some in kept.items() if some}


def _is_kept(cached: Change, new: Collection[int]) -> bool:
    """Whether a change does not cache a build that was cached before."""
    return cached.kind is not ChangeKind.SPEC_CACHED or cached.seq in new


def _each(matcher: Matcher, change: Change, judge: Judge) -> Iterator[tuple[int, Change]]:
    """The subscriptions that are about a change, and what decides whether it is of a new build."""
    if change.kind is not ChangeKind.SPEC_DESCRIBED:
        yield from ((number, change) for number in matcher.matching(change))
    elif change.kind in matcher.kinds and (placed := judge.placed_before(change)):
        yield from matcher.becoming(change, placed)


def is_told(
    matcher: Matcher, judge: Judge, is_new: Callable[[Change], bool] | None
) -> Callable[[Change], bool]:
    """Whether any subscription is about a change; with `is_new` only what caches a new build."""

    def told(change: Change) -> bool:
        found: Sequence[tuple[int, Change]] = list(_each(matcher, change, judge))
        return any(
            is_new is None or cached.kind is not ChangeKind.SPEC_CACHED or is_new(cached)
            for _, cached in found
        )

    return told
