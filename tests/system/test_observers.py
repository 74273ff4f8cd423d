"""Every fault is seen by everybody who looks, made for real under a running daemon.

The table in docs/operations.md is made from this: `python -m tests.system.test_observers`.
"""

import glob
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Collection
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from cachesync.reports.facts import Code
from tests.support.daemons import Daemon, daemon, eventually, idle, watched
from tests.support.mirrors import make_mirror, record
from tests.support.pagetext import spec
from tests.support.receiver import SECRET, receiver, subscription
from tests.support.watched import _namespace
from tests.support.world import ROOT, World, hash_of

OBSERVERS = ("status", "--check", "/healthz", "/metrics", "unit", "doctor", "log")
OF_THE_DAEMON = ("/healthz", "/metrics", "unit", "log")
"""A daemon that does not run says nothing."""
EXITS = {"ok": 0, "degraded": 1, "failing": 2}
CANNOT_TELL = 3


class Fault(NamedTuple):
    """A row of the table."""

    code: Code
    text: str
    state: str
    blind: Collection[str] = ()
    """Who cannot say it."""


FAULTS = {
    "held": Fault(Code.SOURCE_HELD, "a source is held", "degraded"),
    "failed": Fault(Code.SOURCE_FAILED, "a source fails", "degraded"),
    "never": Fault(
        Code.SOURCE_NEVER,
        "the first pass was killed, and no daemon runs",
        "degraded",
        OF_THE_DAEMON,
    ),
    "orphaned": Fault(
        Code.SOURCE_ORPHANED, "the configuration does not name a source any more", "ok"
    ),
    "sampled": Fault(
        Code.SAMPLE_MISSING, "a mirror does not have what its index names", "degraded"
    ),
    "garbage": Fault(
        Code.SOURCE_GARBAGE, "more than half of a source's pages are rejected", "degraded"
    ),
    "rejected": Fault(Code.PAGES_REJECTED, "a page is rejected", "ok"),
    "unrecorded": Fault(Code.SOURCE_UNRECORDED, "another program has the ledger locked", "failing"),
    "low": Fault(Code.DISK_LOW, "the disk is nearly full", "degraded"),
    "full": Fault(Code.DISK_FULL, "the disk is full", "failing"),
    "ledger": Fault(Code.LEDGER_UNUSABLE, "the ledger is damaged", "failing"),
    "index": Fault(
        Code.INDEX_UNUSABLE,
        "the index is damaged, and no daemon mends it",
        "degraded",
        OF_THE_DAEMON,
    ),
    "unwritable": Fault(Code.INDEX_UNWRITABLE, "the index cannot be written", "degraded"),
    "outbox": Fault(Code.OUTBOX_UNUSABLE, "the outbox cannot be written", "failing"),
    "config": Fault(Code.CONFIG_REFUSED, "a configuration is refused at reload", "degraded"),
    "metrics": Fault(
        Code.METRICS_DOWN, "the metrics port is taken", "degraded", ("/healthz", "/metrics")
    ),
    "foreign": Fault(Code.FILES_FOREIGN, "files belong to another user", "degraded"),
    "clock": Fault(Code.CLOCK_BEHIND, "the clock was set back", "degraded"),
    "overflowed": Fault(Code.WATCH_OVERFLOWED, "the kernel dropped events", "degraded"),
    "polling": Fault(Code.WATCH_POLLING, "events ran out, so a source is polled", "degraded"),
    "polled": Fault(Code.WATCH_POLLING, "a source is polled, as `watch:` says", "ok"),
    "lost": Fault(Code.WATCH_LOST, "a directory was emptied, and that was accepted", "degraded"),
    "failing": Fault(Code.TARGET_FAILING, "a target answers 500", "degraded"),
    "disabled": Fault(Code.TARGET_DISABLED, "a target is disabled (410 Gone)", "degraded"),
    "stuck": Fault(Code.DAEMON_STUCK, "the disk hangs, so a part of the daemon does", "failing"),
    "stopped": Fault(
        Code.DAEMON_STOPPED, "the daemon is stopped (SIGSTOP)", "failing", OF_THE_DAEMON
    ),
    "absent": Fault(Code.DAEMON_ABSENT, "the daemon was killed", "degraded", OF_THE_DAEMON),
}
SOURCES = {"alpha": 24, "beta": 24, "gamma": 3}
"""And how many pages each has."""
TABLE = re.compile(r"(?<=<!-- observers -->\n).*?(?=<!-- end of observers -->)", re.DOTALL)


