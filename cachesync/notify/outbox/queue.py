"""What is to be sent to each target, in order, and what came of each attempt.

A target has one message on its way at a time, and the next follows when that one was delivered or
given up. Of a disabled target, or one that the config does not name any more, everything is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

from ..retry import LONGEST_WAIT_SECONDS, is_to_be_disabled, next_attempt
from ..target import Outcome, Result
from .connect import Connection

__all__ = [
    "Due",
    "Recorded",
    "Step",
    "TargetRow",
    "due_targets",
    "enable",
    "next_due",
    "purge",
    "record",
    "retire_missing",
    "store_targets",
    "targets",
    "to_announce",
]

DAY = 86_400 * 1_000_000
KEEP_DELIVERED = 7 * DAY
KEEP_DEAD = 30 * DAY
KEEP_HELD = 90 * DAY
"""Of a target that the config does not name any more."""
MOST_DEAD = 10_000
"""Dead letters kept for one target."""
SKEW = 60 * 1_000_000
"""How far a clock may be set back without that being noticed."""


class State(IntEnum):
    """Of a delivery; the numbers are stored."""

    PENDING = 0
    DELIVERED = 1
    DEAD = 2


# -- targets


class TargetRow(NamedTuple):
    """A target as the outbox remembers it."""

    id: int
    subscription: str
    address: str
    label: str
    configured: bool
    disabled: int | None
    reason: str | None


_TARGET = (
    "SELECT t.id, s.name, t.address, t.label, t.configured, t.disabled, t.reason FROM target t"
    " JOIN subscription s ON s.id = t.subscription_id"
)


def targets(db: Connection) -> list[TargetRow]:
    """Every target there is or was, by id."""
    return [TargetRow(*row) for row in db.execute(f"{_TARGET} ORDER BY t.id")]


def store_targets(db: Connection, subscription_id: int, wanted: Mapping[str, str]) -> None:
    """The targets of a subscription are these, address to label; what others wait for is held."""
    db.execute("UPDATE target SET configured = 0 WHERE subscription_id = ?", (subscription_id,))
    db.executemany(
        "INSERT INTO target (subscription_id, address, label, configured, announced)"
        " VALUES (?, ?, ?, 1, 0) ON CONFLICT (subscription_id, address)"
        " DO UPDATE SET label = excluded.label, configured = 1",
        [(subscription_id, address, label) for address, label in wanted.items()],
    )


def retire_missing(db: Connection, names: set[str]) -> list[str]:
    """Mark the subscriptions that the config names no more, with their targets; returns which."""
    rows = db.execute("SELECT id, name FROM subscription WHERE configured").fetchall()
    missing = [(i, name) for i, name in rows if name not in names]
    for i, _ in missing:
        db.execute("UPDATE subscription SET configured = 0 WHERE id = ?", (i,))
        db.execute("UPDATE target SET configured = 0 WHERE subscription_id = ?", (i,))
    return [name for _, name in missing]


def enable(db: Connection, target_id: int, *, now: int) -> bool:
    """Send to a target again; returns whether it was disabled."""
    was = db.execute(
        "UPDATE target SET disabled = NULL, reason = NULL, failing_since = NULL"
        " WHERE id = ? AND disabled IS NOT NULL",
        (target_id,),
    ).rowcount
    if was:
        db.execute(
            "UPDATE delivery SET attempts = 0, due = ? WHERE target_id = ? AND state = 0",
            (now, target_id),
        )
    return bool(was)


def to_announce(db: Connection) -> list[TargetRow]:
    """Targets of which the change log does not say yet that they are disabled, or are no more."""
    rows = db.execute(f"{_TARGET} WHERE (t.disabled IS NOT NULL) != t.announced ORDER BY t.id")
    return [TargetRow(*row) for row in rows]


def announced(db: Connection, subscription: str, label: str, *, disabled: bool) -> int | None:
    """Note what the change log says of a target; its id, None when there is none (any more)."""
    row = db.execute(
        "UPDATE target SET announced = ? WHERE id = (SELECT t.id FROM target t JOIN subscription s"
        " ON s.id = t.subscription_id WHERE s.name = ? AND t.label = ? AND t.announced = ?"
        " ORDER BY (t.disabled IS NOT NULL) != ?, t.id LIMIT 1) RETURNING id",
        (disabled, subscription, label, not disabled, disabled),
    ).fetchone()
    return None if row is None else int(row[0])


# -- sending

# A first attempt waits for nothing. A wait that no schedule gives, or that began in the future, was
# measured with a clock that was ahead: it must not last for as long as that was wrong.
_WAITS = (
    "(d.attempts > 0 AND d.due > :now AND d.due <= :now + :longest"
    " AND coalesce(t.last_attempt, 0) <= :now + :skew)"
)


def _at(now: int) -> dict[str, int]:
    return {"now": now, "longest": int(LONGEST_WAIT_SECONDS * 1e6), "skew": SKEW}


class Due(NamedTuple):
    """A delivery that may be attempted now."""

    id: int
    target_id: int
    message_id: str
    type: str
    body: bytes
    attempts: int


def due_targets(db: Connection, *, now: int) -> tuple[list[tuple[int, bool]], int | None]:
    """The targets to which something can be sent now, and when the next one follows.

    Each with whether it failed before; those that did come last.
    """
    rows = db.execute(
        f"SELECT t.id, d.due, t.failing_since IS NOT NULL, {_WAITS} FROM target t"
        " JOIN delivery d ON d.id ="
        " (SELECT id FROM delivery WHERE target_id = t.id AND state = 0 ORDER BY id LIMIT 1)"
        " WHERE t.configured AND t.disabled IS NULL ORDER BY 3, d.due",
        _at(now),
    ).fetchall()
    later = [due for _, due, _, waits in rows if waits]
    ready = [(i, bool(failing)) for i, _, failing, waits in rows if not waits]
    return ready, min(later, default=None)


def next_due(db: Connection, target_id: int, *, now: int) -> Due | None:
    """The first message of a target's queue, if its time has come."""
    row = db.execute(
        f"SELECT d.id, d.target_id, m.id, m.type, m.body, d.attempts, {_WAITS} FROM delivery d"
        " JOIN message m ON m.id = d.message_id JOIN target t ON t.id = d.target_id"
        " WHERE d.target_id = :target AND d.state = 0 AND t.configured AND t.disabled IS NULL"
        " ORDER BY d.id LIMIT 1",
        {**_at(now), "target": target_id},
    ).fetchone()
    return None if row is None or row[-1] else Due(*row[:-1])


