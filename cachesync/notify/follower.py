"""Bringing the outbox up to the change log: the projection whose documents are messages.

Whatever matched is stored together with the cursor, so a crash anywhere loses none and finds none
twice. What a subscription was when the outbox last saw it decides about the changes up to now; a new
or edited one starts from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .. import query
from ..config import settings
from ..config.settings import Config
from ..errors import QueryError
from ..ledger import connect as ledger_connect
from ..ledger import log, read
from ..model import Change, ChangeKind, First
from . import judging, naming
from .matching import Matcher
from .message import Match, Message, Sender, compose, match, message_of_test, news_of_target
from .outbox import intake, queue
from .outbox.connect import Connection, Run
from .subscription import Rule
from .webhook import cloudevent

if TYPE_CHECKING:
    from ..search.placing import Mirrors

__all__ = ["Follower", "Settled", "rule_of", "sender_of"]

CHUNK = 2_000
"""Changes that are matched and stored in one transaction."""
MOST_WINDOWS = 10
"""While a pass goes on its matches wait for its end, but no longer than so many windows."""
_TARGETS = (ChangeKind.TARGET_DISABLED, ChangeKind.TARGET_ENABLED)
_log = logging.getLogger("cachesync")


class Settled(NamedTuple):
    """A subscription that is matched: how the outbox calls it, and how its messages are made."""

    id: int
    sender: Sender
    window: int
    """Microseconds."""


def rule_of(entry: settings.Subscription) -> Rule:
    """What of a subscription decides which changes it is about."""
    return Rule(
        entry.name, entry.condition, frozenset(entry.events), entry.first, baseline=entry.backfill
    )


def sender_of(entry: settings.Subscription, command: str = "cachesync") -> Sender:
    """What of a subscription goes into its messages; for `command` see `Config`."""
    return _sender(entry.name, entry.query, entry, command)


def _sender(name: str, text: str, entry: settings.Subscription | None, command: str) -> Sender:
    """The query of an outbox, with messages as an entry says, None where it is gone."""
    if entry is None:
        return Sender(name, text, command=command)
    batch = entry.batch
    sender = Sender(name, text, batch.most, batch.summary_above, batch.size_bytes, command=command)
    return sender._replace(envelope_bytes=_envelope_bytes(sender, entry.targets))


def _envelope_bytes(sender: Sender, targets: Sequence[settings.Target]) -> int:
    """What the form of a target adds to each body, whatever is in it."""
    forms = {t.format for t in targets if isinstance(t, settings.WebhookTarget)}
    if settings.WebhookFormat.CLOUDEVENTS not in forms:
        return 0
    body = message_of_test(sender, seq=0, at=0).body
    return len(cloudevent(body, message_id=intake.new_id()).body) - len(body)


class Follower:
    """Follows one ledger into the outbox that `run` works on. Not for use by several threads."""

    def __init__(self, ledger: ledger_connect.Connection, run: Run, state_dir: Path) -> None:
        self._ledger = ledger
        self._state_dir = state_dir
        self._judge = judging.Judge(ledger, state_dir)
        self._run = run
        self._rules: list[Rule] = []
        self._loud: list[str] = []
        self._mirrors: Mirrors | None = None
        """Those that subscriptions were matched with; None where none asks for any."""
        self._matcher = Matcher(())
        self._settled: list[Settled] = []
        self._seq = 0

    @property
    def seq(self) -> int:
        """Up to where the change log was looked at."""
        return self._seq

    # -- subscriptions

    def begin(self, config: Config, *, now: int) -> None:
        """Find the cursor, match what came since with what was subscribed then, and adopt `config`.

        Where the ledger is another one, or was restored, the outbox starts from now and says so.
        """
        stored = self._run(intake.stored_subscriptions)
        self._use([s for s in stored if s.configured], config)
        self._find_position([_settled(s, config) for s in stored], now)
        self.adopt(config, now=now)

    def _here(self) -> intake.Position:
        with read.snapshot(self._ledger) as db:
            seq = read.last_seq(db)
            return intake.Position(read.identity(db), seq, read.mark(db, seq))

    def _find_position(self, stored: Sequence[Settled], now: int) -> None:
        """Take up the cursor. Where it is set anew, what waits is sent first, as what it was.

        The seqs of its changes will be those of others.
        """
        here, before = self._here(), self._run(intake.position)
        if before is None:
            self._run(lambda outbox: intake.start_at(outbox, here))
        elif before.ledger != here.ledger or before.mark != read.mark(self._ledger, before.seq):
            what = "another one" if before.ledger != here.ledger else "an older copy"
            note = (
                f"the ledger is {what} since change {before.seq}: subscriptions start anew from"
                f" change {here.seq}, and may have missed some in between"
            )
            _log.warning(
                "%s (`cachesync subscriptions test NAME --dry-run` shows what matched)", note
            )

            def start(outbox: Connection) -> None:
                for settled in stored:
                    self._close(outbox, settled, now)
                intake.start_at(outbox, here, note=note, at=now)

            self._run(start)
        else:
            here = before
        self._seq = here.seq

    def _use(self, stored: Sequence[intake.Stored], config: Config) -> None:
        """Match with what the outbox remembers, and make messages as the config says."""
        filling = {entry.name for entry in config.subscriptions if entry.backfill}
        rules, settled = [], []
        for known in stored:
            try:
                condition = query.parse(known.query)
            except QueryError as error:  # written by a cachesync with another language
                _log.warning("%s: its query is not understood: %s", known.name, error.message)
                continue
            fills = known.name in filling
            rules.append(
                Rule(known.name, condition, frozenset(known.events), known.first, baseline=fills)
            )
            settled.append(_settled(known, config))
        loud = [source.name for source in config.sources if source.notify_baseline]
        self._rules, self._loud, self._settled = rules, loud, settled
        self._mirrors = self._judge.mirrors() if judging.ask_mirrors(rules) else None
        self._match_with(self._mirrors)

    def _match_with(self, mirrors: Mirrors | None) -> None:
        rules = self._judge.resolved(self._rules, mirrors)
        self._matcher = Matcher(rules, loud=self._loud, judge=self._judge.verdict)

    def _keep_up_with_mirrors(self) -> None:
        """Match what is asked of mirrors with those that there are now."""
        if self._mirrors is None:
            return
        mirrors = self._judge.mirrors()
        if mirrors != self._mirrors:
            self._mirrors = mirrors
            self._match_with(mirrors)

    def adopt(self, config: Config, *, now: int) -> None:
        """Take the subscriptions of a config over; those that are new or edited start from here.

        What already waits for an edited or removed one is sent as what it was.
        """
        with read.snapshot(self._ledger):
            self.catch_up(now=now)
            known = {s.name: s for s in self._run(intake.stored_subscriptions) if s.configured}
            fresh = [entry for entry in config.subscriptions if _is_new(known, entry)]
            filled = {e.name: self._cached(e) for e in fresh if e.backfill}
        ending = {entry.name for entry in fresh} | (
            known.keys() - {entry.name for entry in config.subscriptions}
        )
        closing = [settled for settled in self._settled if settled.sender.name in ending]

        def work(outbox: Connection) -> list[intake.Stored]:
            for settled in closing:
                self._close(outbox, settled, now)
            for name in queue.retire_missing(outbox, {e.name for e in config.subscriptions}):
                _log.info("%s is not subscribed any more; what was not delivered is held", name)
            for entry in config.subscriptions:
                number = intake.store_subscription(
                    outbox, entry.name, entry.query, entry.events, first=entry.first
                )
                targets = {naming.address(t): naming.label(t) for t in entry.targets}
                queue.store_targets(outbox, number, targets)
                if filled.get(entry.name):
                    made = compose(
                        sender_of(entry, config.command), filled[entry.name],
                        since_seq=0, until_seq=self._seq, at=now,
                    )  # fmt: skip
                    intake.add_messages(outbox, number, made, at=now)
            return [s for s in intake.stored_subscriptions(outbox) if s.configured]

        self._use(self._run(work), config)

    def _cached(self, entry: settings.Subscription) -> list[Match]:
        """What is cached now and matches, as the changes that cached it; each hash or build once if `first`."""
        rule = rule_of(entry)._replace(
            events=frozenset((ChangeKind.SPEC_CACHED,)), first=First.EVERY
        )
        judge = judging.Judge(self._ledger, self._state_dir, knows_later=True)
        mirrors = judge.mirrors() if judging.ask_mirrors([rule]) else None
        matcher, seen = Matcher(judge.resolved([rule], mirrors), judge=judge.verdict), set()
        found: list[Match] = []
        for change in log.placed(self._ledger):
            new = change.build if entry.first is First.BUILD else change.hash
            if not matcher.matching(change) or (entry.first and new in seen):
                continue
            seen.add(new)
            found.append(match(change, counted_only=len(found) > entry.batch.summary_above))
        return found

    # -- changes

    def catch_up(self, *, now: int) -> int:
        """Match every change there is; returns how many there were. Raises OutboxError."""
        count, end = 0, read.last_seq(self._ledger)
        if self._seq < end:
            self._keep_up_with_mirrors()
        while self._seq < end:
            wanted = log.Filter(
                after=self._seq, until=end, kinds=self._matcher.kinds, news_of=self._matcher.news_of
            )
            changes = list(log.changes(self._ledger, wanted, limit=CHUNK))
            upto = changes[-1].seq if len(changes) == CHUNK else end
            count += upto - self._seq
            self._take(changes, upto, now)
        return count

    def _take(self, changes: Sequence[Change], upto: int, now: int) -> None:
        found = judging.matched(self._matcher, changes, self._judge, self._ledger)
        news = [change for change in changes if change.kind in _TARGETS]
        mark = read.mark(self._ledger, upto)
        known: dict[int, Match] = {}

        def work(outbox: Connection) -> None:
            waiting = intake.waiting(outbox) if found else {}
            for number, matched in found.items():
                settled = self._settled[number]
                room = settled.sender.summary_above + 1 - waiting.get(settled.id, 0)
                rows = _rows(matched, known, room)
                intake.add_matches(outbox, settled.id, rows, at=now)
            for change in news:
                self._tell(outbox, change, now)
            intake.move(outbox, upto, mark)

        self._run(work)
        self._seq = upto

    def _tell(self, outbox: Connection, change: Change, now: int) -> None:
        """Note that the log speaks of a target, and tell the others of its subscription."""
        target = queue.announced(
            outbox, change.subscription or "", change.target or "",
            disabled=change.kind is ChangeKind.TARGET_DISABLED,
        )  # fmt: skip
        settled = next((s for s in self._settled if s.sender.name == change.subscription), None)
        if target is not None and settled is not None:
            message = news_of_target(settled.sender, change, at=now)
            intake.add_messages(outbox, settled.id, [message], at=now, but=target)

    def close_windows(self, *, now: int, passing: Collection[str] = (), all_: bool = False) -> int:
        """Make messages of what has waited long enough; returns how many.

        `passing` are sources over which a pass goes on; with `all_` nothing waits any longer.
        """
        settled = {s.id: s for s in self._settled}
        due = []
        for window in self._run(intake.open_windows):
            entry = settled.get(window.subscription_id)
            if entry is None:
                continue
            is_passing = not window.sources.isdisjoint(passing)
            windows = MOST_WINDOWS if is_passing else 1
            if all_ or now >= window.since + entry.window * windows or now < window.since:
                due.append(entry)
        if not due:
            return 0
        return self._run(lambda outbox: sum(self._close(outbox, s, now) for s in due))

    def _close(self, outbox: Connection, settled: Settled, now: int) -> int:
        def write(matches: Sequence[Match], since: int, until: int) -> Iterable[Message]:
            return compose(settled.sender, matches, since_seq=since, until_seq=until, at=now)

        return intake.take_window(outbox, settled.id, write, at=now)

    def announce(self, tell: Callable[[ChangeKind, queue.TargetRow], object]) -> int:
        """Have `tell` append to the change log what it does not say yet of targets; how many."""
        rows = self._run(queue.to_announce)
        for row in rows:
            kind = ChangeKind.TARGET_DISABLED if row.disabled else ChangeKind.TARGET_ENABLED
            tell(kind, row)
        return len(rows)


def _settled(known: intake.Stored, config: Config) -> Settled:
    """What the outbox remembers, with messages as the config says."""
    entry = next((e for e in config.subscriptions if e.name == known.name), None)
    batch = settings.Batch() if entry is None else entry.batch
    sender = _sender(known.name, known.query, entry, config.command)
    return Settled(known.id, sender, int(batch.window_seconds * 1e6))


def _is_new(known: dict[str, intake.Stored], entry: settings.Subscription) -> bool:
    before = known.get(entry.name)
    if before is None:
        return True
    return (before.query, frozenset(before.events), before.first) != (
        entry.query, frozenset(entry.events), entry.first,
    )  # fmt: skip


def _rows(
    changes: Sequence[Change], known: dict[int, Match], room: int
) -> Iterable[tuple[str, Match]]:
    """Changes with their sources; beyond `room` they will only be counted."""
    for position, change in enumerate(changes):
        if position >= room:
            yield change.source, match(change, counted_only=True)
            continue
        if change.seq not in known:
            known[change.seq] = match(change)
        yield change.source, known[change.seq]
