"""The daemon as a process: files, inotify, signals, its socket, and other users."""

import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

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


# -- signals


def test_hangup_takes_a_good_config_over_and_refuses_a_bad_one(site):
    other = site.root / "other"
    site.page("v2", "zlib", spec(hash_of(50)), root=other)
    with daemon(site) as running:
        watched(running)
        site.config.write_text("sources: [{name: x}]\n")
        running.signal(signal.SIGHUP)
        running.says("the new config is refused")
        assert list(running.state()["sources"]) == ["site"]
        lines = site.directory_source() + site.directory_source("other", path=other)
        site.configure("sources:\n" + lines)
        running.signal(signal.SIGHUP)
        running.says("the config was read again, sources: site, other")
        eventually(lambda: site.found("zlib"))
        site.configure("sources:\n" + site.directory_source("other", path=other))
        running.signal(signal.SIGHUP)
        running.says("the config was read again, sources: other\n")
        states = {s["name"]: s["state"] for s in site.status()["sources"]}
        assert states["site"] == "orphaned"
        assert running.stop() == 0


def test_hangup_refuses_a_config_that_has_become_empty(site):
    with daemon(site) as running:
        watched(running)
        site.configure("")
        running.signal(signal.SIGHUP)
        running.says("the new config has no source and is refused")
        assert list(running.state()["sources"]) == ["site"]


def test_hangup_with_a_config_that_is_no_file(site):
    with daemon(site) as running:
        watched(running)
        site.config.unlink()
        os.mkfifo(site.config)
        running.signal(signal.SIGHUP)
        running.says("is refused")
        assert running.stop() == 0


def test_terminated_in_the_middle_of_an_import_it_ends_soon_and_resumes(site):
    for number in range(3000):
        rows = [spec(hash_of(1000 + number * 20 + i)) for i in range(20)]
        site.write(
            f"v{number % 7}/p{number}", as_generated(Facts(f"p{number}", f"v{number % 7}", rows))
        )
    with daemon(site) as running:
        eventually(lambda: site.run("status", "--json", status=None).status == 0)
        eventually(lambda: site.status()["ledger"]["pages"] > 0, every=0.02)
        started = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - started < 10
    assert "source.failed" not in {change["kind"] for change in site.changes()}
    with daemon(site):
        eventually(lambda: site.status()["ledger"]["pages"] == 3001, every=0.3)
    site.verify()


def test_stopped_and_continued_it_goes_on(site):
    """A stop that outlasts what it waits for (Ctrl-Z, a debugger, a suspended machine)."""
    with daemon(site) as running:
        watched(running)
        for number in range(3):
            running.signal(signal.SIGSTOP)
            time.sleep(1.5)
            running.signal(signal.SIGCONT)
            site.page("develop", f"p{number}", spec(hash_of(20 + number)))
            eventually(lambda n=number: site.found(f"p{n}"), 10)
        assert running.stop() == 0


def disturb(site: World, instants: int, seed: int) -> None:
    """Kill the daemon at random instants while pages are written steadily."""
    pick = random.Random(seed)
    number = 0
    expected: dict[str, list[str]] = {}
    for _ in range(instants):
        with daemon(site, ready=False) as running:
            until = time.monotonic() + pick.uniform(0.1, 2.5)
            while time.monotonic() < until:
                number += 1
                package = f"p{pick.randrange(40)}"
                hashes = [hash_of(5000 + number), hash_of(9_000_000 + number)]
                site.page("v1", package, *(spec(h) for h in hashes))
                expected[package] = hashes
                time.sleep(pick.uniform(0, 0.05))
            running.stop(signal.SIGKILL)
    with daemon(site) as running:
        watched(running)
        wanted = sorted(h for hashes in expected.values() for h in hashes)
        eventually(lambda: site.found("tag:v1") == wanted)
        assert running.stop() == 0
    site.verify()  # the log replays to what is placed: nothing is lost or doubled


def test_killed_at_random_instants_under_writing(site):
    disturb(site, 6, seed=1)


@pytest.mark.soak
def test_killed_at_a_hundred_instants_under_writing(site):
    disturb(site, 100, seed=2)


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


