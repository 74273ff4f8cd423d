"""Commands that notify where no daemon does: what is told where the outbox cannot be used."""

import sqlite3
from contextlib import closing

import pytest

from cachesync.notify.outbox.sound import fault
from tests.support.world import World, spec

SUBSCRIPTION = (
    "subscriptions:\n  - {name: all, query: hdf5, targets: [{type: command, argv: [/bin/true]}]}\n"
)


@pytest.fixture
def world(tmp_path) -> World:
    """One source, synced, whose outbox is none any more."""
    made = World(tmp_path)
    made.configure(f"sources:\n{made.directory_source()}{SUBSCRIPTION}")
    made.page("develop", "hdf5", spec("a"))
    made.sync()
    for path in made.state.glob("outbox.sqlite*"):
        path.write_bytes(b"garbage" * 1000)
    return made


def test_who_looks_after_a_pass_is_told_that_nobody_is_notified(world):
    """Without a daemon it is `sync` that finds out; the remedy is the one for this fault, and works."""
    said = world.run("sync", status=1).err
    assert "is damaged: file is not a database\n" in said
    for command in (("status",), ("doctor", "--offline")):
        out = world.run(*command, status=None).out
        assert "nobody is notified: the outbox" in out
        assert "remedy: move outbox.sqlite* away: subscriptions then start from now" in out
    world.run("status", "--check", status=2)

    for path in world.state.glob("outbox.sqlite*"):
        path.rename(world.root / path.name)
    world.sync()
    assert world.run("status", "--check").out == "cachesync ok\n"


@pytest.mark.parametrize("damage", ["all", "header", "page"])
def test_who_looks_before_anybody_notifies_finds_it_out(tmp_path, damage):
    """Nothing ran since it was damaged: status and doctor look at it, and make nothing beside it."""
    world = World(tmp_path)
    world.configure(f"sources:\n{world.directory_source()}{SUBSCRIPTION}")
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    path = world.state / "outbox.sqlite"
    whole = path.read_bytes()
    assert world.run("status", "--check").out == "cachesync ok\n"
    names = sorted(child.name for child in world.state.iterdir())
    at = {"all": slice(None), "header": slice(0, 4), "page": slice(100, None)}[damage]
    data = bytearray(whole)
    data[at] = b"\xa5" * len(data[at])
    path.write_bytes(data)
    assert world.run("status", "--check", status=2).out.startswith(
        f"cachesync failing: notifications: nobody is notified: the outbox {path} is damaged: "
    )
    told = world.run("doctor", "--offline", status=1).out
    assert told.count(f"the outbox {path} is damaged") == 1
    assert "remedy: move outbox.sqlite* away: subscriptions then start from now" in told
    path.write_bytes(whole)
    assert world.run("status", "--check").out == "cachesync ok\n"
    assert sorted(child.name for child in world.state.iterdir()) == names


def test_doctor_reads_every_page_of_the_outbox(tmp_path):
    """What a look at the numbers does not touch may be damaged too."""
    world = World(tmp_path)
    world.configure(f"sources:\n{world.directory_source()}{SUBSCRIPTION}")
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    path = world.state / "outbox.sqlite"
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    world.run("status", "--check")
    told = world.run("doctor", "--offline", status=1).out
    assert f"error   outbox: the outbox {path} is damaged: " in told


def test_an_outbox_that_is_used_or_begun_is_no_fault(tmp_path):
    """While somebody works on it they find out; an empty one will be made."""
    world = World(tmp_path)
    world.configure(f"sources:\n{world.directory_source()}{SUBSCRIPTION}")
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    path = world.state / "outbox.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE more (a)")
        assert fault(world.state, every_page=True) is None
        db.execute("DROP TABLE more")
    path.write_bytes(b"")
    assert fault(world.state, every_page=True) is None


def test_an_outbox_of_a_newer_cachesync_is_told(tmp_path):
    """It cannot be used by this one, and is not damaged."""
    world = World(tmp_path)
    world.configure(f"sources:\n{world.directory_source()}{SUBSCRIPTION}")
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    with closing(sqlite3.connect(world.state / "outbox.sqlite")) as db:
        db.execute("PRAGMA user_version = 99")
    said = world.run("status", "--check", status=2).out
    assert "nobody is notified: the outbox has schema 99, this cachesync knows " in said


def test_nobody_to_notify_is_no_fault(world):
    """Where nothing is subscribed any more, what was wrong with the outbox is over."""
    world.run("sync", status=1)
    for path in world.state.glob("outbox.sqlite*"):
        path.unlink()
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    assert world.run("status", "--check").out == "cachesync ok\n"
