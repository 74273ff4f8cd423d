"""The daemon under signals, killed and stopped."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from tests.support.daemons import daemon, eventually, watched
from tests.support.pagetext import Facts, as_generated, spec
from tests.support.world import World, hash_of


@pytest.fixture
def site(world: World) -> World:
    """A world whose config names its pages as the source `site`."""
    world.configure("sources:\n" + world.directory_source())
    world.page("develop", "hdf5", spec(hash_of(1)), spec(hash_of(2)))
    return world


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
        running.says("the new config is refused, the old one goes on: it has no source")
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
    for number in range(1500):
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
        eventually(lambda: site.status()["ledger"]["pages"] == 1501, every=0.3)
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
    disturb(site, 4, seed=1)


@pytest.mark.soak
def test_killed_at_a_hundred_instants_under_writing(site):
    disturb(site, 100, seed=2)


def hang_up_while_it_starts(site: World, starts: int, seed: int) -> None:
    """Send five SIGHUP at random moments of each start: it becomes ready, and ends when it is told to."""
    pick = random.Random(seed)
    for _ in range(starts):
        log = site.root / "hung-up.log"
        command = ["env", "--ignore-signal=HUP", *site.command("run")]
        with log.open("w") as out:
            process = subprocess.Popen(
                command, env=site.environment, cwd=site.root, stderr=out, stdin=subprocess.DEVNULL
            )
        try:
            eventually(lambda p=process: ignores_hangup(p.pid), every=0.001)
            for _ in range(5):
                time.sleep(pick.uniform(0, 0.15))
                process.send_signal(signal.SIGHUP)
            eventually(lambda file=log: "ready" in file.read_text())
            process.send_signal(signal.SIGHUP)
            eventually(lambda file=log: "the config was read again" in file.read_text())
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()


def signals(pid: int, kind: str) -> int:
    """A mask of signals of a process (proc(5): `SigBlk`, `SigIgn`), bit 0 for SIGHUP."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1], 16) for line in file if line.startswith(kind))


def ignores_hangup(pid: int) -> bool:
    """Whether SIGHUP cannot end a process."""
    return bool((signals(pid, "SigIgn") | signals(pid, "SigBlk")) & 1)


def test_hung_up_while_it_starts_as_the_unit_starts_it(site):
    """Twenty-five signals in five starts end none; each is ready, and takes later ones for a reload."""
    hang_up_while_it_starts(site, 5, seed=3)


@pytest.mark.soak
def test_hung_up_at_many_moments_of_its_start(site):
    hang_up_while_it_starts(site, 200, seed=4)


def test_a_bare_run_holds_hangups_before_it_imports_anything(site):
    """The signal is blocked before the command line is imported, so only Python's own start can die."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = site.root / "trace"
    site.configure("")
    subprocess.run(
        ["strace", "-o", trace, "-e", "trace=rt_sigprocmask,openat", *site.command("run")],
        env=site.environment, cwd=site.root, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    lines = trace.read_text().splitlines()
    if not any("openat" in line for line in lines):
        pytest.skip("nothing can be traced here")
    held = next(at for at, line in enumerate(lines) if "SIG_BLOCK, [HUP]" in line)
    ours = next(at for at, line in enumerate(lines) if "/cachesync/cli/" in line)
    assert held < ours


def test_hangup_ends_other_commands(site):
    """A word `run` does not make a daemon of a command whose terminal is closed."""
    site.sync()
    with site.start("changes", "--follow", "--limit", "0", "--json", "--package", "run") as other:
        eventually(lambda: "sqlite" in maps(other.pid))
        other.send_signal(signal.SIGHUP)
        assert other.wait(30) == -signal.SIGHUP


def maps(pid: int) -> str:
    """What a process has mapped: libraries that it has loaded."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        return file.read()
