"""The troubleshooting table of docs/operations.md, row by row: the symptom is made for real and says
what the table quotes, what the table tells to do is done, and the symptom is gone.
"""

import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import stubserver as stub
from tests.support.daemons import daemon, eventually, idle, watched
from tests.support.documents import ROOT, read
from tests.support.pagetext import Facts, as_generated
from tests.support.receiver import SECRET, receiver
from tests.support.watched import _namespace
from tests.support.world import World, hash_of, spec


class Row(NamedTuple):
    """A line of the table."""

    seen: str
    why: str
    helps: str


def rows() -> list[Row]:
    """The table, without its head."""
    chapter = read("docs/operations.md").partition("## When something is wrong\n")[2]
    cells = re.findall(r"^\| (.*?) \| (.*) \| (.*) \|$", chapter, re.MULTILINE)
    return [Row(*row) for row in cells[1:]]


def quoted(text: str) -> list[str]:
    """The parts of messages that a row quotes; `...` stands for what differs."""
    return [part for quote in re.findall(r"`([^`]*)`", text) for part in quote.split("...") if part]


class Site(World):
    """A world, and the row of the table that is tried on it."""

    helps = ""

    def told(self, advice: str) -> str:
        """What the row tells to do, in its words."""
        assert advice in self.helps, f"the table does not say {advice}"
        return advice

    def follow(self, command: str, *names: tuple[str, object]) -> str:
        """Run a command that the row names, with something put in for words of it; what it said."""
        words = shlex.split(self.told(f"`{command}`").strip("`"))
        assert words.pop(0) == "cachesync"
        done = self.run(*(dict(names).get(word, word) for word in words))
        return done.out + done.err

    def healthy(self) -> str:
        """What `status` shows, once it says that all is well."""
        eventually(lambda: self.run("status", "--check", status=None).out == "cachesync ok\n")
        return self.run("status").out


@pytest.fixture
def site(tmp_path) -> Site:
    """Twenty-five pages that were synced."""
    world = Site(tmp_path)
    world.configure(f"sources:\n{world.directory_source()}")
    for number in range(25):
        world.page("develop", f"p{number}", spec(hash_of(number)))
    world.sync()
    return world


Said = Iterator[str]
"""First what is said with the symptom, then what is said where it is gone."""


def nothing_synced(site: Site) -> Said:
    shutil.rmtree(site.state)
    yield site.run("status", status=1).err
    site.told("[which one it is](#the-state-directory)")
    assert str(site.state) in site.run("config", "show").out
    site.follow("cachesync sync --pages DIR", ("DIR", site.pages))
    yield site.healthy()


def not_writable(site: Site) -> Said:
    site.state = Path("/proc/cachesync")
    yield site.run("sync", status=1).err
    site.told("`--state-dir DIR` for one of your own")
    site.state = site.root / "own"
    yield site.run("sync").err + site.healthy()