# -- seen from outside


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def test_metrics_and_health(site):
    pytest.importorskip("prometheus_client")
    port = _free_port()
    plain = "sources:\n" + site.directory_source()
    site.configure(plain + f'metrics: {{listen: "127.0.0.1:{port}"}}\n')
    with daemon(site) as running:
        watched(running)
        text = _ask(port, "/metrics")
        assert 'cachesync_source_pages{source="site"} 1.0' in text
        assert 'cachesync_watch_mode{mode="inotify",source="site"} 1.0' in text
        assert "cachesync_index_lag 0.0" in text
        assert json.loads(_ask(port, "/healthz")) == {
            "schema": 1, "healthy": True, "stuck": None,
            "detail": {"failing": [], "degraded": {}, "notifications": None},
        }  # fmt: skip
        site.pages.rename(site.root / "away")
        eventually(lambda: json.loads(_ask(port, "/healthz"))["detail"]["failing"] == ["site"])
        other = _free_port()
        site.configure(plain + f'metrics: {{listen: "127.0.0.1:{other}"}}\n')
        running.signal(signal.SIGHUP)
        running.says("the config was read again")
        assert json.loads(_ask(other, "/healthz"))["healthy"]


def test_a_busy_metrics_port_is_said_and_stops_nothing(site):
    pytest.importorskip("prometheus_client")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site.configure(
            f'sources:\n{site.directory_source()}metrics: {{listen: "127.0.0.1:{port}"}}\n'
        )
        found = site.run("doctor", "--json", status=1).json["findings"]
        assert [f["check"] for f in found if f["state"] == "error"] == ["metrics"]
        with daemon(site) as running:
            running.says("metrics: 127.0.0.1:")
            eventually(lambda: site.found("hdf5"))


def test_doctor_names_what_is_wrong_with_its_remedy(site):
    assert site.run("doctor").status == 0
    shutil.rmtree(site.pages)
    found = site.run("doctor", "--json", status=1).json["findings"]
    wrong = [finding for finding in found if finding["state"] == "error"]
    assert [finding["check"] for finding in wrong] == ["site"]
    assert wrong[0]["remedy"]


def test_the_log_format_is_an_option_too(site):
    with daemon(site, "--log-format", "json") as running:
        watched(running)
    assert {json.loads(line)["level"] for line in running.log.splitlines()} >= {"info"}


def test_the_journal_gets_priorities(site):
    """Where standard error is the journal each line begins with its priority (sd-daemon(3))."""
    log = site.root / "journal"
    site.write("develop/broken", b"no page")
    with log.open("wb") as file:
        status = os.fstat(file.fileno())
        stream = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        subprocess.run(
            site.command("sync"), env={**site.environment, **stream}, stderr=file, check=True,
            stdout=subprocess.DEVNULL, cwd=site.root,
        )  # fmt: skip
    assert log.read_text().startswith("<4>site: rejected develop/broken/specs.md: ")


def test_json_log_lines_are_json(site):
    site.configure("sources:\n" + site.directory_source() + "log: {format: json}\n")
    with daemon(site) as running:
        watched(running)
        assert all(json.loads(line)["level"] for line in running.log.splitlines())


# -- other users


def as_nobody(world: World, *arguments: object) -> subprocess.CompletedProcess[str]:
    program = [*world.command(*arguments)]
    return subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *program],
        env={**world.environment, "HOME": "/nonexistent"}, cwd="/", text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def open_world():
    """A world where other users get to it, which pytest's own directories are not."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv, to become another user")
    root = Path(tempfile.mkdtemp(prefix="cachesync-open-", dir="/tmp"))
    try:
        root.chmod(0o755)
        world = World(root)
        world.configure("sources:\n" + world.directory_source())
        world.page("develop", "hdf5", spec(hash_of(1)), spec(hash_of(2)))
        tried = as_nobody(world, "--version")
        if tried.returncode:
            pytest.skip(f"another user cannot run {sys.executable}: {tried.stderr.strip()[-200:]}")
        world.state.mkdir(mode=0o755)
        yield world
    finally:
        shutil.rmtree(root, ignore_errors=True)


def readable(world: World) -> None:
    for arguments in (("search", "hdf5"), ("show", "hdf5"), ("changes",), ("status",)):
        done = as_nobody(world, *arguments)
        assert done.returncode == 0, (arguments, done)
        assert "hdf5" in done.stdout or arguments == ("status",), (arguments, done)
        assert "error" not in done.stderr, (arguments, done)
        assert "ledger answers" not in done.stderr, (arguments, done)
    for arguments in (("sync",), ("rebuild", "index"), ("forget", "site")):
        done = as_nobody(world, *arguments)
        assert done.returncode in (1, 2), (arguments, done)
        assert "Traceback" not in done.stderr


def test_anybody_may_search_and_nobody_else_may_write(open_world):
    site = open_world
    with daemon(site) as running:
        watched(running)
        readable(site)
        assert running.stop() == 0
    readable(site)
    with daemon(site) as running:
        watched(running)
        site.page("develop", "zlib", spec(hash_of(9)))
        eventually(lambda: site.found("zlib"))
        running.stop(signal.SIGKILL)
    readable(site)
    site.verify()
