"""Every fault is seen by everybody who looks, made for real under a running daemon.

The table in docs/operations.md is made from this: `python -m tests.system.test_observers`.
"""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.daemons import Daemon, daemon, eventually, idle, watched
from tests.support.pagetext import spec
from tests.support.receiver import SECRET, receiver, subscription
from tests.support.watched import _namespace
from tests.support.world import ROOT, World, hash_of

OBSERVERS = ("status", "--check", "/healthz", "/metrics", "unit", "doctor", "log")
EXITS = {"ok": 0, "degraded": 1, "failing": 2}
FAULTS = {
    "source-held": ("a source is held", "degraded"),
    "source-failed": ("a source fails", "degraded"),
    "source-garbage": ("more than half of a source's pages are rejected", "degraded"),
    "pages-rejected": ("a page is rejected", "ok"),
    "disk-full": ("the disk is full", "failing"),
    "index-unwritable": ("the index cannot be written", "degraded"),
    "outbox-unusable": ("the outbox cannot be written", "failing"),
    "config-refused": ("a configuration is refused at reload", "degraded"),
    "metrics-down": ("the metrics port is taken", "degraded"),
    "files-foreign": ("files belong to another user", "degraded"),
    "clock-behind": ("the clock is behind the newest change", "degraded"),
    "watch-overflowed": ("the kernel dropped events", "degraded"),
    "watch-polling": ("events ran out, so a source is polled", "degraded"),
    "target-disabled": ("a target is disabled (410 Gone)", "degraded"),
    "source-never": ("the first pass was killed, and no daemon runs", "degraded"),
    "daemon-stopped": ("the daemon is stopped (SIGSTOP)", "failing"),
    "daemon-absent": ("the daemon was killed", "degraded"),
}
BLIND = {
    "source-never": {"/healthz", "/metrics", "unit", "log"},
    "metrics-down": {"/healthz", "/metrics"},
    "daemon-stopped": {"/healthz", "/metrics", "unit", "log"},
    "daemon-absent": {"/healthz", "/metrics", "unit", "log"},
}
"""Who cannot say it: a daemon that does not run, or what is not served, says nothing."""
TABLE = re.compile(r"(?<=<!-- observers -->\n).*?(?=<!-- end of observers -->)", re.DOTALL)


