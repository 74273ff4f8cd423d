"""One state directory: which one it is for whom, who may write it, and as whom root does."""

import os
import shlex
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.daemons import daemon, watched
from tests.support.machine import PERSON, SERVICE, Machine, why_not
from tests.support.pagetext import spec
from tests.support.world import hash_of


@pytest.fixture
def machine():
    """A machine with the service's directory, whose configuration names one source `site`."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    root = Path(tempfile.mkdtemp(prefix="cachesync-machine-", dir="/tmp"))
    try:
        root.chmod(0o755)
        made = Machine(root)
        made.install()
        for number in range(30):
            made.page("develop", f"p{number}", spec(hash_of(number)))
        config = root / "cachesync.yaml"
        config.write_text("sources:\n" + made.directory_source())
        made.named = ["--config", str(config)]
        yield made
    finally:
        shutil.rmtree(root, ignore_errors=True)


def config_of(machine):
    return ("--config", str(machine.root / "cachesync.yaml"))


def test_readers_and_writers_take_the_services_directory_when_it_is_there(machine):
    """What root syncs is what everybody finds; nobody's own ledger is made beside it."""
    said = machine.run("sync").err
    assert "a new ledger is made in /var/lib/cachesync" in said
    assert "new ledger" not in machine.run("sync").err
    with machine.being(PERSON):
        assert "p7" in machine.run("search", "p7").out
        shown = machine.run("config", "show", "--json").json
        assert shown["state_dir"] == {"path": "/var/lib/cachesync", "why": "system"}
        assert (shown["config"], shown["config_why"]) == (None, None)
        assert not list(machine.home.rglob("ledger.sqlite"))
    assert not list(machine.home.rglob("ledger.sqlite"))


def test_who_may_not_write_is_told_whose_it_is_and_what_works(machine):
    """The hint's own directory works; of commands that it would not help it is not said."""
    machine.run("sync")
    with machine.being(PERSON, *config_of(machine)):
        for arguments in (("sync",), ("sync", "--pages", machine.pages), ("run",)):
            lines = machine.run(*arguments, status=1).err.splitlines()
            assert lines[0] == (
                "cachesync: error: cannot write to the state directory /var/lib/cachesync:"
                " it is the service's (nobody)"
            )
            own = f"{machine.home}/xdg-state/cachesync"
            assert lines[1] == (
                f"hint: run this as root or as nobody; `--state-dir {own}` makes your own"
            )
        machine.run("--state-dir", own, "sync", "--pages", machine.pages)
        assert "p7" in machine.run("--state-dir", own, "search", "p7").out
        for arguments in (("rebuild", "index"), ("forget", "other")):
            lines = machine.run(*arguments, status=1).err.splitlines()
            assert lines[1] == "hint: run this as root or as nobody"


def test_what_may_not_be_read_is_not_called_missing(machine):
    """Neither a ledger, an outbox nor a configuration below a directory that is closed to this user."""
    private = machine.root / "private"
    machine.run("--state-dir", private, "sync", "--pages", machine.pages)
    shutil.copy(machine.root / "cachesync.yaml", private / "cachesync.yaml")
    private.chmod(0o700)
    closed = f"cannot read the state directory {private}: Permission denied"
    with machine.being(PERSON):
        for arguments in (("search", "p7"), ("changes",), ("deliveries", "list")):
            said = machine.run("--state-dir", private, *arguments, status=1).err.splitlines()
            assert said[0] == f"cachesync: error: {closed}"
            assert len(said) == 2
        said = machine.run("--state-dir", private, "sync", "--pages", machine.pages, status=1).err
        assert f"cannot write to the state directory {private}: it is root's\n" in said
        for arguments in (("search", "p7"), ("status",), ("config", "check"), ("config", "show")):
            named = ("--config", private / "cachesync.yaml")
            said = machine.run(*named, *arguments, status=2).err.splitlines()
            assert said[0] == (
                f"cachesync: error: cannot read {private}/cachesync.yaml: Permission denied"
            )