class Step(Enum):
    """What follows from an attempt."""

    DELIVERED = "delivered"
    AGAIN = "again"
    DEAD = "dead"
    DISABLED = "disabled"


class Recorded(NamedTuple):
    """What was recorded of an attempt."""

    step: Step
    due: int | None
    """When the next attempt is made, of `AGAIN`."""
    was_failing: bool
    """Whether attempts before this one failed, without a success in between."""


def record(db: Connection, sent: Due, result: Result, *, now: int, chance: float) -> Recorded:
    """Store what came of an attempt, and decide with `retry` what follows."""
    (failing,) = db.execute(
        "SELECT failing_since FROM target WHERE id = ?", (sent.target_id,)
    ).fetchone()
    good = result.outcome is Outcome.DELIVERED
    db.execute(
        "UPDATE target SET failing_since = CASE WHEN ? THEN NULL"
        " ELSE min(coalesce(failing_since, ?), ?) END,"
        " last_attempt = ?, last_success = CASE WHEN ? THEN ? ELSE last_success END,"
        " last_status = ?, last_detail = ? WHERE id = ?",
        (good, now, now, now, good, now, result.status, result.detail, sent.target_id),
    )
    if good:
        _finish(db, sent, State.DELIVERED, result, now)
        return Recorded(Step.DELIVERED, None, failing is not None)
    since = None if failing is None else failing / 1e6
    failures = sent.attempts + 1 + _given_up(db, sent.target_id, since=failing)
    if is_to_be_disabled(result, failing_since=since, failures=failures, now=now / 1e6):
        reason = result.detail
        if result.outcome is not Outcome.GONE:
            reason = f"failing for {(now - failing) / DAY:.0f} days: {reason}"
        db.execute(
            "UPDATE target SET disabled = ?, reason = ? WHERE id = ?", (now, reason, sent.target_id)
        )
        _attempted(db, sent, result, due=now)
        return Recorded(Step.DISABLED, None, failing is not None)
    due = next_attempt(sent.attempts + 1, result, now=now / 1e6, chance=chance)
    if due is None:
        _finish(db, sent, State.DEAD, result, now)
        return Recorded(Step.DEAD, None, failing is not None)
    at = int(due * 1e6)
    _attempted(db, sent, result, due=at)
    return Recorded(Step.AGAIN, at, failing is not None)


def _given_up(db: Connection, target_id: int, *, since: int | None) -> int:
    """The attempts at messages that became dead letters since then; None: there are none."""
    if since is None:
        return 0
    (count,) = db.execute(
        "SELECT coalesce(sum(attempts), 0) FROM delivery"
        " WHERE target_id = ? AND state = 2 AND finished >= ?",
        (target_id, since),
    ).fetchone()
    return int(count)


def _attempted(db: Connection, sent: Due, result: Result, *, due: int) -> None:
    db.execute(
        "UPDATE delivery SET attempts = ?, due = ?, status = ?, detail = ? WHERE id = ?",
        (sent.attempts + 1, due, result.status, result.whole, sent.id),
    )


def _finish(db: Connection, sent: Due, state: State, result: Result, now: int) -> None:
    db.execute(
        "UPDATE delivery SET state = ?, attempts = ?, finished = ?, status = ?, detail = ?"
        " WHERE id = ?",
        (int(state), sent.attempts + 1, now, result.status, result.whole, sent.id),
    )


def purge(db: Connection, *, now: int) -> dict[str, int]:
    """Forget what is old; returns how many dead letters and held deliveries were given up."""
    db.execute("DELETE FROM delivery WHERE state = 1 AND finished < ?", (now - KEEP_DELIVERED,))
    dead = db.execute(
        "DELETE FROM delivery WHERE state = 2 AND finished < ?", (now - KEEP_DEAD,)
    ).rowcount
    for (target_id,) in db.execute("SELECT id FROM target").fetchall():
        dead += db.execute(
            "DELETE FROM delivery WHERE state = 2 AND target_id = ?1 AND id <= (SELECT id FROM"
            " delivery WHERE state = 2 AND target_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (target_id, MOST_DEAD),
        ).rowcount
    held = db.execute(
        "DELETE FROM delivery WHERE state = 0 AND created < ? AND target_id IN"
        " (SELECT id FROM target WHERE NOT configured)",
        (now - KEEP_HELD,),
    ).rowcount
    db.execute(
        "DELETE FROM message WHERE created < ? AND NOT EXISTS"
        " (SELECT 1 FROM delivery d WHERE d.message_id = message.id)",
        (now - DAY,),
    )
    return {"dead": int(dead), "held": int(held)}
