"""The troubleshooting table of docs/operations.md: its symptoms are made for real, and say what it quotes."""

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cachesync.ledger import connect
from tests.support.daemons import eventually
from tests.support.documents import ROOT, read
from tests.support.world import World, hash_of, spec


def rows() -> list[str]:
    """What one sees, by row."""
    chapter = read("docs/operations.md").partition("## When something is wrong\n")[2]
    cells = re.findall(r"^\| (.*?) \| .* \| .* \|$", chapter, re.MULTILINE)
    return cells[1:]


def quoted(row: str) -> list[str]:
    """The parts of messages that a row quotes; `...` stands for what differs."""
    return [part for quote in re.findall(r"`([^`]*)`", row) for part in quote.split("...") if part]


@pytest.fixture
def site(world: World) -> World:
    """Twenty-five pages, and a subscription to a program that fails."""
    world.configure(
        f"sources:\n{world.directory_source()}"
        "subscriptions:\n- {name: all, query: '', targets: [{type: command, argv: ['false']}]}\n"
    )
    for number in range(25):
        world.page("develop", f"p{number}", spec(hash_of(number)))
    world.sync()
    return world


def nothing_synced(site: World) -> str:
    shutil.rmtree(site.state)
    return site.run("status", status=1).err


def not_writable(site: World) -> str:
    site.state = Path("/proc/cachesync")
    return site.run("sync", status=1).err


def not_installed(site: World) -> str:
    """The command line of the unit where there is no cachesync."""
    unit = (ROOT / "systemd" / "cachesync.service").read_text()
    (line,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    done = subprocess.run(
        line.split(), env={"PATH": str(site.home)}, capture_output=True, text=True, check=False
    )
    return f"status {done.returncode} /usr/bin/env cachesync: {done.stderr}"


def no_prometheus(site: World) -> str:
    (site.home / "prometheus_client.py").write_text("raise ModuleNotFoundError(name=__name__)\n")
    site.configure(f"sources:\n{site.directory_source()}metrics: {{listen: '127.0.0.1:9'}}\n")
    log = site.root / "log"
    path = f"PYTHONPATH={site.home}:{site.environment['PYTHONPATH']}"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["env", path, *site.command("run")], env=site.environment, stderr=out, cwd=site.root
        )
    try:
        eventually(lambda: "ready" in log.read_text())
    finally:
        process.terminate()
        process.wait(30)
    return log.read_text()


def second_writer(site: World) -> str:
    with connect.writer_lock(site.state):
        return site.run("sync", status=1).err


def wrong_config(site: World) -> str:
    site.configure("sourcse: []\n")
    done = site.run("run", status=2)
    return done.err + site.run("config", "check", status=2).err


def no_source(site: World) -> str:
    site.configure("")
    return site.run("run", status=2).err


def held(site: World) -> str:
    shutil.rmtree(site.pages / "develop")
    site.run("sync", status=1)
    return site.run("status").out


def failed(site: World) -> str:
    site.pages.rename(site.root / "elsewhere")
    site.run("sync", status=1)
    return site.run("status").out


def orphaned(site: World) -> str:
    other = site.directory_source("other", path=site.home)
    site.configure(f"sources:\n{other}")
    site.run("sync")
    return site.run("status").out


def rejected(site: World) -> str:
    site.write("develop/p0", b"no page")
    site.run("sync")
    return site.run("status").out


def no_index(site: World) -> str:
    shutil.rmtree(site.state / "index")
    return site.run("search", "p1").err


def newer_ledger(site: World) -> str:
    with sqlite3.connect(site.state / "ledger.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    return site.run("status", status=1).err


def not_delivered(site: World) -> str:
    site.page("develop", "late", spec(hash_of(77)))
    site.run("sync")
    return site.run("deliveries", "list").out


MADE: dict[str, Callable[[World], str]] = {
    "nothing was ever synced into": nothing_synced,
    "cannot write": not_writable,
    "status 127": not_installed,
    "prometheus-client": no_prometheus,
    "another cachesync": second_writer,
    "status 2": wrong_config,
    "there is no source": no_source,
    "held": held,
    "failed": failed,
    "orphaned": orphaned,
    "not found": rejected,
    "the ledger answered": no_index,
    "has schema": newer_ledger,
    "did not arrive": not_delivered,
}
ELSEWHERE = {
    "polling": "tests/watch/test_inotify.py",
    "does not answer": "tests/system/test_daemon.py",
    "cannot act as": "tests/system/test_state_dir.py",
    "cannot lock files": "tests/system/test_filesystems.py",
    "GitHub source is limited": "tests/sources/test_github.py",
    "signed without one of its secrets": "tests/system/test_systemd.py",
}
"""Symptoms that need another user, another installation or a server; who makes them."""


@pytest.mark.parametrize("symptom", MADE)
def test_the_symptom_says_what_the_table_quotes(site, symptom):
    """Whoever looks for the message in the table finds its row."""
    (row,) = [row for row in rows() if symptom in row]
    said = MADE[symptom](site)
    assert [part for part in quoted(row) if part not in said] == [], said


def test_every_row_is_made_by_a_test():
    """Here, or where it stands in the second table."""
    assert all((ROOT / where).is_file() for where in ELSEWHERE.values())
    known = [*MADE, *ELSEWHERE]
    assert [row for row in rows() if not any(symptom in row for symptom in known)] == []