def table() -> str:
    """What docs/operations.md shows: who tells of which fault, and how."""
    lines = [f"| fault | reason | state | {' | '.join(f'`{o}`' if o[0] in '-/' else o for o in OBSERVERS)} |",
             f"|{'---|' * (len(OBSERVERS) + 3)}"]  # fmt: skip
    for fault in FAULTS.values():
        cells = ["-" if who in fault.blind else _cell(who, fault) for who in OBSERVERS]
        lines.append(f"| {fault.text} | `{fault.code}` | {fault.state} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(who: str, fault: Fault) -> str:
    if who == "--check":
        return str(CANNOT_TELL if fault.code is Code.LEDGER_UNUSABLE else EXITS[fault.state])
    if who == "/healthz":
        return "503" if fault.state == "failing" else "200"
    return "yes"


def test_every_code_has_a_row():
    """What can be wrong is in the table, and each row of it is made by a test."""
    assert {fault.code for fault in FAULTS.values()} == set(Code)
    made = re.findall(r"seen\w*\(site, \w+, \"(\w+)\"", Path(__file__).read_text("utf-8"))
    assert set(made) == set(FAULTS)


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
        for first, (name, pages) in enumerate(SOURCES.items()):
            for number in range(pages):
                rows = [spec(hash_of(number + 100 * first))]
                self.page("develop", f"pkg-{number}", *rows, root=root / name)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "NOTIFY_SOCKET": str(self.root / "notify")}

    def text(
        self, more: str = "", *, watch: str = "quiet: 200ms", names: Collection[str] = SOURCES
    ) -> str:
        """The config; `watch` says among others when what happened is looked at."""
        sources = "".join(self.directory_source(name, path=self.root / name) for name in names)
        metrics = f'metrics: {{listen: "127.0.0.1:{self.port}"}}\n'
        return f"sources:\n{sources}{metrics}watch: {{{watch}}}\n{more}"

    def reload(self, running: Daemon, text: str) -> None:
        """Have the daemon read another config."""
        self.configure(text)
        running.signal(signal.SIGHUP)

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


def seen(site: Site, running: Daemon | None, key: str) -> None:
    """Everybody who can tell of a fault does, once `status` does."""
    code, _, state, _ = FAULTS[key]

    def reason():
        found = site.status()["health"]["reasons"]
        return next((r for r in found if r["code"] == code), None)

    why = eventually(reason)
    thing = why["thing"]
    assert why["state"] == state
    assert why["remedy"] or key == "polled"
    first = site.run("status").out.splitlines()[0]
    assert first.startswith(f"health: {state}: {thing}: ")
    check = site.run("status", "--check", status=EXITS[state])
    assert check.out.count("\n") == 1
    assert check.out.startswith(f"cachesync {state}")
    assert state == "ok" or thing in check.out
    found = site.run("doctor", "--offline", "--json", status=None).json["findings"]
    assert f"health: {thing}" in [f["check"] for f in found]
    if running is not None:
        seen_of_the_daemon(site, running, key, thing)


def seen_of_the_daemon(site: Site, running: Daemon, key: str, thing: str) -> None:
    """The daemon says it wherever it says something."""
    code, _, state, blind = FAULTS[key]
    if "/healthz" not in blind:
        eventually(lambda: code in site.get("/healthz")[1])
        status, body = site.get("/healthz")
        assert (status, json.loads(body)["state"]) == (503 if state == "failing" else 200, state)
    if "/metrics" not in blind:
        text = site.get("/metrics")[1]
        assert f'cachesync_health{{state="{state}"}} 1.0' in text
        assert f'cachesync_health_reason{{code="{code}",' in text
    if "log" not in blind:
        running.says(f"health: {state}: {thing}: ")
    if "unit" not in blind:
        eventually(lambda: site.unit().startswith(state))
        assert state == "ok" or thing in site.unit()


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


def paced(*, stuck: float = 60, look: float = 1e9) -> list[str]:
    """The beginning of a command that runs a daemon with another pace; it never looks unasked."""
    return [sys.executable, "-m", "tests.support.paced", str(stuck), str(look), "0.1"]


def test_everybody_sees_every_fault_of_a_running_daemon(site):
    """Each is made, seen, and mended; what the daemon itself changes it tells without a look."""
    site.before = paced()
    with daemon(site) as running:
        watched(running, times=len(SOURCES))
        well(site)
        assert site.get("/healthz", "HEAD") == site.get("/metrics", "HEAD") == (200, "")
        _rejected(site, running)
        _held_and_failed(site, running)
        _lost(site, running)
        _sampled(site, running)
        _disk(site, running)
        _index(site, running)
        _config(site, running)
        _files(site, running)
        running.signal(signal.SIGSTOP)
        seen(site, None, "stopped")
        running.signal(signal.SIGCONT)
        well(site)
        assert running.stop(signal.SIGKILL) == -signal.SIGKILL
        seen(site, None, "absent")