def another_writer(site: Site) -> Said:
    """A `sync` whose server does not answer, and one beside it; the first is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        before = site.config.read_text()
        site.configure(f"{before}  - {{name: slow, type: http, url: '{url}'}}\n")
        with site.start("sync", "slow") as first:
            connection, _ = silent.accept()
            said = site.run("sync", status=1).err
            assert f"(pid {first.pid})" in said
            yield said
            site.told("wait for it, or stop it")
            first.terminate()
            first.wait(30)
            connection.close()
    site.configure(before)
    yield site.run("sync").err


def wrong_config(site: Site) -> Said:
    unit = (ROOT / "systemd" / "cachesync.service").read_text()
    assert "\nRestartPreventExitStatus=2\n" in unit
    good = site.config.read_text()
    site.configure(good.replace("sources:", "sourcse:"))
    yield f"status {site.run('run', status=2).status}"
    command = "cachesync --config /etc/cachesync/cachesync.yaml config check"
    site.told(f"`{command}`")
    assert "sourcse" in site.run("--config", site.config, "config", "check", status=2).err
    site.configure(good)
    site.follow(command, ("/etc/cachesync/cachesync.yaml", site.config))
    with daemon(site) as running:
        yield f"status {running.stop()}"


def no_source(site: Site) -> Said:
    good = site.config.read_text()
    site.configure("")
    yield site.run("run", status=2).err
    site.told("name one, or `cachesync run --pages DIR`")
    with daemon(site, "--pages", site.pages) as running:
        assert running.stop() == 0
        said = running.log
    site.configure(good)
    with daemon(site) as running:
        assert running.stop() == 0
        yield said + running.log


def not_installed(site: Site) -> Said:
    """The command line of the unit, where there is no cachesync, and where there is a link to it."""
    unit = (ROOT / "systemd" / "cachesync.service").read_text()
    (line,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    bin_ = site.root / "bin"
    bin_.mkdir()
    command = [w.replace("/etc/cachesync/cachesync.yaml", str(site.config)) for w in line.split()]
    environment = {**site.environment, "PATH": str(bin_), "STATE_DIRECTORY": str(site.state)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    yield f"status {done.returncode} /usr/bin/env cachesync: {done.stderr}"
    link = site.told("`ln -sf /opt/cachesync/bin/cachesync /usr/local/bin/`").strip("`")
    installed = Path(sys.executable).with_name("cachesync")
    if not installed.exists():
        pytest.skip("cachesync is not installed beside this Python")
    link = link.replace("/opt/cachesync/bin/cachesync", shlex.quote(str(installed)))
    subprocess.run(shlex.split(link.replace("/usr/local/bin/", f"{bin_}/")), check=True)
    log = site.root / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stderr=out)
    try:
        eventually(lambda: "ready, sources: site" in log.read_text() or process.poll() is not None)
    finally:
        process.terminate()
        status = process.wait(30)
    yield f"status {status}"


def held(site: Site) -> Said:
    (site.pages / "develop").rename(site.root / "unmounted")
    site.run("sync", status=1)
    yield site.run("status").out
    site.told("mount it again; if it is meant, ")
    (site.root / "unmounted").rename(site.pages / "develop")
    site.run("sync")
    assert site.healthy()
    shutil.rmtree(site.pages / "develop")
    site.run("sync", status=1)
    assert "held" in site.run("status").out
    site.follow("cachesync sync --allow-mass-removal")
    yield site.healthy()


def failed(site: Site) -> Said:
    with daemon(site) as running:
        watched(running)
        site.pages.rename(site.root / "elsewhere")
        yield eventually(lambda: _with(" failed ", site.run("status").out))
        site.told("it is tried again by itself")
        (site.root / "elsewhere").rename(site.pages)
        eventually(lambda: "failed" not in site.run("status").out)
        yield site.healthy()


def _with(text: str, said: str) -> str:
    return said if text in said else ""


def orphaned(site: Site) -> Said:
    good = site.config.read_text()
    other = site.directory_source("other", path=site.home)
    site.configure(f"sources:\n{other}")
    site.run("sync")
    yield site.run("status").out
    site.told("name it, or ")
    site.configure(good + other)
    site.run("sync")
    assert "orphaned" not in site.run("status").out
    site.configure(f"sources:\n{other}")
    site.run("sync")
    site.follow("cachesync forget NAME", ("NAME", "site"))
    yield site.healthy()


def polled(site: Site) -> Said:
    """Nothing is wrong with it, and it is so no longer where `watch:` says another thing."""
    good = site.config.read_text()
    site.configure(good + "watch: {mode: poll, every: 1s}\n")
    with daemon(site) as running:
        running.says("site: polled")
        idle(running)
        assert "polled" in site.run("status", "--check").out
        yield site.run("status").out
        site.told("[watched or polled](sources.md#watched-or-polled)")
        site.configure(good + "watch: {mode: events}\n")
        running.signal(signal.SIGHUP)
        watched(running)
        said = site.healthy()
        assert "watch: inotify" in said
        yield said


def too_few_watches(site: Site) -> Said:
    """In a user namespace, which has a limit of its own."""
    limit = "/proc/sys/user/max_inotify_watches"
    site.before = [*_namespace(), "sh", "-c", f'echo 9 > {limit} && exec "$@"', "sh"]
    good = site.config.read_text()
    with daemon(site) as running:
        idle(running)
        said = eventually(lambda: _with("watch: polling", site.run("status").out))
        yield said
        site.told("that `sysctl`")
        ((name, value),) = set(re.findall(r"sysctl (\S+)=(\d+)", said))
        assert name == "user.max_inotify_watches"
        enter = ["nsenter", "--user", "--target", str(running.process.pid)]
        subprocess.run([*enter, "sh", "-c", f"echo {value} > {limit}"], check=True)
        site.configure(good + "watch: {quiet: 250ms}\n")
        running.signal(signal.SIGHUP)
        watched(running)
        said = site.healthy()
        assert "watch: inotify" in said
        yield said


def no_locks(site: Site) -> Said:
    """Of the file system of the state directory alone (`strace` makes the kernel say so)."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    lock = site.state / "writer.lock"
    site.before = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(lock),
                   "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"]  # fmt: skip
    with site.start("sync") as refused:
        said = refused.communicate(timeout=60)[1]
        assert refused.returncode == 1
    yield said
    site.told("a local disk, with `--state-dir`")
    site.state = site.root / "local"
    with site.start("sync") as allowed:
        said = allowed.communicate(timeout=60)[1]
        assert allowed.returncode == 0
    yield said


