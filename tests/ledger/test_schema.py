"""Ledgers of older releases become those of this one, and nobody sees one halfway."""

import sqlite3

import pytest

from cachesync.errors import LedgerError
from cachesync.ledger import connect, schema
from tests.support.pagetext import spec
from tests.support.world import hash_of

WITHOUT_SIGNATURES = "DROP TABLE signature;"
WITHOUT_BASES = """
DROP TABLE held;
ALTER TABLE leaving DROP COLUMN base;
"""
WITHOUT_NODES = """
ALTER TABLE spec DROP COLUMN checksum;
ALTER TABLE spec DROP COLUMN node_id;
DROP TABLE leaving;
DROP TABLE statement;
DROP TABLE form;
DROP TABLE node;
DROP TABLE details;
DROP TABLE target;
DROP TABLE edge_kind;
CREATE TABLE build_3 (
  id INTEGER PRIMARY KEY, package TEXT NOT NULL, version TEXT NOT NULL, version_key BLOB NOT NULL,
  compiler TEXT NOT NULL, os TEXT NOT NULL, platform TEXT NOT NULL, target TEXT NOT NULL,
  variants TEXT NOT NULL, UNIQUE (package, version, compiler, os, platform, target, variants)
);
INSERT INTO build_3 SELECT id, package, version, version_key, compiler, os, platform, target, variants
  FROM build;
DROP TABLE build;
ALTER TABLE build_3 RENAME TO build;
CREATE INDEX build_order ON build (length(package), package, version_key DESC, id);
"""


def made_by(world, version: int) -> None:
    """Put a synced ledger back to what an older release would have made of it."""
    assert version in range(1, 7), "what newer releases added is to be taken away here"
    world.page("develop", "hdf5", spec(hash_of(1), variants=["libs:=shared,static"]))
    world.sync()
    with sqlite3.connect(world.state / connect.LEDGER_FILE) as db:
        db.executescript(WITHOUT_SIGNATURES)
        if version <= 5:
            db.executescript(WITHOUT_BASES)
        if version <= 4:
            db.execute("ALTER TABLE build DROP COLUMN compilers")
        if version <= 3:
            db.executescript(WITHOUT_NODES)
        if version == 1:
            db.execute("DROP TABLE memory")
            db.execute("CREATE INDEX change_page ON change (page_id)")
        if version <= 2:
            db.execute("UPDATE build SET variants = 'libs:=shared,static'")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_an_older_ledger_is_migrated_by_the_next_command_that_writes(world, version):
    made_by(world, version)
    told = world.run("search", "hdf5", status=1)
    assert f"schema {version}" in told.err
    assert f"`cachesync --state-dir {world.state} sync`" in told.err
    seq_before = 2
    assert world.sync()["seq"] == seq_before
    assert world.found("hdf5 libs:=static,shared") == [hash_of(1)]
    world.verify()


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(world, monkeypatch):
    made_by(world, 1)
    monkeypatch.setattr(
        schema, "_MIGRATIONS", (schema._V1, "CREATE TABLE a (b);\nCREATE TABLE a (b);\n")
    )
    with pytest.raises(LedgerError):
        connect.open_writer(world.state, now=0)
    with sqlite3.connect(world.state / connect.LEDGER_FILE) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'a'").fetchone() == (0,)
    db.close()


def test_a_newer_ledger_is_refused_and_left_alone(world):
    world.page("develop", "hdf5", spec(hash_of(1)))
    world.sync()
    with sqlite3.connect(world.state / connect.LEDGER_FILE) as db:
        db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    db.close()
    for command in (("sync", "--pages", world.pages), ("search", "hdf5")):
        told = world.run(*command, status=1)
        assert "upgrade" in told.err


BOTH = (
    "spec /a: os: this page says 'a', another says 'b'; 'b' is kept; variants: this page says"
    """ ("l='a,b'",), another says ("l:='b,a'",); ("l:='b,a'",) is kept"""
)


@pytest.mark.parametrize(
    ("warning", "left"),
    [
        ("spec /a: variants: this page says ('l=a',), another says ('l:=a',); ('l:=a',) is kept", None),
        (BOTH, BOTH.partition("; variants")[0]),
        ("spec /a: variants: this page says ('l=a',), another says ('l:=b',); ('l:=b',) is kept", ...),
        ("spec /a: variants: this page says (, ), another says (); ('a', \"\") is kept", ...),
        ("meta says 3 specs, spec_details 2", ...),
    ],
)  # fmt: skip
def test_a_warning_goes_where_only_the_form_of_variants_differed(warning, left):
    """And stays, with what is left of it, where anything else does."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(db, now=0)
    db.execute(
        "INSERT INTO source (name, type, location, configured, state) VALUES ('s', '', '', 1, 'ok')"
    )
    db.execute(
        "INSERT INTO location (source_id, path, state, since, warnings) VALUES (1, 'p', 0, 0, ?)",
        (warning,),
    )
    db.executescript(WITHOUT_SIGNATURES + WITHOUT_BASES + WITHOUT_NODES)
    db.execute("PRAGMA user_version = 2")
    schema.migrate(db, now=0)
    assert db.execute("SELECT warnings FROM location").fetchone() == (
        warning if left is ... else left,
    )
    db.close()


def test_the_wal_stays_for_those_who_may_not_write(tmp_path):
    """A writer that ends leaves an empty WAL and its memory: without them only a writer could read."""
    for now in (1, 2):
        db = connect.open_writer(tmp_path, now=now)
        db.execute("CREATE TABLE IF NOT EXISTS t (x)")
        db.execute("INSERT INTO t VALUES (1)")
        db.close()
        db.close()
        assert (tmp_path / "ledger.sqlite-wal").stat().st_size == 0
        assert (tmp_path / "ledger.sqlite-shm").exists()
    reader = connect.open_reader(tmp_path)
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (2,)
    reader.close()
