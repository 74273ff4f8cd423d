"""When a real daemon lets go of what left the index of a mirror on disk: real files, real events."""

import json
import signal
import sqlite3
from datetime import datetime

from cachesync.ledger.connect import LEDGER_FILE
from tests.support import mirrors
from tests.support.daemons import daemon, eventually, watched
from tests.support.world import World

ZLIB = mirrors.record("zlib", "1.3.1")
HDF5 = mirrors.record("hdf5", "1.14.6", ZLIB)
SOME = [mirrors.record("some", f"1.{number}") for number in range(30)]
OTHER = [mirrors.record("other", f"1.{number}") for number in range(300)]


def configured(tmp_path, *, every, records):
    world = World(tmp_path / "world")
    made = mirrors.make_mirror(tmp_path / "mirror", records)
    world.configure(
        "sources:\n"
        f"  - {{name: ours, type: buildcache, url: '{made.url}', tag: t, every: {every}}}\n"
        "watch: {quiet: 50ms, mode: events}\n"
    )
    world.sync()
    return world, made


def leaving(world):
    """How many specs leave, as the ledger has them."""
    with sqlite3.connect(f"file:{world.state / LEDGER_FILE}?mode=ro", uri=True) as db:
        (count,) = db.execute("SELECT count(*) FROM leaving").fetchone()
    db.close()
    return count


def evicted(world):
    return [change["hash"] for change in world.changes("--kind", "spec.evicted")]


def passes(running):
    return running.state()["sources"]["ours"]["passes"]


def one_more_pass(running, what):
    """Do something that makes the daemon look at the mirror, and wait until it has."""
    before = passes(running)
    what()
    eventually(lambda: passes(running) > before)
    eventually(lambda: running.state()["sources"]["ours"]["doing"] == "idle")


def test_what_an_event_showed_to_have_left_is_let_go_by_no_event(tmp_path):
    """Neither touched, rewritten, replaced by the same nor read anew is a mirror absence once more."""
    world, made = configured(tmp_path, every="6h", records=[ZLIB, HDF5])
    with daemon(world) as running:
        watched(running)
        mirrors.make_mirror(made.path, [ZLIB])
        eventually(lambda: leaving(world) == 1)
        told = made.manifest.read_bytes()
        beside = made.manifest.with_name("beside")

        def replace():
            beside.write_bytes(told)
            beside.replace(made.manifest)

        for what in (
            lambda: made.manifest.write_bytes(told), replace, lambda: running.signal(signal.SIGHUP)
        ):  # fmt: skip
            for _ in range(2):
                one_more_pass(running, what)
                assert leaving(world) == 1
        mirrors.make_mirror(made.path, [ZLIB, HDF5])
        eventually(lambda: leaving(world) == 0)
        assert evicted(world) == []
    with daemon(world) as running:
        watched(running)
        mirrors.make_mirror(made.path, [ZLIB])
        eventually(lambda: leaving(world) == 1)
    with daemon(world) as running:  # nor does it count that it starts
        watched(running)
        assert leaving(world) == 1
        world.sync()
        assert evicted(world) == [HDF5.hash]


def test_what_left_a_quiet_mirror_is_let_go_by_the_schedule(tmp_path):
    """Where nothing happens any more, neither file nor event, `every` alone makes it settle.

    And not with the pass that happens to come moments after the event.
    """
    world, made = configured(tmp_path, every="3s", records=[ZLIB, HDF5])
    with daemon(world) as running:
        watched(running)
        mirrors.make_mirror(made.path, [ZLIB])
        eventually(lambda: evicted(world) == [HDF5.hash])
        assert leaving(world) == 0
        *_, read, gone = (datetime.fromisoformat(change["at"]) for change in world.changes())
        assert (gone - read).total_seconds() > 1.5, "at least once as long as `every`, under load"


def test_a_mirror_that_was_replaced_as_a_whole_is_held_by_daemon_after_daemon(tmp_path):
    """By the schedule, by events, by a command and after a restart, until it is accepted."""
    world, made = configured(tmp_path, every="1s", records=SOME)
    with daemon(world) as running:
        watched(running)
        mirrors.make_mirror(made.path, OTHER)
        running.says("30 of 30 specs")
        now = passes(running)
        eventually(lambda: passes(running) > now + 2)
    for _ in range(2):
        with daemon(world) as running:
            watched(running)
            eventually(lambda: passes(running) > 2)
            held = json.loads(world.run("sync", "--json", status=1).out)["sources"][0]
            assert (held["state"], held["held"]) == ("held", 30)
    assert evicted(world) == []
    world.run("sync", "--json", status=1)
    assert world.sync("--allow-mass-removal")["changes"]["spec.evicted"] == 30
