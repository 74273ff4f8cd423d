"""The ledger's tables and how older ones become these. Migrations commit with their number.

Integers stand for what repeats (pages, specs, builds, stack sets), so 425,000 placements fit in
some 20 MB. `tag`, `page`, `spec`, `build` and `stacks` rows are never deleted: the change log refers
to them, which keeps every change understandable after what it speaks of is gone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable

from ..errors import LedgerError

__all__ = ["APPLICATION_ID", "VERSION", "migrate", "statements"]

APPLICATION_ID = 0x6373_796E  # "csyn"

_V1 = """
CREATE TABLE ledger (id TEXT NOT NULL, created INTEGER NOT NULL);

CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  location TEXT NOT NULL,
  configured INTEGER NOT NULL,       -- 0: named by `sync --pages`
  state TEXT NOT NULL,
  error TEXT,
  interval INTEGER,                  -- seconds between passes, when the config says so
  selection TEXT,                    -- the globs of the last complete pass; NULL: none yet
  last_attempt INTEGER,
  last_success INTEGER,
  forgotten INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE tag (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  name TEXT NOT NULL,
  UNIQUE (source_id, name)
);

CREATE TABLE page (
  id INTEGER PRIMARY KEY,
  tag_id INTEGER NOT NULL REFERENCES tag,
  package TEXT NOT NULL,
  present INTEGER NOT NULL,
  UNIQUE (tag_id, package)
);

-- Where pages lie. page_id is the page a good file holds, or last held when it was good.
CREATE TABLE location (
  source_id INTEGER NOT NULL REFERENCES source,
  path TEXT NOT NULL,
  signature TEXT,                    -- NULL: read it again in the next pass
  digest BLOB,
  state INTEGER NOT NULL,
  reason TEXT,
  since INTEGER NOT NULL,
  warnings TEXT,
  page_id INTEGER REFERENCES page,
  PRIMARY KEY (source_id, path)
) WITHOUT ROWID;
CREATE UNIQUE INDEX location_page ON location (page_id) WHERE page_id IS NOT NULL;
CREATE INDEX location_trouble ON location (source_id, path) WHERE state != 0 OR warnings IS NOT NULL;

CREATE TABLE build (
  id INTEGER PRIMARY KEY,
  package TEXT NOT NULL,
  version TEXT NOT NULL,
  version_key BLOB NOT NULL,         -- compares as Spack compares versions
  compiler TEXT NOT NULL,
  os TEXT NOT NULL,
  platform TEXT NOT NULL,
  target TEXT NOT NULL,
  variants TEXT NOT NULL,            -- sorted, a line each
  UNIQUE (package, version, compiler, os, platform, target, variants)
);

-- The order of search results of equal score.
CREATE INDEX build_order ON build (length(package), package, version_key DESC, id);

CREATE TABLE spec (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  build_id INTEGER NOT NULL REFERENCES build
);
CREATE INDEX spec_build ON spec (build_id);

CREATE TABLE stacks (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);

CREATE TABLE placement (
  spec_id INTEGER NOT NULL REFERENCES spec,
  page_id INTEGER NOT NULL REFERENCES page,
  stacks_id INTEGER NOT NULL REFERENCES stacks,
  PRIMARY KEY (spec_id, page_id)
) WITHOUT ROWID;
CREATE INDEX placement_page ON placement (page_id);

CREATE TABLE change (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  page_id INTEGER,
  spec_id INTEGER,
  build_id INTEGER,
  stacks_id INTEGER,
  before_id INTEGER,                 -- of restacked: stacks; of refined: build
  flags INTEGER NOT NULL,
  detail TEXT                        -- JSON, of the kinds that need words
);
"""

_V2 = """
-- What a source wants to be told in its next pass: entity tags, the hashes of trees.
CREATE TABLE memory (
  source_id INTEGER NOT NULL REFERENCES source,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (source_id, key)
) WITHOUT ROWID;
"""

_V4 = """
-- What a cache index tells of specs. Rows of these four are never changed: the change log refers to
-- them. What is known of a spec now is the row that `spec.node_id` names.
CREATE TABLE edge_kind (
  id INTEGER PRIMARY KEY,
  names TEXT NOT NULL UNIQUE         -- types, an empty line, virtuals; a line each
);
CREATE TABLE target (id INTEGER PRIMARY KEY, document TEXT NOT NULL UNIQUE);
CREATE TABLE details (
  id INTEGER PRIMARY KEY,
  digest INTEGER NOT NULL,           -- to find a document by
  document TEXT NOT NULL             -- see `shapes`
);
CREATE INDEX details_digest ON details (digest);
CREATE TABLE node (
  id INTEGER PRIMARY KEY,
  details_id INTEGER NOT NULL REFERENCES details,
  degree INTEGER NOT NULL,           -- how many edges
  edges BLOB NOT NULL                -- see `edges`
);
ALTER TABLE spec ADD COLUMN node_id INTEGER REFERENCES node;
ALTER TABLE spec ADD COLUMN checksum BLOB;  -- of the record that told of it first; see `doubts`
-- Other records that told of a spec: the same binary, described by another Spack.
CREATE TABLE form (
  spec_id INTEGER NOT NULL REFERENCES spec,
  checksum BLOB NOT NULL,
  PRIMARY KEY (spec_id, checksum)
) WITHOUT ROWID;

