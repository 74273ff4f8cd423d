"""The daemon as other programs and users see it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from tests.support.daemons import daemon, eventually, watched
from tests.support.pagetext import spec
from tests.support.world import World, hash_of


@pytest.fixture
def site(world: World) -> World:
    """A world whose config names its pages as the source `site`."""
    world.configure("sources:\n" + world.directory_source())
    world.page("develop", "hdf5", spec(hash_of(1)), spec(hash_of(2)))
    return world


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
            "schema": 1, "state": "ok", "reasons": [], "healthy": True, "stuck": None,
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
        found = site.run("doctor", "--json").json["findings"]
        assert "metrics" in [f["check"] for f in found if f["state"] == "warning"]
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
    made, rejected = log.read_text().splitlines()
    assert made == f"<6>a new ledger is made in {site.state}"
    assert rejected.startswith("<4>site: rejected develop/broken/specs.md: ")


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
