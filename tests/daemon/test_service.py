"""The daemon's parts in one process: what dies or falls silent ends it, or is named."""

import sys
import threading
import time

import pytest

from cachesync.config.file import parse
from cachesync.daemon.service import Service
from cachesync.ledger import connect
from tests.support.daemons import eventually
from tests.support.pagetext import spec
from tests.support.world import World, hash_of


@pytest.fixture
def service(world: World):
    world.page("develop", "hdf5", spec(hash_of(1)))
    text = "sources:\n" + world.directory_source()
    with connect.writer_lock(world.state):
        made = Service(world.state, lambda: parse(text, name="test"), environment={})
        made.start()
        eventually(lambda: made.sources["site"].watcher.directories >= 3)
        yield made
        made.stop()


def test_a_dead_watcher_ends_the_daemon(service, world):
    """systemd starts it anew; a watcher that is gone would never say so."""
    assert service.dead() is None
    assert service._look_around()
    watcher = service.sources["site"].watcher
    watcher._tell = None  # what it calls next raises
    world.page("develop", "zlib", spec(hash_of(2)))
    eventually(lambda: not watcher.is_alive())
    assert service.dead().startswith("the watcher of site (TypeError")
    assert service.loop() == 1


def test_a_part_that_begins_is_never_taken_for_a_dead_one(world):
    """Whoever looks while notifications begin, at a reload or since their outbox was removed, sees none."""
    subscribed = """\
subscriptions:
  - {name: all, query: "", targets: [{type: command, argv: [/bin/true]}]}
"""
    text = "sources:\n" + world.directory_source()
    said = [text]
    with connect.writer_lock(world.state):
        made = Service(world.state, lambda: parse(said[0], name="test"), environment={})
        made.start()
        seen, interval = set(), sys.getswitchinterval()
        stop = threading.Event()

        def look() -> None:
            while not stop.is_set():
                seen.add(made.deliveries.dead())

        watching = [threading.Thread(target=look) for _ in range(3)]
        try:
            sys.setswitchinterval(1e-6)
            for one in watching:
                one.start()
            said[0] = text + subscribed
            made._reload()
            eventually(made.deliveries.document)
        finally:
            sys.setswitchinterval(interval)
            stop.set()
            for one in watching:
                one.join()
            made.stop()
    assert seen == {None}


def test_a_part_that_falls_silent_is_stuck(service):
    assert service.health()["healthy"]
    worker = service.sources["site"].worker
    eventually(lambda: worker.state.doing == "idle")
    assert service.sources.stuck(time.monotonic() + 100) == "the schedule"
    worker._set(doing="reading everything")
    assert service.sources.stuck_pass(time.monotonic() + 4000) == "the pass over site"
    worker._set(doing="idle")
    assert service.sources.stuck_pass(time.monotonic() + 4000) is None


def test_a_clock_that_was_set_is_noticed(service, caplog):
    service._offset += 5_000
    assert service._look_around()
    assert "the clock was set by -5000 s" in caplog.text
    caplog.clear()
    assert service._look_around()
    assert "clock" not in caplog.text


def test_what_happened_waits_until_it_was_looked_at(service, world):
    """It is said from the event on, so that whoever sees nothing wait knows that all was seen."""
    worker = service.sources["site"].worker
    eventually(lambda: worker.state.passes and not worker.waiting)
    passes = worker.state.passes
    world.page("develop", "zlib", spec(hash_of(2)))
    eventually(lambda: worker.waiting, every=0.001)
    eventually(lambda: not worker.waiting)
    assert worker.state.passes > passes
