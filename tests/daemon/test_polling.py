"""What the daemon says of a directory that it polls."""

from tests.support.daemons import daemon, eventually
from tests.support.world import World, spec


def test_polling_that_is_configured_is_no_trouble(tmp_path):
    """`status` has the reason as data and in words; nothing is degraded, and changes are found."""
    world = World(tmp_path)
    world.page("develop", "zlib", spec())
    world.configure(
        f"sources: [{{name: site, type: directory, path: {world.pages}}}]\n"
        "watch: {mode: poll, every: 200ms, quiet: 50ms}\n"
    )
    with daemon(world) as running:
        source = eventually(
            lambda: (s := running.state()["sources"]["site"])["watch"] == "polling" and s
        )
        assert source["watch_reason"] == "configured"
        assert source["degraded"] is None
        assert source["watch_every"] >= 0.2
        assert "since `watch:` says so" in world.run("status").out
        world.page("develop", "hdf5", spec("b"))
        eventually(lambda: world.status()["ledger"]["pages"] == 2)
