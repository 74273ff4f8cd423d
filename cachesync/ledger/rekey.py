"""Builds found by a digest: an index over all they say is as large as they are, one over digests a tenth."""

from __future__ import annotations

import sqlite3

from .shapes import digest

__all__ = ["rekey_builds"]

_COLUMNS = "package, version, compiler, os, platform, target, variants"


def rekey_builds(db: sqlite3.Connection) -> None:
    """Give builds their digests, and drop the index over everything; within the caller's transaction."""
    db.execute(
        "CREATE TABLE build_4 ("
        " id INTEGER PRIMARY KEY,"
        " package TEXT NOT NULL,"
        " version TEXT NOT NULL,"
        " version_key BLOB NOT NULL,"
        " compiler TEXT NOT NULL,"
        " os TEXT NOT NULL,"
        " platform TEXT NOT NULL,"
        " target TEXT NOT NULL,"
        " variants TEXT NOT NULL,"
        " digest INTEGER NOT NULL)"
    )
    db.create_function(
        "build_digest", 7, lambda *parts: digest("\n".join(parts)), deterministic=True
    )
    db.execute(
        f"INSERT INTO build_4 SELECT id, package, version, version_key, compiler, os, platform,"
        f" target, variants, build_digest({_COLUMNS}) FROM build ORDER BY id"
    )
    db.create_function("build_digest", 7, None)
    db.execute("DROP TABLE build")
    db.execute("ALTER TABLE build_4 RENAME TO build")
    db.execute("CREATE INDEX build_digest ON build (digest)")
    db.execute("CREATE INDEX build_package ON build (package)")
    db.execute("CREATE INDEX build_order ON build (length(package), package, version_key DESC, id)")
