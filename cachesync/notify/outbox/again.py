"""Sending again what failed, or what was sent: what a person asks of the queue."""

from __future__ import annotations

from .connect import Connection

__all__ = ["ids", "replay", "retry", "targets_of", "unsent"]


def retry(
    db: Connection, *, now: int, message_id: str | None = None, target: int | None = None
) -> int:
    """Try now what failed: pending at once, dead letters at the end of the queue.

    Of one message, of one target, or all. Returns how many deliveries that is; targets are not
    enabled by it.
    """
    chosen = "(?1 IS NULL OR message_id = ?1) AND (?2 IS NULL OR target_id = ?2)"
    pending = db.execute(
        f"UPDATE delivery SET due = ?3 WHERE state = 0 AND {chosen}", (message_id, target, now)
    ).rowcount
    dead = db.execute(
        "INSERT INTO delivery (message_id, target_id, state, attempts, due, created)"
        f" SELECT message_id, target_id, 0, 0, ?3, ?3 FROM delivery WHERE state = 2 AND {chosen}"
        " ORDER BY id",
        (message_id, target, now),
    ).rowcount
    db.execute(f"DELETE FROM delivery WHERE state = 2 AND {chosen}", (message_id, target))
    return int(pending + dead)


def unsent(db: Connection, target_id: int, *, message_id: str | None = None) -> int:
    """How many deliveries to a target are pending or given up: all, or of one message."""
    (count,) = db.execute(
        "SELECT count(*) FROM delivery WHERE target_id = ?1 AND state != 1"
        " AND (?2 IS NULL OR message_id = ?2)",
        (target_id, message_id),
    ).fetchone()
    return int(count)


def ids(db: Connection, beginning: str) -> list[str]:
    """The ids of messages that begin so, at most two."""
    rows = db.execute(
        "SELECT id FROM message WHERE id >= ? AND id < ? LIMIT 2", (beginning, beginning + "\x7f")
    )
    return [i for (i,) in rows]


def targets_of(db: Connection, message_id: str) -> set[int]:
    """The targets that a message is, or was, for."""
    rows = db.execute("SELECT target_id FROM delivery WHERE message_id = ?", (message_id,))
    return {i for (i,) in rows}


def replay(db: Connection, *, since: int, subscription: str | None, now: int) -> int:
    """Send what was made into messages since a time once more, in order, under the same ids.

    What is still pending is left as it is. Returns how many deliveries that is.
    """
    return int(
        db.execute(
            "INSERT INTO delivery (message_id, target_id, state, attempts, due, created)"
            " SELECT d.message_id, d.target_id, 0, 0, ?1, ?1 FROM delivery d"
            " JOIN message m ON m.id = d.message_id"
            " JOIN subscription s ON s.id = m.subscription_id JOIN target t ON t.id = d.target_id"
            " WHERE m.created >= ?2 AND (?3 IS NULL OR s.name = ?3) AND t.configured"
            " GROUP BY d.message_id, d.target_id HAVING min(d.state) > 0 ORDER BY min(d.id)",
            (now, since, subscription),
        ).rowcount
    )
