"""What `doctor` finds out of systemd credentials from a shell, and of what it cannot know."""

import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from cachesync.cli.credentials import loaded_by
from tests.support.configs import EXAMPLE
from tests.support.daemons import eventually
from tests.support.rig import why_no_tracing
from tests.support.world import World

UNIT = """\
# /etc/systemd/system/cachesync.service
[Service]
LoadCredential=github-token
LoadCredential=webhook-secret:/etc/secrets/hook
# /etc/systemd/system/cachesync.service.d/override.conf
[Service]
"""


@pytest.fixture
def site(world: World) -> World:
    """A source, and a webhook with two secrets that are credentials."""
    world.configure(
        f"sources:\n{world.directory_source()}"
        "subscriptions:\n- name: all\n  query: ''\n  targets:\n"
        "  - {type: webhook, url: 'https://ci.example.org/',"
        " secret: [{credential: new}, {credential: old}]}\n"
    )
    return world


def found(site: World, status: int) -> dict[str, tuple[str, str]]:
    findings = site.run("doctor", "--json", status=status).json["findings"]
    return {f["check"]: (f["state"], f["text"]) for f in findings}


def test_the_daemon_is_asked_for_its_credentials(site):
    """It has one of two: doctor names the other, with its remedy, and the daemon signs with the one."""
    credentials = site.root / "credentials"
    credentials.mkdir()
    (credentials / "old").write_text("the old one\n")
    log = site.root / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["env", f"CREDENTIALS_DIRECTORY={credentials}", *site.command("run")],
            env=site.environment, cwd=site.root, stderr=out, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        eventually(lambda: "ready" in log.read_text())
        told = found(site, 1)
        assert told["credential old"] == ("ok", "the daemon has it")
        state, text = told["credential new"]
        assert state == "error"
        assert text.startswith(
            "the daemon says: the secret in the systemd credential new cannot be"
        )
        assert told["all: webhook"][0] == "ok"
        assert "signed without one of its secrets: the secret in the systemd credential new" in (
            log.read_text()
        )
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_where_nobody_can_be_asked_doctor_says_so(site):
    """Without a daemon and without a unit a credential is neither well nor wrong."""
    told = found(site, 0)
    assert {told[f"credential {name}"][0] for name in ("new", "old")} == {"not asked"}


def test_what_offline_leaves_out_is_not_asked(world):
    world.configure("sources:\n  - {name: up, type: github, repository: a/b}\n")
    told = world.run("doctor", "--offline").out.splitlines()
    assert "not asked up: api.github.com: --offline" in told


def test_a_clock_behind_the_newest_change_is_told(world):
    """The ledger has changes of a later time: the clock is wrong now, or was wrong then."""
    world.write("develop/broken", b"no page")
    world.sync()
    db = sqlite3.connect(world.state / "ledger.sqlite")
    with db:
        db.execute("UPDATE change SET at = at + 3 * 3600 * 1000000")
    db.close()
    said = world.run("doctor").out.splitlines()
    line = next(line for line in said if line.startswith("warning clock: "))
    assert line.startswith("warning clock: ")
    assert line.endswith("is 3 h before the newest change")


def test_what_a_unit_loads():
    """Drop-ins add to it, and an empty assignment forgets what stood before."""
    before = {"github-token": "github-token", "webhook-secret": "/etc/secrets/hook"}
    assert loaded_by(UNIT + "LoadCredential=new\n") == {**before, "new": "new"}
    assert loaded_by(UNIT + "LoadCredential=\nLoadCredentialEncrypted=new\n") == {"new": "new"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "log: {level: info}\n"])
def test_a_configuration_without_a_source(world, text):
    """`config check` says so, and `run` is an error that makes no state directory."""
    world.configure(text)
    assert world.run("config", "check").out.endswith(
        ": it names no source and no subscription; `run` needs a source\n"
    )
    done = world.run("run", status=2)
    assert done.err.startswith("cachesync: error: there is no source to watch or to fetch: ")
    assert "\nhint: name one below `sources:`" in done.err
    assert not world.state.exists()


def test_the_shipped_example_is_good_and_runs_as_it_is(world):
    """It says that its directory is to be put there, waits for it, and reaches nobody meanwhile."""
    done = world.run("--config", EXAMPLE, "config", "check")
    assert done.out.endswith(": ok, 1 source, 0 subscriptions\n")
    if not Path("/srv/pages").exists():
        assert done.err == "cachesync: note: source mirror: /srv/pages is not there\n"
    log, calls = world.root / "log", world.root / "calls"
    tracer = [] if why_no_tracing() else ["strace", "-f", "-qq", "-e", "trace=connect", "-o", calls]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*tracer, *world.command("--config", EXAMPLE, "run")],
            env=world.environment, cwd=world.root, stderr=out, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        eventually(lambda: "ready, sources: mirror\n" in log.read_text())
        if not Path("/srv/pages").exists():
            eventually(lambda: "/srv/pages" in log.read_text())
            eventually(lambda: [s["state"] for s in world.status()["sources"]] == ["failed"])
    finally:
        os.kill(world.status()["daemon"]["pid"], signal.SIGTERM)
        assert process.wait(30) == 0
    if tracer:
        assert "AF_INET" not in calls.read_text()