def _rejected(site, running):
    good = (site.root / "alpha/develop/pkg-0/specs.md").read_bytes()
    site.write("develop/pkg-0", b"---\nno page", root=site.root / "alpha")
    seen(site, running, "rejected")
    running.says("alpha: rejected: develop/pkg-0/specs.md: ")
    pages = {n: (site.root / f"alpha/develop/pkg-{n}/specs.md").read_bytes() for n in range(1, 14)}
    for number in pages:
        site.write(f"develop/pkg-{number}", b"---\nno page", root=site.root / "alpha")
    seen(site, running, "garbage")
    for number, data in {**pages, 0: good}.items():
        site.write(f"develop/pkg-{number}", data, root=site.root / "alpha")
    well(site)


def _held_and_failed(site, running):
    shutil.copytree(site.root / "alpha", site.root / "copy")
    for number in range(23):
        site.remove(f"develop/pkg-{number}", root=site.root / "alpha")
    seen(site, running, "held")
    shutil.copytree(site.root / "copy", site.root / "alpha", dirs_exist_ok=True)
    site.sync("alpha")
    well(site)
    (site.root / "beta").rename(site.root / "away")
    seen(site, running, "failed")
    (site.root / "away").rename(site.root / "beta")
    eventually(lambda: running.log.count("the directory is back"))
    site.sync("beta")
    well(site)


def _lost(site, running):
    (site.root / "gamma/develop").rename(site.root / "gone")
    running.says("gamma: held: ")
    running.says("/gamma: was emptied")
    site.sync("gamma", "--allow-mass-removal")
    seen(site, running, "lost")
    (site.root / "gone").rename(site.root / "gamma/develop")
    well(site)


def _sampled(site, running):
    root = site.root / "mirror"
    make_mirror(root, [record("zlib")])
    entry = f"  - {{name: m, type: buildcache, url: '{root.as_uri()}', probe: {{every: 1s}}}}\n"
    site.reload(running, site.text().replace("sources:\n", f"sources:\n{entry}"))
    eventually((site.state / "probes.json").is_file)
    well(site)
    (manifest,) = (root / "v3/manifests/spec").rglob("*.json")
    checksum = json.loads(manifest.read_bytes())["data"][0]["checksum"]
    tarball = root / "blobs/sha256" / checksum[:2] / checksum
    whole = tarball.read_bytes()
    tarball.unlink()
    seen(site, running, "sampled")
    tarball.write_bytes(whole)
    well(site)
    site.reload(running, site.text())
    eventually(lambda: "m" not in site.status()["daemon"]["sources"])
    site.run("forget", "m")
    well(site)


def _disk(site, running):
    ballast = site.state / "ballast"
    free = os.statvfs(site.state)

    def leave(left):
        with open(ballast, "ab") as file:
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - left)

    leave(32 << 20)
    seen(site, running, "low")
    leave(512 << 10)
    seen(site, running, "full")
    ballast.unlink()
    well(site)


def _index(site, running):
    index = site.state / "index"
    mount("--bind", index, index)
    mount("-o", "remount,ro,bind", index)
    try:
        site.page("develop", "new", spec(hash_of(900)), root=site.root / "alpha")
        seen(site, running, "unwritable")
        reasons = site.status()["health"]["reasons"]
        assert f"{site.state} cannot be used: index/" in reasons[0]["text"]
    finally:
        subprocess.run(["umount", "-l", index], check=True)
    site.run("rebuild", "index")
    well(site)


def _config(site, running):
    site.reload(running, site.text("nonsense: 1\n"))
    seen(site, running, "config")
    site.reload(running, site.text())
    well(site)
    site.reload(running, site.text(names=["alpha", "beta"]))
    seen(site, running, "orphaned")
    site.reload(running, site.text())
    well(site)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, site.port = site.port, taken.getsockname()[1]
        site.reload(running, site.text())
        seen(site, running, "metrics")
    site.port = port
    site.reload(running, site.text(watch="quiet: 200ms, mode: poll, every: 1s"))
    seen(site, running, "polled")
    site.reload(running, site.text())
    well(site)