def rejected(site: Site) -> Said:
    site.write("develop/late", b"no page")
    site.run("sync")
    assert site.found("late") == []
    yield site.run("status").out
    assert "site: develop/late/specs.md: " in site.follow("cachesync status")
    site.page("develop", "late", spec(hash_of(99)))
    site.run("sync")
    assert site.found("late") == [hash_of(99)]
    yield site.healthy()


def no_index(site: Site) -> Said:
    shutil.rmtree(site.state / "index")
    yield site.run("search", "p1").err
    site.told("a running daemon or the next `sync` mends it, or ")
    site.run("sync")
    assert "slower" not in site.run("search", "p1").err
    shutil.rmtree(site.state / "index")
    site.follow("cachesync rebuild index")
    yield site.run("search", "p1").err


def newer_ledger(site: Site) -> Said:
    site.run("backup", site.root / "backup")
    with closing(sqlite3.connect(site.state / "ledger.sqlite")) as db:
        db.execute("PRAGMA user_version = 99")
    yield site.run("status", status=1).err
    site.told("restore a backup")
    site.state.rename(site.root / "newer")
    site.state.mkdir()
    (site.root / "backup").rename(site.state / "ledger.sqlite")
    site.run("sync")
    yield site.healthy()


def one_secret(site: Site) -> Said:
    """Credentials as the service has them: what is there when it starts."""
    (site.root / "new").mkdir()
    loaded = site.root / "loaded"
    loaded.mkdir()
    (loaded / "old").write_text(SECRET)
    site.before = ["env", f"CREDENTIALS_DIRECTORY={loaded}"]
    secret = "[{credential: new}, {credential: old}]"
    good = site.config.read_text()
    with receiver() as heard, ExitStack() as stack:
        target = f"{{type: webhook, url: '{heard.url}', secret: %s, allow_private: true}}"
        more = "subscriptions:\n- {name: all, query: '', batch: {window: 100ms}, targets: [%s]}\n"
        site.configure(good + more % (target % "{credential: old}"))
        running = stack.enter_context(daemon(site))
        watched(running)
        site.configure(good + more % (target % secret))
        running.signal(signal.SIGHUP)
        running.says("the config was read again")
        site.page("develop", "reloaded", spec(hash_of(98)))
        running.says("signed without")
        yield running.log
        site.told("[restart it](notifications.md#receiving-it)")
        assert running.stop() == 0
        (loaded / "new").write_text(SECRET)  # which systemd does when it starts the service
        running = stack.enter_context(daemon(site))
        watched(running)
        site.page("develop", "restarted", spec(hash_of(99)))
        eventually(lambda: any(b"restarted" in r.body for r in heard.received))
        yield running.log


def not_delivered(site: Site) -> Said:
    """To a program that fails, until it is another one."""
    program = site.root / "program"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    site.configure(
        f"{site.config.read_text()}subscriptions:\n"
        f"- {{name: all, query: '', targets: [{{type: command, argv: ['{program}']}}]}}\n"
    )
    site.run("sync")
    site.page("develop", "late", spec(hash_of(77)))
    site.run("sync")
    assert "failing" in site.run("status").out
    waiting = site.follow("cachesync deliveries list")
    assert "status 1" in waiting
    yield f"a message did not arrive: {waiting}"
    arrived = site.root / "arrived"
    program.write_text(f"#!/bin/sh\ncat > {arrived}\n")
    site.follow("cachesync deliveries retry")
    site.run("sync")
    assert "late" in arrived.read_text()
    yield site.run("deliveries", "list").out + site.healthy()


