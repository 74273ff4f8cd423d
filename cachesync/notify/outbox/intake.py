"""From the change log into messages: the cursor, what matched, and the windows it waits in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ...model import ChangeKind, First
from ..message import Match, Message
from .connect import Connection

__all__ = [
    "Open",
    "Position",
    "Stored",
    "add_matches",
    "add_messages",
    "move",
    "new_id",
    "open_windows",
    "position",
    "start_at",
    "store_subscription",
    "stored_subscriptions",
    "take_window",
    "waiting",
]


class Position(NamedTuple):
    """Up to where, of which ledger, the change log was looked at."""

    ledger: str
    seq: int
    mark: str | None


def position(db: Connection) -> Position | None:
    """The cursor; None in an outbox that never had one."""
    row = db.execute("SELECT ledger, seq, mark FROM position").fetchone()
    return None if row is None else Position(*row)


def start_at(db: Connection, where: Position, *, note: str | None = None, at: int = 0) -> None:
    """Set the cursor anew; `note` says why, when something may be missed by that."""
    db.execute("DELETE FROM position")
    db.execute(
        "INSERT INTO position VALUES (?, ?, ?, ?, ?)",
        (*where, note, None if note is None else at),
    )
    db.execute("UPDATE subscription SET covered = ?", (where.seq,))


def move(db: Connection, seq: int, mark: str | None) -> None:
    """Everything up to `seq` was looked at."""
    db.execute("UPDATE position SET seq = ?, mark = ?", (seq, mark))


# -- subscriptions


class Stored(NamedTuple):
    """A subscription as the outbox remembers it."""

    id: int
    name: str
    query: str
    events: tuple[ChangeKind, ...]
    first: First
    configured: bool
    covered: int


def stored_subscriptions(db: Connection) -> list[Stored]:
    """Every subscription there ever was and is still remembered, in the order of their first day."""
    rows = db.execute(
        "SELECT id, name, query, events, first, configured, covered FROM subscription ORDER BY id"
    )
    return [
        Stored(i, name, query, _events(events), First(first), bool(configured), covered)
        for i, name, query, events, first, configured, covered in rows
    ]


def _events(text: str) -> tuple[ChangeKind, ...]:
    known = {kind.label: kind for kind in ChangeKind}
    return tuple(known[label] for label in json.loads(text) if label in known)


def store_subscription(
    db: Connection, name: str, query: str, events: Sequence[ChangeKind], *, first: First
) -> int:
    """Make or replace what is remembered of a subscription that is in the config; its id."""
    row = db.execute(
        "INSERT INTO subscription (name, query, events, first, configured, covered)"
        " VALUES (?, ?, ?, ?, 1, (SELECT seq FROM position))"
        " ON CONFLICT (name) DO UPDATE SET query = excluded.query, events = excluded.events,"
        " covered = CASE WHEN configured AND query = excluded.query AND events = excluded.events"
        " AND first = excluded.first THEN covered ELSE excluded.covered END,"
        " first = excluded.first, configured = 1 RETURNING id",
        (name, query, json.dumps([kind.label for kind in events]), first),
    ).fetchone()
    return int(row[0])


# -- windows


def add_matches(
    db: Connection, subscription_id: int, matches: Iterable[tuple[str, Match]], *, at: int
) -> None:
    """Put matches, each with its source, into the window of a subscription, opened `at` or before."""
    db.executemany(
        "INSERT OR IGNORE INTO match VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (subscription_id, m.seq, m.kind, source, m.package, m.tag, m.document)
            for source, m in matches
        ],
    )
    db.execute(
        "UPDATE subscription SET opened = coalesce(opened, ?) WHERE id = ?", (at, subscription_id)
    )


def waiting(db: Connection) -> dict[int, int]:
    """How many matches wait in the window of each subscription that has one."""
    rows = db.execute("SELECT subscription_id, count(*) FROM match GROUP BY subscription_id")
    return dict(rows)


class Open(NamedTuple):
    """A window that is open."""

    subscription_id: int
    name: str
    since: int
    sources: frozenset[str]


def open_windows(db: Connection) -> list[Open]:
    """The windows that are open, of subscriptions that are in the config."""
    rows = db.execute(
        "SELECT id, name, opened FROM subscription WHERE opened IS NOT NULL AND configured"
    ).fetchall()
    found = []
    for i, name, opened in rows:
        sources = db.execute("SELECT DISTINCT source FROM match WHERE subscription_id = ?", (i,))
        found.append(Open(i, name, opened, frozenset(source for (source,) in sources)))
    return found


def take_window(
    db: Connection,
    subscription_id: int,
    write: Callable[[Sequence[Match], int, int], Iterable[Message]],
    *,
    at: int,
) -> int:
    """Close a window: what waits in it becomes messages to all targets. Returns how many.

    `write` gets the matches, and the seqs after which and up to which they stand for the log.
    """
    rows = db.execute(
        "SELECT seq, kind, package, tag, document FROM match WHERE subscription_id = ?"
        " ORDER BY seq",
        (subscription_id,),
    )
    matches = [Match(*row) for row in rows]
    (covered,) = db.execute(
        "SELECT covered FROM subscription WHERE id = ?", (subscription_id,)
    ).fetchone()
    (seq,) = db.execute("SELECT seq FROM position").fetchone()
    messages = list(write(matches, covered, seq)) if matches else []
    add_messages(db, subscription_id, messages, at=at)
    db.execute("DELETE FROM match WHERE subscription_id = ?", (subscription_id,))
    db.execute(
        "UPDATE subscription SET opened = NULL, covered = ? WHERE id = ?",
        (seq if matches else covered, subscription_id),
    )
    return len(messages)


def new_id() -> str:
    """A `webhook-id` that no message had before; all have the same length."""
    return f"msg_{os.urandom(16).hex()}"


def add_messages(
    db: Connection,
    subscription_id: int,
    messages: Iterable[Message],
    *,
    at: int,
    but: int | None = None,
    only: Mapping[int, object] | None = None,
) -> list[str]:
    """Queue messages for the targets of a subscription; returns their ids.

    `but` is a target that is left out; `only`, when given, has those that are not.
    """
    targets = [
        i
        for (i,) in db.execute(
            "SELECT id FROM target WHERE subscription_id = ? AND configured ORDER BY id",
            (subscription_id,),
        )
        if i != but and (only is None or i in only)
    ]
    ids = []
    for message in messages if targets else ():
        ids.append(new_id())
        db.execute(
            "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (ids[-1], subscription_id, message.type, message.body, at, message.since_seq,
             message.until_seq, message.changes),
        )  # fmt: skip
        db.executemany(
            "INSERT INTO delivery (message_id, target_id, state, attempts, due, created)"
            " VALUES (?, ?, 0, 0, ?, ?)",
            [(ids[-1], target, at, at) for target in targets],
        )
    return ids
