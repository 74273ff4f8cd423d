"""Commands that notify where no daemon does: what is told where the outbox cannot be used."""

import pytest

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


def test_nobody_to_notify_is_no_fault(world):
    """Where nothing is subscribed any more, what was wrong with the outbox is over."""
    world.run("sync", status=1)
    for path in world.state.glob("outbox.sqlite*"):
        path.unlink()
    world.configure(f"sources:\n{world.directory_source()}")
    world.sync()
    assert world.run("status", "--check").out == "cachesync ok\n"