-- The cache indexes of a source; each says everything of one stack of one tag.
CREATE TABLE statement (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  url TEXT NOT NULL,                 -- of the mirror, as it may be shown
  view TEXT,
  tag TEXT NOT NULL,
  stack TEXT NOT NULL,
  path TEXT NOT NULL,                -- of the row in `location`
  checksum TEXT,                     -- of the index that was recorded last
  passes INTEGER NOT NULL,           -- that reached the mirror, and count for what leaves
  last_success INTEGER,
  memory TEXT NOT NULL,              -- JSON: what the next pass is to be given
  UNIQUE (source_id, tag, stack)
);
-- Specs that are placed, and absent from the index since a pass.
CREATE TABLE leaving (
  statement_id INTEGER NOT NULL REFERENCES statement,
  spec_id INTEGER NOT NULL REFERENCES spec,
  since INTEGER NOT NULL,
  PRIMARY KEY (statement_id, spec_id)
) WITHOUT ROWID;
"""

_V6 = """
-- What the guard measures removals against: how much a source had before they began.
ALTER TABLE leaving ADD COLUMN base INTEGER;  -- specs of the source; NULL: nobody knows
CREATE TABLE held (
  source_id INTEGER PRIMARY KEY REFERENCES source,
  base INTEGER NOT NULL,             -- pages or specs of the source
  since INTEGER                      -- what went after this change counts as well
);
"""

_V7 = """
-- Of mirrors whose spec manifests are read: whether that of a placed spec was signed when it was read.
CREATE TABLE signature (
  statement_id INTEGER NOT NULL REFERENCES statement,
  spec_id INTEGER NOT NULL REFERENCES spec,
  signed INTEGER NOT NULL,
  PRIMARY KEY (statement_id, spec_id)
) WITHOUT ROWID;
"""


def _normalise_variants(db: sqlite3.Connection) -> None:
    from .normalise import normalise_variants  # here: a search migrates nothing

    normalise_variants(db)


def _with_nodes(db: sqlite3.Connection) -> None:
    from .rekey import rekey_builds

    for statement in statements(_V4):
        db.execute(statement)
    rekey_builds(db)


def _with_languages(db: sqlite3.Connection) -> None:
    from .languages import tell_builds_apart

    tell_builds_apart(db)


_MIGRATIONS: tuple[str | Callable[[sqlite3.Connection], None], ...] = (
    _V1,
    _V2,
    _normalise_variants,
    _with_nodes,
    _with_languages,
    _V6,
    _V7,
)
VERSION = len(_MIGRATIONS)


def migrate(db: sqlite3.Connection, *, now: int) -> None:
    """Bring the open database to `VERSION`, in one transaction: nobody sees it halfway.

    Raises LedgerError when it is not a ledger or was written by a newer cachesync.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    check_version(version, application)
    if version == VERSION:
        return
    from .atomic import transaction  # who only reads has no need of it

    with transaction(db):
        for step in _MIGRATIONS[version:]:
            if callable(step):
                step(db)
                continue
            for statement in statements(step):
                db.execute(statement)
        if version == 0:
            db.execute("INSERT INTO ledger VALUES (?, ?)", (os.urandom(16).hex(), now))
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")


def check_version(version: int, application: int) -> None:
    """Raise LedgerError unless a database with these two numbers can be used or made into a ledger."""
    if version > VERSION:
        raise LedgerError(
            f"the ledger has schema {version}, this cachesync knows up to {VERSION}",
            hint="upgrade cachesync, or use another --state-dir",
        )
    if (version, application) != (0, 0) and application != APPLICATION_ID:
        raise LedgerError(
            "the database in the state directory is not a cachesync ledger",
            hint="use another --state-dir",
        )


def statements(script: str) -> list[str]:
    """The statements of a script, one by one: `executescript` would commit before each."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