def no_prometheus(site: Site) -> Said:
    """The extra is hidden from the daemon, then not: this `pip install` reaches the network."""
    pytest.importorskip("prometheus_client")
    hiding = site.home / "prometheus_client.py"
    hiding.write_text("raise ModuleNotFoundError(name=__name__)\n")
    path = f"PYTHONPATH={site.home}:{site.environment['PYTHONPATH']}"
    site.before = ["env", path]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    site.configure(f"{site.config.read_text()}metrics: {{listen: '127.0.0.1:{port}'}}\n")
    with daemon(site) as running:
        yield running.log
    site.told("`/opt/cachesync/bin/pip install 'prometheus-client>=0.21,<1'`")
    hiding.unlink()
    with daemon(site) as running:
        socket.create_connection(("127.0.0.1", port), 10).close()
        yield running.log


def github_limited(site: Site) -> Said:
    """A server that answers as GitHub does who has asked too often, until a token comes with it."""
    page = as_generated(Facts("hub", "develop", [spec(hash_of(99))]))
    with stub.StubServer() as server:
        hub = stub.GithubStub(server, {"develop": {"hub": page}})
        limit = stub.status(403, x_ratelimit_remaining="0", x_ratelimit_reset="9999999999")
        commits = f"/api/repos/{hub.repository}/commits/"

        def limited(talk: stub.Talk) -> None:
            (hub._commit if "authorization" in talk.seen.headers else limit)(talk)

        server.mount(commits, limited)
        source = (
            f"sources:\n  - {{name: up, type: github, repository: {hub.repository}, path: _cache,"
            f" api_url: '{hub.api_url}', raw_url: '{hub.raw_url}'%s}}\n"
        )
        site.configure(source % "")
        site.run("sync", status=1)
        yield site.run("status").out
        token = site.root / "token"
        token.write_text("a-token")
        token.chmod(0o600)
        site.told("`token:`")
        site.configure(source % f", token: {{file: {token}}}")
        site.run("sync")
        assert site.found("hub") == [hash_of(99)]
        yield site.run("status").out


MADE: dict[str, Callable[[Site], Said]] = {
    "nothing was ever synced into": nothing_synced,
    "cannot write": not_writable,
    "another cachesync": another_writer,
    "status 2": wrong_config,
    "there is no source": no_source,
    "status 127": not_installed,
    "`held`": held,
    "is `failed`": failed,
    "orphaned": orphaned,
    "watch: polling` in": polled,
    "watch: polling`, and": too_few_watches,
    "cannot lock files": no_locks,
    "not found": rejected,
    "the ledger answered": no_index,
    "has schema": newer_ledger,
    "signed without one of its secrets": one_secret,
    "did not arrive": not_delivered,
    "prometheus-client": no_prometheus,
    "not to be asked before": github_limited,
}
ELSEWHERE = {
    "does not answer": (
        "tests/system/test_daemon.py",
        "test_a_stopped_daemon_is_named_and_does_what_it_is_asked_when_it_goes_on",
    ),
    "cannot act as": (
        "tests/system/test_state_dir.py",
        "test_root_does_not_become_whom_the_program_cannot_be_read_by",
    ),
}
"""Symptoms that take another user, or long; which test makes them, and does what helps."""


@pytest.mark.parametrize("symptom", MADE)
def test_the_symptom_says_what_the_table_quotes_and_what_helps_ends_it(site, symptom):
    """Whoever looks for a message finds its row, and is rid of it by what the row says."""
    (row,) = [row for row in rows() if symptom in row.seen]
    site.helps = row.helps
    with closing(MADE[symptom](site)) as steps:
        said = next(steps)
        assert [part for part in quoted(row.seen) if part not in said] == [], said
        after = next(steps)
        shown = quoted(row.seen) or [symptom]
        assert shown[0] not in after
        assert symptom.strip("`") not in after


def test_every_row_is_made_by_a_test():
    """Here, or by the test that is named, which knows the symptom; none by two."""
    for symptom, (file, name) in ELSEWHERE.items():
        test = (ROOT / file).read_text().partition(f"\ndef {name}(")[2].partition("\ndef ")[0]
        assert symptom in test
    known = [*MADE, *ELSEWHERE]
    assert {row.seen: sum(s in row.seen for s in known) for row in rows()} == dict.fromkeys(
        (row.seen for row in rows()), 1
    )
