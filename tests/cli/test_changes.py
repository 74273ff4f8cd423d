"""`changes`: what it shows, and following it."""

import json
import signal

from tests.support.world import spec


def test_since(site):
    """A seq is exclusive; a time and an age are inclusive."""
    lines = site.changes()
    middle = lines[len(lines) // 2]["seq"]
    assert site.changes("--since", middle) == [line for line in lines if line["seq"] > middle]
    assert site.changes("--since", lines[-1]["seq"]) == []
    assert site.changes("--since", "0") == lines
    assert site.changes("--since", "2d") == lines
    assert site.changes("--since", "1970-01-01T00:00:00Z") == lines
    assert site.changes("--since", "2999-01-01") == []
    at = lines[-1]["at"]
    assert site.changes("--since", at)[-1] == lines[-1]
    assert site.changes("--since", at)[0]["at"] >= at


def test_filters(site):
    """Kinds add up, the other filters narrow."""
    lines = site.changes()

    def wanted(**conditions):
        return [c for c in lines if all(c.get(k) in v for k, v in conditions.items())]

    both = ["spec.evicted", "spec.restacked"]
    assert site.changes("--kind", both[0], "--kind", both[1]) == wanted(kind=both)
    assert site.changes("--package", "hdf5", "--tag", "v1") == wanted(package=["hdf5"], tag=["v1"])
    assert site.changes("--source", "site") == lines
    assert site.changes("--source", "other") == []
    assert len(wanted(kind=both)) == 2


def test_limit_of_changes(site):
    """--limit N is the oldest N after --since, and 0 is all."""
    lines = site.changes()
    assert site.run("changes", "--json", "--since", 1, "--limit", 2).lines == lines[1:3]
    assert site.run("changes", "--json", "--limit", 0).lines == lines
    human = site.run("changes", "--kind", "spec.restacked").out
    assert "-e4s" in human
    assert "develop/hdf5" in human


def test_follow_sees_a_later_sync_and_ends_with_130(world):
    """`changes --follow` prints what another process commits; Ctrl-C ends it with 130, said to programs only."""
    world.page("develop", "hdf5", spec("a"))
    world.sync()
    with world.start("changes", "--follow", "--json", "--package", "zlib", "--since", 0) as process:
        world.page("develop", "zlib", spec("z"))
        world.page("develop", "other", spec("o"))
        world.sync()
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [(line["kind"], line["package"]) for line in lines] == [
            ("page.added", "zlib"),
            ("spec.cached", "zlib"),
        ]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (130, "")
        assert json.loads(err.splitlines()[-1])["error"]["exit"] == 130