def _files(site, running):
    os.chown(site.state / "ledger.sqlite", 1, 1)
    seen(site, running, "foreign")
    os.chown(site.state / "ledger.sqlite", os.getuid(), os.getgid())
    well(site)


def test_everybody_sees_that_the_clock_was_set_back(site):
    """By a day, as the daemon sees it: its first pass was of tomorrow."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        pytest.skip("faketime is not installed")
    clock = site.root / "clock"
    clock.write_text("+86400\n")
    site.before = [
        "env", f"LD_PRELOAD={found[0]}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1", *paced(),
    ]  # fmt: skip
    with daemon(site) as running:
        watched(running, times=len(SOURCES))
        clock.write_text("+0\n")
        running.says("the clock was set by -86")
        seen(site, running, "clock")
        site.page("develop", "new", spec(hash_of(900)), root=site.root / "alpha")
        well(site)


def test_everybody_sees_a_ledger_that_another_program_has_locked(site):
    """As `sqlite3 ledger.sqlite 'BEGIN IMMEDIATE'` does, for as long as it likes."""
    with daemon(site) as running:
        watched(running, times=len(SOURCES))
        well(site)
        with closing(sqlite3.connect(site.state / "ledger.sqlite")) as other:
            other.execute("BEGIN IMMEDIATE")
            site.page("develop", "new", spec(hash_of(900)), root=site.root / "alpha")
            seen(site, running, "unrecorded")
            other.rollback()
        well(site)


def test_everybody_sees_a_damaged_ledger(site):
    """Its beginning is overwritten, then as it was. `status` has nothing to show but the error."""
    site.before = paced(look=1)
    with daemon(site) as running:
        watched(running, times=len(SOURCES))
        well(site)
        with _damaged(site.state):
            said = site.run("status", status=1).err
            assert f"the ledger in {site.state} is damaged: file is not a database" in said
            check = site.run("status", "--check", status=CANNOT_TELL).out
            assert check.startswith("cachesync cannot tell: the ledger in ")
            findings = site.run("doctor", "--offline", "--json", status=1).json["findings"]
            assert ("ledger", "error") in [(f["check"], f["state"]) for f in findings]
            seen_of_the_daemon(site, running, "ledger", "ledger")
        well(site)
    site.verify()


@contextmanager
def _damaged(state):
    """Overwrite the first page of a ledger, in its file and where newer ones stand in the WAL."""
    ledger, wal = state / "ledger.sqlite", state / "ledger.sqlite-wal"
    frames = range(32, wal.stat().st_size, 24 + 4096)
    data = wal.read_bytes()
    where = [(ledger, 0)] + [(wal, f + 24) for f in frames if data[f : f + 4] == b"\0\0\0\1"]
    with ExitStack() as files:
        opened = [(files.enter_context(open(path, "r+b", buffering=0)), at) for path, at in where]
        before = [os.pread(file.fileno(), 100, at) for file, at in opened]
        try:
            for file, at in opened:
                os.pwrite(file.fileno(), b"\xa5" * 100, at)
            yield
        finally:
            for (file, at), bytes_ in zip(opened, before, strict=True):
                os.pwrite(file.fileno(), bytes_, at)


def test_everybody_sees_a_daemon_of_which_a_part_hangs(site):
    """What flushes files does not come back, as where a disk hangs (`strace` keeps it)."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    site.before = paced(stuck=2)
    with daemon(site) as running:
        watched(running, times=len(SOURCES))
        well(site)
        tasks = Path(f"/proc/{running.process.pid}/task")
        calls = "fsync,fdatasync"
        hung = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-p", tasks.parent.name,
             "-e", f"trace={calls}", "-e", f"inject={calls}:delay_enter=600s"],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            eventually(
                lambda: (
                    hung.poll() is not None
                    or all("TracerPid:\t0\n" not in t.read_text() for t in tasks.glob("*/status"))
                )
            )
            if hung.poll() is not None:
                pytest.skip(f"nothing can be traced: {hung.stderr.read()}")
            site.page("develop", "new", spec(hash_of(900)), root=site.root / "alpha")
            seen(site, running, "stuck")
        finally:
            hung.kill()
            hung.wait(30)
            hung.stderr.close()
        well(site)


