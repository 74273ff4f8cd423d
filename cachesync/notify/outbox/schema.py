"""The outbox's tables. Times are microseconds since the epoch."""

from __future__ import annotations

import sqlite3

from ...errors import OutboxError
from ...ledger.atomic import transaction
from ...ledger.schema import statements

__all__ = ["APPLICATION_ID", "VERSION", "is_made", "make"]

APPLICATION_ID = 0x6373_6F62  # "csob"
VERSION = 1

_TABLES = """
-- Up to where the change log was looked at: one row. `mark` tells a change from another that had
-- its number before the ledger was restored.
CREATE TABLE position (
  ledger TEXT NOT NULL,
  seq INTEGER NOT NULL,
  mark TEXT,
  note TEXT,                         -- why the position was set anew, for status
  noted INTEGER
);

CREATE TABLE subscription (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  query TEXT NOT NULL,
  events TEXT NOT NULL,              -- JSON
  first INTEGER NOT NULL,
  configured INTEGER NOT NULL,       -- 0: not in the config any more; what waits is held
  covered INTEGER NOT NULL,          -- messages stand for every change up to here
  opened INTEGER                     -- when the window of what waits in `match` was opened
);

CREATE TABLE match (
  subscription_id INTEGER NOT NULL REFERENCES subscription,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  package TEXT,
  tag TEXT,
  document TEXT,
  PRIMARY KEY (subscription_id, seq)
) WITHOUT ROWID;

CREATE TABLE target (
  id INTEGER PRIMARY KEY,
  subscription_id INTEGER NOT NULL REFERENCES subscription,
  address TEXT NOT NULL,             -- what the config says of it
  label TEXT NOT NULL,               -- as it may be shown
  configured INTEGER NOT NULL,
  disabled INTEGER,                  -- since when; NULL: it is not
  reason TEXT,
  announced INTEGER NOT NULL,        -- 1: the change log says that it is disabled
  failing_since INTEGER,
  last_attempt INTEGER,
  last_success INTEGER,
  last_status INTEGER,
  last_detail TEXT,
  UNIQUE (subscription_id, address)
);

CREATE TABLE message (
  id TEXT PRIMARY KEY,               -- the webhook-id
  subscription_id INTEGER NOT NULL REFERENCES subscription,
  type TEXT NOT NULL,
  body BLOB NOT NULL,
  created INTEGER NOT NULL,
  since_seq INTEGER NOT NULL,
  until_seq INTEGER NOT NULL,
  changes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX message_created ON message (created);

-- In the order of their ids, for each target.
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL REFERENCES message,
  target_id INTEGER NOT NULL REFERENCES target,
  state INTEGER NOT NULL,            -- 0 pending, 1 delivered, 2 dead
  attempts INTEGER NOT NULL,
  due INTEGER NOT NULL,              -- when the next attempt may be made
  created INTEGER NOT NULL,
  finished INTEGER,
  status INTEGER,
  detail TEXT
);
CREATE INDEX delivery_pending ON delivery (target_id, id) WHERE state = 0;
CREATE INDEX delivery_dead ON delivery (target_id, finished) WHERE state = 2;
CREATE INDEX delivery_finished ON delivery (finished) WHERE state != 0;
CREATE INDEX delivery_message ON delivery (message_id);
"""


def is_made(db: sqlite3.Connection) -> bool:
    """Whether there are tables yet.

    Raises OutboxError when the database is another one, or was written by a newer cachesync.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if (version, application) == (VERSION, APPLICATION_ID):
        return True
    if (version, application) != (0, 0):
        newer = application == APPLICATION_ID
        raise OutboxError(
            f"the outbox has schema {version}, this cachesync knows {VERSION}" if newer
            else "outbox.sqlite in the state directory is no outbox of cachesync",
            hint="upgrade cachesync" if newer else "move it away",
        )  # fmt: skip
    return False


def make(db: sqlite3.Connection) -> None:
    """Make the tables where there are none yet. Raises OutboxError, as `is_made`."""
    if is_made(db):
        return
    with transaction(db):
        for statement in statements(_TABLES):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")