def table() -> str:
    """What docs/operations.md shows: who tells of which fault, and how."""
    lines = [f"| fault | reason | state | {' | '.join(f'`{o}`' if o[0] in '-/' else o for o in OBSERVERS)} |",
             f"|{'---|' * (len(OBSERVERS) + 3)}"]  # fmt: skip
    for code, (text, state) in FAULTS.items():
        cells = ["-" if who in BLIND.get(code, ()) else _cell(who, state) for who in OBSERVERS]
        lines.append(f"| {text} | `{code}` | {state} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(who: str, state: str) -> str:
    if who == "--check":
        return str(EXITS[state])
    if who == "/healthz":
        return "503" if state == "failing" else "200"
    return "yes"


def test_the_table_in_the_documentation_is_this_one():
    """It is made from what is tested here."""
    said = TABLE.search((ROOT / "docs/operations.md").read_text("utf-8"))
    assert said is not None
    assert said.group() == table()


class Site(World):
    """A world whose daemon has a service manager to tell, and a port for metrics."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(root / "notify"))
        self.manager.setblocking(False)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.said = ""
        for name in ("alpha", "beta"):
            for number in range(24):
                rows = [spec(hash_of(number + 100 * (name == "beta")))]
                self.page("develop", f"pkg-{number}", *rows, root=root / name)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "NOTIFY_SOCKET": str(self.root / "notify")}

    def text(self, more: str = "", *, quiet: str = "quiet: 200ms") -> str:
        """The config; `quiet` says when what happened is looked at."""
        sources = "".join(
            self.directory_source(name, path=self.root / name) for name in ("alpha", "beta")
        )
        metrics = f'metrics: {{listen: "127.0.0.1:{self.port}"}}\n'
        return f"sources:\n{sources}{metrics}watch: {{{quiet}}}\n{more}"

    def unit(self) -> str:
        """The newest status text that the service manager was told."""
        while True:
            try:
                told = self.manager.recv(1 << 16).decode()
            except BlockingIOError:
                return self.said
            self.said = next(
                (x[7:] for x in told.splitlines() if x.startswith("STATUS=")), self.said
            )

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Status and body of an answer."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def seen(site: Site, running: Daemon | None, code: str) -> None:
    """Everybody who can tell of a fault does, once `status` does."""
    state = FAULTS[code][1]

    def reason():
        found = site.status()["health"]["reasons"]
        return next((r for r in found if r["code"] == code), None)

    why = eventually(reason)
    assert why["state"] == state
    assert why["remedy"]
    first = site.run("status").out.splitlines()[0]
    assert first.startswith(f"health: {state}: {why['thing']}: ")
    check = site.run("status", "--check", status=EXITS[state])
    assert check.out.count("\n") == 1
    assert check.out.startswith(f"cachesync {state}")
    assert state == "ok" or why["thing"] in check.out
    found = site.run("doctor", "--offline", "--json", status=None).json["findings"]
    assert f"health: {why['thing']}" in [f["check"] for f in found]
    blind = BLIND.get(code, set())
    if "/healthz" not in blind:
        eventually(lambda: code in site.get("/healthz")[1])
        status, body = site.get("/healthz")
        assert (status, json.loads(body)["state"]) == (503 if state == "failing" else 200, state)
        text = site.get("/metrics")[1]
        assert f'cachesync_health{{state="{state}"}} 1.0' in text
        assert f'cachesync_health_reason{{code="{code}",' in text
    if "log" not in blind:
        assert running is not None
        running.says(f"health: {state}: {why['thing']}: ")
        eventually(lambda: site.unit().startswith(state))
        assert state == "ok" or why["thing"] in site.unit()


def well(site: Site) -> None:
    """Nothing is wrong any more, and the service manager heard of it."""
    eventually(lambda: site.run("status", "--check", status=None).out == "cachesync ok\n")
    eventually(lambda: site.unit().startswith("ok;"))


def mount(*arguments: object) -> None:
    done = subprocess.run(
        ["mount", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted: {done.stderr.strip()}")


@pytest.fixture
def site(tmp_path):
    """A site whose state directory is a file system of its own."""
    pytest.importorskip("prometheus_client")
    made = Site(tmp_path)
    made.configure(made.text())
    made.state.mkdir()
    mount("-t", "tmpfs", "-o", "size=96m,mode=755", "cachesync-test", made.state)
    try:
        yield made
    finally:
        made.manager.close()
        subprocess.run(["umount", "-l", made.state], check=True)


def test_everybody_sees_every_fault_of_a_running_daemon(site):
    """Each fault is made, seen, and mended; after each all is well again."""
    with daemon(site) as running:
        watched(running, times=2)
        well(site)
        assert site.get("/healthz", "HEAD") == site.get("/metrics", "HEAD") == (200, "")
        _rejected(site, running)
        _held_and_failed(site, running)
        _disk(site, running)
        _index(site, running)
        _config(site, running)
        _files(site, running)
        _clock(site, running)
        running.signal(signal.SIGSTOP)
        seen(site, running, "daemon-stopped")
        running.signal(signal.SIGCONT)
        well(site)
        assert running.stop(signal.SIGKILL) == -signal.SIGKILL
        seen(site, running, "daemon-absent")


def _rejected(site, running):
    good = (site.root / "alpha/develop/pkg-0/specs.md").read_bytes()
    site.write("develop/pkg-0", b"---\nno page", root=site.root / "alpha")
    seen(site, running, "pages-rejected")
    running.says("alpha: rejected: develop/pkg-0/specs.md: ")
    pages = {n: (site.root / f"alpha/develop/pkg-{n}/specs.md").read_bytes() for n in range(1, 14)}
    for number in pages:
        site.write(f"develop/pkg-{number}", b"---\nno page", root=site.root / "alpha")
    seen(site, running, "source-garbage")
    for number, data in {**pages, 0: good}.items():
        site.write(f"develop/pkg-{number}", data, root=site.root / "alpha")
    well(site)


def _held_and_failed(site, running):
    shutil.copytree(site.root / "alpha", site.root / "copy")
    for number in range(23):
        site.remove(f"develop/pkg-{number}", root=site.root / "alpha")
    seen(site, running, "source-held")
    shutil.copytree(site.root / "copy", site.root / "alpha", dirs_exist_ok=True)
    site.sync("alpha")
    well(site)
    (site.root / "beta").rename(site.root / "away")
    seen(site, running, "source-failed")
    (site.root / "away").rename(site.root / "beta")
    eventually(lambda: running.log.count("the directory is back"))
    site.sync("beta")
    well(site)


def _disk(site, running):
    ballast = site.state / "ballast"
    free = os.statvfs(site.state)
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - (512 << 10))
    seen(site, running, "disk-full")
    ballast.unlink()
    well(site)


def _index(site, running):
    index = site.state / "index"
    mount("--bind", index, index)
    mount("-o", "remount,ro,bind", index)
    try:
        site.page("develop", "new", spec(hash_of(900)), root=site.root / "alpha")
        seen(site, running, "index-unwritable")
    finally:
        subprocess.run(["umount", "-l", index], check=True)
    site.run("rebuild", "index")
    well(site)


def _config(site, running):
    site.configure(site.text("nonsense: 1\n"))
    running.signal(signal.SIGHUP)
    seen(site, running, "config-refused")
    site.configure(site.text())
    running.signal(signal.SIGHUP)
    well(site)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, site.port = site.port, taken.getsockname()[1]
        site.configure(site.text())
        running.signal(signal.SIGHUP)
        seen(site, running, "metrics-down")
    site.port = port
    site.configure(site.text())
    running.signal(signal.SIGHUP)
    well(site)


def _files(site, running):
    os.chown(site.state / "ledger.sqlite", 1, 1)
    seen(site, running, "files-foreign")
    os.chown(site.state / "ledger.sqlite", os.getuid(), os.getgid())
    well(site)


def _clock(site, running):
    """By the seam: clocks of a machine cannot be set here, so the newest change is of tomorrow."""
    db = sqlite3.connect(site.state / "ledger.sqlite")
    (before,) = db.execute("SELECT at FROM change ORDER BY seq DESC LIMIT 1").fetchone()
    change = "UPDATE change SET at = ? WHERE seq = (SELECT max(seq) FROM change)"
    with db:
        db.execute(change, (int((time.time() + 86_400) * 1e6),))
    seen(site, running, "clock-behind")
    with db:
        db.execute(change, (before,))
    db.close()
    well(site)


def test_everybody_sees_an_outbox_that_cannot_be_written(site):
    """A file that is read-only when the daemon begins."""
    target = "{type: webhook, url: 'https://example.org/'}"
    more = f"subscriptions: [{{name: mine, query: hdf5, targets: [{target}]}}]\n"
    site.configure(site.text(more))
    outbox = site.state / "outbox.sqlite"
    outbox.touch()
    mount("--bind", outbox, outbox)
    mount("-o", "remount,ro,bind", outbox)
    try:
        with daemon(site) as running:
            watched(running, times=2)
            seen(site, running, "outbox-unusable")
    finally:
        subprocess.run(["umount", "-l", outbox], check=True)


def test_everybody_sees_that_the_kernel_dropped_events(site):
    """More happens while the daemon is stopped than the queue holds; only a sync looks at it."""
    held = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if held > 100_000:
        pytest.skip(f"the queue of this machine holds {held:,} events")
    site.configure(site.text(quiet="quiet: 1h, cap: 2h"))
    with daemon(site) as running:
        watched(running, times=2)
        well(site)
        running.signal(signal.SIGSTOP)
        page = site.root / "alpha/develop/pkg-0/specs.md"
        beside = page.with_name(".specs.md.new")
        for _ in range(held // 2 + 1):  # two events each at least
            page.rename(beside)
            beside.rename(page)
        running.signal(signal.SIGCONT)
        seen(site, running, "watch-overflowed")
        site.sync("alpha")
        well(site)


def test_everybody_sees_that_events_ran_out(site):
    """A daemon whose user namespace has too few inotify watches, later enough."""
    limit = "/proc/sys/user/max_inotify_watches"
    site.before = [*_namespace(), "sh", "-c", f'echo 9 > {limit} && exec "$@"', "sh"]
    with daemon(site) as running:
        idle(running)
        seen(site, running, "watch-polling")
        assert "user.max_inotify_watches is 9" in site.unit()
        enter = ["nsenter", "--user", "--target", str(running.process.pid)]
        subprocess.run([*enter, "sh", "-c", f"echo 1000 > {limit}"], check=True)
        site.configure(site.text(quiet="quiet: 300ms"))
        running.signal(signal.SIGHUP)
        watched(running, times=2)
        well(site)


def test_everybody_sees_a_target_that_is_gone(site):
    """It answers 410, later 204."""
    secret = site.root / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with receiver(lambda _request, _id: 410) as gone:
        extra = "    batch: {window: 100ms}\n"
        more = f"subscriptions:\n{subscription(gone.url, secret=secret, extra=extra)}"
        site.configure(site.text(more))
        with daemon(site) as running:
            watched(running, times=2)
            well(site)
            site.page("develop", "new", spec(hash_of(900)), root=site.root / "alpha")
            seen(site, running, "target-disabled")
            gone.answer = lambda _request, _id: 204
            (target,) = site.status()["notifications"]["subscriptions"][0]["targets"]
            site.run("deliveries", "retry", "--target", target["target"])
            well(site)


def test_everybody_sees_a_source_that_was_never_synced(site):
    """Its first pass, by `sync`, is killed while a server keeps it waiting."""
    site.sync()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        site.configure(
            site.text().replace(
                "metrics:", f"  - {{name: remote, type: http, url: '{url}'}}\nmetrics:"
            )
        )
        with site.start("sync", "remote") as first:
            connection, _ = silent.accept()
            first.kill()
            first.wait(30)
        connection.close()
        seen(site, None, "source-never")
        assert [s["state"] for s in site.status()["sources"]] == ["ok", "ok", "never"]


if __name__ == "__main__":
    path = ROOT / "docs/operations.md"
    path.write_text(TABLE.sub(lambda _: table(), path.read_text("utf-8")), "utf-8")