def test_without_the_service_it_is_ones_own_and_announced(machine):
    """Once, and not with -q."""
    machine.state.rmdir()
    with machine.being(PERSON, *config_of(machine)):
        own = machine.home / "xdg-state" / "cachesync"
        assert machine.run("config", "show", "--json").json["state_dir"]["why"] == "user"
        assert f"a new ledger is made in {own}" in machine.run("sync").err
        assert "new ledger" not in machine.run("sync").err
        shutil.rmtree(own)
        assert machine.run("-q", "sync").err == ""


def test_root_reaches_the_service_through_its_socket(machine):
    """The remedy that `status` names lets go what is held: in the service's ledger, by its daemon."""
    with machine.being(SERVICE, *config_of(machine)), daemon(machine) as running:
        watched(running)
        for number in range(30):
            machine.remove(f"develop/p{number}")
        with machine.being(0, *config_of(machine)):
            machine.run("sync", status=1)
            assert machine.status()["sources"][0]["state"] == "held"
            done = machine.run("sync", "--allow-mass-removal", "--json").json
            assert done["sources"][0]["removed"] == 30
            assert machine.status()["sources"][0]["state"] == "ok"
            machine.run("rebuild", "index")
            said = machine.run("sync", "--pages", machine.pages, status=2).err
            assert f"pid {running.process.pid}" in said
            shown = machine.run("config", "show", "--json").json
            assert shown["daemon"] == {"pid": running.process.pid}
        assert running.stop() == 0
        assert machine.owners() == {SERVICE}
    assert not list(machine.root.glob("home*/**/ledger.sqlite"))


def test_root_subscribes_for_the_service_and_others_ask_for_it(machine):
    """The secret is the service's alone; what others are told to ask for is what root then does."""
    words = ("subscribe", "p7", "-p8", "--name", "mine", "--webhook", "https://ci.example.org/hook")
    folder = machine.root / "subscriptions.d"
    config = config_of(machine)
    (machine.root / "cachesync.yaml").chmod(0o640)  # who may not read it asks all the same
    with machine.being(PERSON, *config):
        asked = machine.run(*words, status=1)
        assert f"nothing was changed: you may not write in {machine.root}" in asked.err
        _, command, _, *by_hand = asked.out.splitlines()
        made, secret, *lines = (line.removeprefix("#   ") for line in by_hand)
        text = "".join(f"{line}\n" for line in lines)
        assert not folder.exists()
        machine.root.chmod(0o711)
        (machine.root / "cachesync.yaml").chmod(0o600)
        assert machine.run(*words, status=1).out == asked.out
        os.chmod(machine.root, 0o700)  # where they cannot even see whose it is
        assert machine.run(*words, status=1).out == asked.out
        assert machine.run("unsubscribe", "mine", status=1).out.startswith("# For the")
        machine.root.chmod(0o755)
        (machine.root / "cachesync.yaml").chmod(0o640)
    subprocess.run(["sh", "-c", f"umask 000; {made} && {secret}"], check=True)
    key = (folder / "mine.secret").stat()
    assert (key.st_uid, stat.S_IMODE(key.st_mode)) == (SERVICE, 0o600)
    shutil.rmtree(folder)
    sudo, program, *line = shlex.split(command)
    assert (sudo, program, line[:2]) == ("sudo", "cachesync", list(config))
    with machine.being(0, *config):
        machine.run(*line[2:])
        files = {file.name: file.stat() for file in folder.iterdir()}
        assert {name: (one.st_uid, stat.S_IMODE(one.st_mode)) for name, one in files.items()} == {
            "mine.yaml": (0, 0o640), "mine.secret": (SERVICE, 0o600),
        }  # fmt: skip
        assert (folder / "mine.yaml").read_text() == text
    with machine.being(PERSON, *config):
        asked = machine.run("unsubscribe", "mine", status=1)
        assert shlex.join(["sudo", "cachesync", *config, "unsubscribe", "mine"]) in asked.out
    with machine.being(0, *config):
        machine.run("unsubscribe", "mine")
        assert list(folder.iterdir()) == []
        for path in (folder, machine.root, machine.root / "cachesync.yaml"):
            os.chown(path, PERSON, PERSON)
        asked = machine.run(*words, status=1)  # neither may write where the other has to
        assert "as whom the daemon runs" in asked.err
        assert asked.out.startswith("# By hand: after what stands here, this as ")
        assert list(folder.iterdir()) == []
        os.chown(machine.root / "cachesync.yaml", 0, 0)
    file = folder / "theirs.yaml"  # which nothing says is what a command wrote
    file.write_text("subscriptions: []\n")
    os.chown(folder, PERSON, PERSON)
    (machine.root / "cachesync.yaml").chmod(0o600)
    with machine.being(PERSON, *config):
        assert "cannot read" in machine.run("unsubscribe", "theirs", status=2).err
        assert file.exists()