def test_everybody_sees_that_the_index_is_damaged(site):
    """Where no daemon runs; one that does builds it anew, before a page has to change."""
    site.sync()
    assert site.run("status", "--check").out == "cachesync ok\n"
    (newest,) = (site.state / "index/current").glob("*.toc")
    newest.write_bytes(b"\xa5" * newest.stat().st_size)
    seen(site, None, "index")
    site.before = paced()
    with daemon(site) as running:
        watched(running, times=len(SOURCES))
        well(site)
        for path in (site.state / "index/current").iterdir():
            path.write_bytes(b"\xa5" * path.stat().st_size)
        running.says("the files of the search index were touched")
        well(site)
        shutil.rmtree(site.state / "index")
        running.says("the files of the search index were touched", times=2)
        well(site)
    site.verify()


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
            watched(running, times=len(SOURCES))
            seen(site, running, "outbox")
    finally:
        subprocess.run(["umount", "-l", outbox], check=True)


def test_everybody_sees_that_the_kernel_dropped_events(site):
    """More happens while the daemon is stopped than the queue holds; only a sync looks at it."""
    held = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if held > 100_000:
        pytest.skip(f"the queue of this machine holds {held:,} events")
    site.configure(site.text(watch="quiet: 1h, cap: 2h"))
    with daemon(site) as running:
        running.says("watching", times=len(SOURCES))
        well(site)
        running.signal(signal.SIGSTOP)
        page = site.root / "alpha/develop/pkg-0/specs.md"
        beside = page.with_name(".specs.md.new")
        for _ in range(held // 2 + 1):  # two events each at least
            page.rename(beside)
            beside.rename(page)
        running.signal(signal.SIGCONT)
        seen(site, running, "overflowed")
        site.sync("alpha")
        well(site)


def test_everybody_sees_that_events_ran_out(site):
    """A daemon whose user namespace has too few inotify watches, later enough."""
    limit = "/proc/sys/user/max_inotify_watches"
    site.before = [*_namespace(), "sh", "-c", f'echo 9 > {limit} && exec "$@"', "sh"]
    with daemon(site) as running:
        idle(running)
        seen(site, running, "polling")
        assert "user.max_inotify_watches is 9" in site.unit()
        enter = ["nsenter", "--user", "--target", str(running.process.pid)]
        subprocess.run([*enter, "sh", "-c", f"echo 1000 > {limit}"], check=True)
        site.configure(site.text(watch="quiet: 300ms"))
        running.signal(signal.SIGHUP)
        watched(running, times=len(SOURCES))
        well(site)


def test_everybody_sees_a_target_that_fails_and_one_that_is_gone(site):
    """It answers 500, then 410, later 204; the daemon never looks unasked."""
    site.before = paced()
    secret = site.root / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with receiver(lambda _request, _id: 500) as gone:
        extra = "    batch: {window: 100ms}\n"
        more = f"subscriptions:\n{subscription(gone.url, secret=secret, extra=extra)}"
        site.configure(site.text(more))
        with daemon(site) as running:
            watched(running, times=len(SOURCES))
            well(site)
            site.page("develop", "new", spec(hash_of(900)), root=site.root / "alpha")
            seen(site, running, "failing")
            gone.answer = lambda _request, _id: 410
            (target,) = site.status()["notifications"]["subscriptions"][0]["targets"]
            site.run("deliveries", "retry", "--target", target["target"])
            seen(site, running, "disabled")
            gone.answer = lambda _request, _id: 204
            site.run("deliveries", "retry", "--target", target["target"])
            well(site)


def test_everybody_sees_that_what_was_sent_cannot_be_recorded(site):
    """Another program locks the outbox while a message is on its way: it will be sent again."""
    secret = site.root / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    outbox = site.state / "outbox.sqlite"
    other: list[sqlite3.Connection] = []

    def lock(_request, _id):
        if not other:
            other.append(sqlite3.connect(outbox, check_same_thread=False))
            other[0].execute("BEGIN IMMEDIATE")
        return 204

    with receiver(lock) as heard:
        extra = "    batch: {window: 100ms}\n"
        more = f"subscriptions:\n{subscription(heard.url, secret=secret, extra=extra)}"
        site.configure(site.text(more))
        site.before = paced()
        with daemon(site) as running:
            watched(running, times=len(SOURCES))
            site.page("develop", "new", spec(hash_of(900)), root=site.root / "alpha")
            seen(site, running, "outbox")
            assert len(heard.received) == 1
            other[0].close()
            well(site)
            assert len({r.id for r in heard.received}) == 1


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
        seen(site, None, "never")
        assert [s["state"] for s in site.status()["sources"]] == ["ok", "ok", "ok", "never"]


if __name__ == "__main__":
    path = ROOT / "docs/operations.md"
    path.write_text(TABLE.sub(lambda _: table(), path.read_text("utf-8")), "utf-8")
