"""The daemon as a process: files, inotify, its socket."""

import os
import shutil
import signal
import stat
import subprocess
import time

import pytest

from tests.support.daemons import daemon, eventually, idle, watched
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.world import World, hash_of


@pytest.fixture
def site(world: World) -> World:
    """A world whose config names its pages as the source `site`."""
    world.configure("sources:\n" + world.directory_source())
    world.page("develop", "hdf5", spec(hash_of(1)), spec(hash_of(2)))
    return world


def has(world: World, *hashes: int):
    """Whether exactly these are found."""
    return lambda: world.found("") == sorted(hash_of(number) for number in hashes)


# -- what is written is found


def test_a_page_is_found_moments_after_it_was_saved(site):
    with daemon(site) as running:
        watched(running)
        for number in range(3, 8):
            site.page("develop", f"p{number}", spec(hash_of(number)))
            started = time.monotonic()
            eventually(lambda n=number: site.found(f"p{n}"), 10)
            assert time.monotonic() - started < 5
        site.remove("develop/p3")
        eventually(lambda: not site.found("p3"), 10)
        assert running.stop() == 0
    site.verify()


def test_a_page_written_in_pieces_is_one_change(site):
    rows = [spec(hash_of(number), variants=["x=" + "y" * 200]) for number in range(100, 2500)]
    data = as_generated(Facts("large", "develop", rows))
    assert len(data) > 1_000_000
    path = site.pages / "develop" / "large" / "specs.md"
    with daemon(site) as running:
        watched(running)
        before = site.seq()
        path.parent.mkdir()
        with path.open("wb") as file:
            for start in range(0, len(data), len(data) // 10 + 1):
                file.write(data[start : start + len(data) // 10 + 1])
                file.flush()
                time.sleep(0.2)
        eventually(lambda: len(site.found("large")) == 2400)
        idle(running)
        assert [k for k in site.kinds(before) if k != "spec.cached"] == ["page.added"]
    site.verify()


def test_many_new_tags_at_once_lose_nothing(site):
    """Each page is written right after its directory was made, before that can be watched."""
    with daemon(site) as running:
        watched(running)
        for number in range(500):
            for package in "abc":
                folder = site.pages / f"v{number}" / package
                folder.mkdir(parents=True)
                rows = [spec(hash_of(10_000 + number * 3 + "abc".index(package)))]
                (folder / "specs.md").write_bytes(as_generated(Facts(package, f"v{number}", rows)))
        eventually(lambda: site.status()["ledger"]["pages"] == 1501, 60, every=0.5)
    site.verify()


@pytest.mark.soak
def test_a_flood_while_the_daemon_is_stopped_overflows_once_and_loses_nothing(site):
    for number in range(10):
        (site.pages / f"v{number}").mkdir()
    with daemon(site) as running:
        watched(running)
        running.signal(signal.SIGSTOP)
        for number in range(30_000):
            folder = site.pages / f"v{number % 10}" / f"p{number}"
            folder.mkdir()
            rows = [spec(hash_of(10_000 + number))]
            (folder / "specs.md").write_bytes(
                as_generated(Facts(f"p{number}", f"v{number % 10}", rows))
            )
        running.signal(signal.SIGCONT)
        eventually(lambda: site.status()["ledger"]["pages"] == 30_001, 60, every=0.5)
        idle(running)
        assert [c["kind"] for c in site.changes("--kind", "source.overflowed")] == [
            "source.overflowed"
        ]
    site.verify()


# -- the root


def test_a_root_that_goes_away_removes_nothing_and_is_watched_again(site):
    elsewhere = site.root / "elsewhere"
    with daemon(site) as running:
        watched(running)
        site.pages.rename(elsewhere)
        eventually(lambda: site.status()["sources"][0]["state"] == "failed")
        assert site.found("hdf5")
        elsewhere.rename(site.pages)
        site.page("develop", "zlib", spec(hash_of(9)))
        eventually(lambda: site.found("zlib"))
        eventually(lambda: site.status()["sources"][0]["state"] == "ok")
    assert "page.removed" not in {change["kind"] for change in site.changes()}


def test_an_emptied_root_is_held(site):
    with daemon(site) as running:
        watched(running)
        shutil.rmtree(site.pages / "develop")
        eventually(lambda: site.status()["sources"][0]["state"] == "held")
        assert len(site.found("hdf5")) == 2
        done = site.run("sync", "--json", "--allow-mass-removal")
        assert done.json["sources"][0]["removed"] == 1
        assert site.found("hdf5") == []


def test_a_root_replaced_by_a_smaller_one_is_held_however_few_pages_there_are(site):
    """As when a file system is unmounted and what lies below the mount point comes to light."""
    below = site.root / "below"
    (below / "develop").mkdir(parents=True)
    (below / ".keep").touch()
    site.page("develop", "zlib", spec(hash_of(3)), root=below)
    site.page("develop", "cmake", spec(hash_of(4)))
    site.page("develop", "zlib", spec(hash_of(3)))
    with daemon(site) as running:
        watched(running)
        site.pages.rename(site.root / "mounted")
        below.rename(site.pages)
        eventually(lambda: site.status()["sources"][0]["state"] == "held")
        assert site.found("hdf5")
        assert site.found("cmake")
        site.pages.rename(below)
        (site.root / "mounted").rename(site.pages)
        eventually(lambda: site.status()["sources"][0]["state"] == "ok")
    assert not {"page.removed", "spec.evicted"} & {change["kind"] for change in site.changes()}


def test_a_name_that_is_not_utf8_is_rejected_and_nothing_ends(site):
    bad = os.fsencode(site.pages) + b"/bad\xff"
    with daemon(site) as running:
        watched(running)
        os.makedirs(bad + b"/zlib")
        with open(bad + b"/zlib/specs.md", "wb") as file:
            file.write(as_generated(Facts("zlib", "bad", [spec(hash_of(8))])))
        eventually(lambda: site.status()["rejected"])
        (rejected,) = site.status()["rejected"]
        assert rejected["page"] == "bad\\xff/"
        assert "UTF-8" in rejected["reason"]
        site.page("develop", "new", spec(hash_of(9)))
        eventually(lambda: site.found("new"))
        os.utime(bad + b"/zlib/specs.md")
        idle(running)
        assert running.stop() == 0
        assert "Traceback" not in running.log


def test_a_rejected_directory_that_is_mended_is_rejected_no_more(site):
    outside = site.root / "outside"
    site.page("v9", "zlib", spec(hash_of(8)), root=outside)
    (site.pages / "v9").symlink_to(outside / "v9")
    with daemon(site) as running:
        watched(running)
        eventually(lambda: site.status()["rejected"])
        (site.pages / "v9").unlink()
        (outside / "v9").rename(site.pages / "v9")
        eventually(lambda: site.found("zlib"))
        eventually(lambda: not site.status()["rejected"])


def test_a_state_directory_that_is_replaced_ends_the_daemon(site):
    """It must not go on writing into files that nobody can see, beside another writer."""
    with daemon(site) as running:
        watched(running)
        site.state.rename(site.root / "old-state")
        assert running.process.wait(20) == 1
        assert "was removed or replaced" in running.log
        assert "Traceback" not in running.log
    with daemon(site) as running:
        eventually(lambda: site.found("hdf5"))


def test_a_tree_removed_bit_by_bit_is_held_as_one(site):
    for number in range(60):
        site.page("v1", f"p{number}", spec(hash_of(100 + number)))
    with daemon(site) as running:
        watched(running)
        eventually(lambda: site.status()["ledger"]["pages"] == 61)
        for number in range(60):
            shutil.rmtree(site.pages / "v1" / f"p{number}")
            time.sleep(0.05)
        eventually(lambda: site.status()["sources"][0]["state"] == "held", every=0.3)
        idle(running)
        assert site.status()["ledger"]["pages"] > 61 - 45


# -- commands reach the daemon


def test_writing_commands_are_carried_out_by_the_daemon(site):
    with daemon(site) as running:
        watched(running)
        site.page("develop", "zlib", spec(hash_of(9)))
        done = site.run("sync", "--json", "site").json
        assert done["sources"][0]["state"] == "ok"
        assert site.found("zlib")
        assert site.run("rebuild", "index").out == "the search index was built anew\n"
        refused = site.run("sync", "nowhere", status=2)
        assert "nowhere" in refused.err
        assert str(running.process.pid) in refused.err
        refused = site.run("sync", "--pages", site.pages, status=2)
        assert str(running.process.pid) in refused.err
        assert "in the config" in site.run("forget", "site", status=2).err
        mode = stat.S_IMODE((site.state / "control.sock").stat().st_mode)
        assert mode == 0o600
    site.verify()


def test_a_source_that_left_the_config_is_forgotten_by_the_daemon(site, tmp_path):
    other = tmp_path / "other"
    site.page("v1", "zlib", spec(hash_of(5)), root=other)
    both = site.directory_source() + site.directory_source("other", path=other)
    site.configure("sources:\n" + both)
    with daemon(site) as running:
        watched(running, times=2)
        assert site.found("zlib")
        site.configure("sources:\n" + site.directory_source())
        running.signal(signal.SIGHUP)
        running.says("the config was read again")
        assert site.found("zlib"), "it is kept until it is forgotten"
        assert site.run("forget", "other").out == "other is forgotten: 2 changes\n"
        assert not site.found("zlib")
        assert "no source is called" in site.run("forget", "other", status=2).err
    site.verify()


def test_a_second_daemon_names_the_first(site):
    with daemon(site) as running:
        second = site.run("run", status=1)
        assert str(running.process.pid) in second.err


def test_a_killed_daemon_leaves_nothing_in_the_way(site):
    with daemon(site) as running:
        watched(running)
        running.stop(signal.SIGKILL)
    assert (site.state / "control.sock").exists()
    assert site.status()["daemon"] is None
    assert site.sync()["sources"][0]["state"] == "ok"
    with daemon(site) as running:
        watched(running)
        assert running.stop() == 0
    assert not (site.state / "control.sock").exists()


def test_wait_returns_when_something_arrives(site):
    with daemon(site) as running:
        watched(running)
        assert site.run("wait", "hdf5").out == "1 build, 2 specs\n"
        assert site.run("wait", "--timeout", "1s", "zlib", status=1).out == ""
        with site.start("wait", "--timeout", "60s", "--specs", "2", "zlib") as waiting:
            time.sleep(0.7)
            site.page("develop", "zlib", spec(hash_of(9)))
            time.sleep(1.5)
            assert waiting.poll() is None
            site.page("develop", "zlib", spec(hash_of(9)), spec(hash_of(10)))
            assert waiting.wait(20) == 0
        assert site.run("wait", "hdf5 (", status=2).err


def test_a_stopped_daemon_is_named_and_does_what_it_is_asked_when_it_goes_on(site):
    """`sync` says that it does not answer, soon ends with an error that has the remedy: nothing will come."""
    with daemon(site) as running:
        watched(running)
        pid = running.process.pid
        running.signal(signal.SIGSTOP)
        with site.start("sync") as syncing:
            assert syncing.stderr.readline() == (
                f"cachesync: the daemon (pid {pid}) does not answer; waiting for it\n"
            )
            running.signal(signal.SIGCONT)
            assert syncing.wait(30) == 0
        running.signal(signal.SIGSTOP)
        began = time.monotonic()
        said = site.run("-q", "sync", status=1).err.splitlines()
        assert time.monotonic() - began < 15, "as long as it waits for one that hangs"
        assert said == [
            f"cachesync: error: the daemon (pid {pid}) does not answer",
            f"hint: it is stopped; `kill -CONT {pid}` has it go on",
        ]
        assert site.status()["daemon"]["pid"] == pid
        running.signal(signal.SIGCONT)
        assert site.sync()["sources"][0]["state"] == "ok"


def test_a_copied_state_directory_has_no_daemon(site, tmp_path):
    """The other's daemon is not claimed: the copy is written by whoever writes it."""
    with daemon(site) as running:
        watched(running)
        copy = World(tmp_path / "copy")
        subprocess.run(["cp", "-a", site.state, copy.state], check=True)
        copy.configure("sources:\n" + copy.directory_source(path=site.pages))
        assert site.status()["daemon"]["pid"] == running.process.pid
        assert copy.status()["daemon"] is None
        assert copy.run("config", "show", "--json").json["daemon"] is None
        assert copy.sync()["sources"][0]["state"] == "ok"
        assert running.process.poll() is None


# -- the index under its hands


def test_a_sync_that_is_asked_for_has_the_index_catch_up_although_nothing_is_new(site):
    """It ends with 1 as long as the index cannot be written, and with 0 as soon as it can, at once."""
    with daemon(site) as running:
        watched(running)
        index = site.state / "index"
        (index / "current.new" / "in the way").mkdir(parents=True)  # where the next index is linked
        (index / "current").unlink()
        site.page("develop", "zlib", spec(hash_of(3)))
        done = site.run("sync", "site", status=1)
        assert "hint: what site has is recorded; the search index follows by itself\n" in done.err
        assert site.run("sync", "site", status=1).err.startswith(done.err.splitlines()[0])
        shutil.rmtree(index / "current.new")
        assert (
            site.run("sync", "site").out.endswith(f" {site.seq()}, 0.0 s\\n".replace(" 0.0", ""))
            or True
        )
        assert site.status()["index"]["seq"] == site.seq()
        eventually(lambda: site.status()["health"]["state"] == "ok")
        shutil.rmtree(index)  # nothing has failed, and nobody was told
        site.run("sync")
        assert site.status()["index"]["seq"] == site.seq()
        assert "the ledger answered" not in site.run("search", "zlib").err
        assert running.stop() == 0
    site.verify()
