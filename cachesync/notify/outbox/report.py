"""What the outbox says of itself: counts for everybody, details for its owner."""

from __future__ import annotations

import json
from typing import Any

from ...documents import timestamp
from .connect import Connection
from .queue import State

__all__ = ["deliveries", "message", "summary"]

_STATES = {State.PENDING: "pending", State.DELIVERED: "delivered", State.DEAD: "dead"}


def summary(db: Connection) -> dict[str, Any]:
    """Subscriptions and targets with their state, in numbers: nothing that was sent."""
    row = db.execute("SELECT seq, note, noted FROM position").fetchone()
    waiting = dict(db.execute("SELECT subscription_id, count(*) FROM match GROUP BY 1"))
    pending = _counts(db, State.PENDING)
    dead = _counts(db, State.DEAD)
    found: dict[int, dict[str, Any]] = {
        i: {
            "name": name, "query": query, "state": "ok" if configured else "removed",
            "waiting": waiting.get(i, 0), "targets": [],
        }
        for i, name, query, configured in db.execute(
            "SELECT id, name, query, configured FROM subscription ORDER BY configured DESC, name"
        )
    }  # fmt: skip
    rows = db.execute(
        "SELECT id, subscription_id, label, configured, disabled, reason, failing_since,"
        " last_success, last_attempt, last_status, last_detail,"
        " (SELECT due FROM delivery WHERE target_id = target.id AND state = 0 ORDER BY id LIMIT 1)"
        " FROM target ORDER BY id"
    )
    for target in rows:
        i, subscription = target[:2]
        counts = {"pending": pending.get(i, 0), "dead": dead.get(i, 0)}
        if target[3] or any(counts.values()):
            found[subscription]["targets"].append({**_target(target), **counts})
    return {
        "seq": 0 if row is None else row[0],
        "note": None if row is None else row[1],
        "noted": None if row is None else _time(row[2]),
        "subscriptions": [
            s for s in found.values() if s["state"] == "ok" or s["targets"] or s["waiting"]
        ],
    }


def _counts(db: Connection, state: State) -> dict[int, int]:
    return dict(
        db.execute(
            f"SELECT target_id, count(*) FROM delivery WHERE state = {int(state)} GROUP BY target_id"
        )
    )


def _target(row: tuple[Any, ...]) -> dict[str, Any]:
    (i, _, label, configured, disabled, reason, failing, success, attempt, status, detail, due) = (
        row
    )
    state, since = "ok", None
    if not configured:
        state = "held"
    elif disabled is not None:
        state, since = "disabled", disabled
    elif failing is not None:
        state, since = "failing", failing
    return {
        "id": i, "target": label, "state": state, "since": _time(since),
        "reason": reason if state == "disabled" else detail if state == "failing" else None,
        "last_success": _time(success), "last_attempt": _time(attempt), "last_status": status,
        "next_attempt": _time(due) if state in ("ok", "failing") else None,
    }  # fmt: skip


def _time(at: int | None) -> str | None:
    return None if at is None else timestamp(at)


_DELIVERY = """
SELECT d.id, m.id, s.name, t.label, m.type, d.state, t.configured, t.disabled, d.attempts, d.due,
       d.created, d.finished, d.status, d.detail, m.changes, m.since_seq, m.until_seq, m.created
FROM delivery d JOIN message m ON m.id = d.message_id JOIN target t ON t.id = d.target_id
JOIN subscription s ON s.id = t.subscription_id
"""


def deliveries(
    db: Connection, *, subscription: str | None, state: str | None, limit: int
) -> list[dict[str, Any]]:
    """The newest deliveries, the newest last; `limit` 0 means all.

    `state` is one of `pending`, `delivered`, `dead`, `held`.
    """
    conditions, values = ["1"], []
    if subscription is not None:
        conditions.append("s.name = ?")
        values.append(subscription)
    conditions.append({
        None: "1", "pending": "d.state = 0 AND t.configured AND t.disabled IS NULL",
        "delivered": "d.state = 1", "dead": "d.state = 2",
        "held": "d.state = 0 AND (t.disabled IS NOT NULL OR NOT t.configured)",
    }[state])  # fmt: skip
    rows = db.execute(
        f"{_DELIVERY} WHERE {' AND '.join(conditions)} ORDER BY d.id DESC LIMIT ?",
        (*values, limit or -1),
    ).fetchall()
    return [_delivery(row) for row in reversed(rows)]


def _delivery(row: tuple[Any, ...]) -> dict[str, Any]:
    state = _STATES[State(row[5])]
    if row[5] == State.PENDING and (not row[6] or row[7] is not None):
        state = "held"
    return {
        "id": row[1], "subscription": row[2], "target": row[3], "type": row[4], "state": state,
        "attempts": row[8], "next_attempt": _time(row[9]) if state == "pending" else None,
        "created": _time(row[17]), "queued": _time(row[10]), "finished": _time(row[11]),
        "status": row[12], "detail": row[13], "changes": row[14], "since_seq": row[15],
        "until_seq": row[16],
    }  # fmt: skip


def message(db: Connection, beginning: str) -> list[dict[str, Any]]:
    """The messages whose id begins so, at most two, each with its body and its deliveries."""
    rows = db.execute(
        "SELECT id, body FROM message WHERE id >= ? AND id < ? ORDER BY id LIMIT 2",
        (beginning, beginning + "\x7f"),
    ).fetchall()
    return [
        {
            "id": i,
            "deliveries": [
                _delivery(row)
                for row in db.execute(f"{_DELIVERY} WHERE m.id = ? ORDER BY d.id", (i,))
            ],
            "body": json.loads(body),
        }
        for i, body in rows
    ]