COMMANDS = (
    ("sync",), ("rebuild", "index"), ("deliveries", "list"), ("verify",),
    ("status",), ("search", "p7"), ("deliveries", "replay", "--since", "1d"), ("doctor", "--offline"),
)  # fmt: skip


def test_what_root_does_the_service_can_go_on_with(machine):
    """Whatever root's umask is, everything stays the service's, and as open as its directory."""
    received = machine.root / "received"
    received.mkdir()
    os.chown(received, SERVICE, SERVICE)
    config = machine.root / "cachesync.yaml"
    script = machine.root / "note"
    script.write_text(f"#!/bin/sh\nid -u > {received}/by\n")
    script.chmod(0o755)
    config.write_text(
        config.read_text() + "subscriptions:\n  - {name: all, query: 'p*', backfill: true,"
        f" targets: [{{type: command, argv: [{script}]}}]}}\n"
    )
    gone = machine.root / "gone"
    machine.page("develop", "old", spec(hash_of(99)), root=gone)
    with machine.being(SERVICE, *config_of(machine)):
        machine.run("sync", "--pages", gone)
    machine.run("sync", "--pages", gone)
    before = os.umask(0o077)
    try:
        for arguments in (*COMMANDS, ("forget", gone)):
            machine.run(*arguments)
            assert machine.owners() == {SERVICE}, arguments
    finally:
        os.umask(before)
    assert (received / "by").read_text() == f"{SERVICE}\n"
    with machine.being(PERSON):
        assert "ledger answers" not in machine.run("search", "p7").err
    with machine.being(SERVICE, *config_of(machine)):
        machine.page("develop", "later", spec(hash_of(77)))
        assert machine.sync()["sources"][0]["changed"] == 1
        machine.run("rebuild", "index")
        machine.run("verify")


def test_a_ledger_that_root_begins_is_the_services(machine):
    """In an empty directory of the service's, too; the daemon that root starts is no other."""
    machine.run("sync")
    assert machine.owners() == {SERVICE}
    with daemon(machine) as running:
        watched(running)
        assert machine.owners() == {SERVICE}
        assert os.stat(f"/proc/{running.process.pid}/fd").st_uid in (0, SERVICE)
        assert running.stop() == 0
    backup = machine.root / "backup.sqlite"
    machine.run("backup", backup)
    assert backup.stat().st_uid == 0, "what root names is root's own"


def test_root_does_not_become_whom_the_program_cannot_be_read_by(machine):
    """Modules are imported when they are needed: that is seen before anything is done.

    Where everybody can read them, root becomes whom it should.
    """
    hidden = machine.root / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(Path(__file__).parents[2] / "cachesync", hidden / "cachesync")
    path = machine.environment["PYTHONPATH"].split(os.pathsep)[1]
    environment = {**machine.environment, "PYTHONPATH": f"{hidden}:{path}"}
    command = machine.command("sync")
    done = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"cannot act as nobody, who owns /var/lib/cachesync: they cannot read {hidden}" in (
        done.stderr
    )
    assert os.listdir(machine.state) == []
    hidden.chmod(0o755)
    done = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.returncode, "cannot act as" in done.stderr) == (0, False)
    assert machine.owners() == {SERVICE}


def test_doctor_compares_owners(machine):
    """A file of root's in the service's directory is an error, with the command that mends it."""
    machine.run("sync")
    found = machine.run("doctor", "--json").json["findings"]
    assert [f["state"] for f in found if f["check"] == "owners"] == ["ok"]
    os.chown(machine.state / "ledger.sqlite", 0, 0)
    found = machine.run("doctor", "--json", status=1).json["findings"]
    (finding,) = [f for f in found if f["check"] == "owners"]
    assert finding["state"] == "error"
    assert "/var/lib/cachesync/ledger.sqlite to root" in finding["text"]
    assert finding["remedy"] == "chown -R nobody: /var/lib/cachesync"
