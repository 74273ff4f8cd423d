"""A remedy that is copied reaches what was asked: the globals of who tells it are in it."""

import json
import shlex
import socket
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.cli.app import COMMANDS
from cachesync.cli.options import Globals, split_globals
from cachesync.cli.remedies import ELSEWHERE, HERE, reaching
from tests.support import mirrors
from tests.support.daemons import daemon
from tests.support.world import World, spec


def test_every_command_is_told_apart():
    """None is forgotten: it has a state directory or a configuration, or it has neither."""
    assert set(COMMANDS) == HERE | ELSEWHERE
    assert not HERE & ELSEWHERE


paths = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1)


@given(st.none() | paths, st.none() | paths, st.sampled_from(sorted(HERE)))
def test_a_copied_remedy_has_the_same_globals(config, state_dir, command):
    """Whatever characters are in their paths, a shell and the command line read them as they were."""
    given_, named = (value and f"/{value}" for value in (config, state_dir))
    told = reaching(f"cachesync {command} x", Globals(given_, named))
    words = shlex.split(told)
    assert words[0] == "cachesync"
    assert split_globals(words[1:]) == (Globals(given_, named), [command, "x"])


@pytest.mark.parametrize("text", [
    "systemctl reload cachesync", "cachesync help query", "cachesync status --help", "a cachesync (pid 7)",
    "chown -R cachesync: /s", "cachesync.service is enabled", "restart cachesync, then wait",
])  # fmt: skip
def test_what_is_no_command_on_a_ledger_stays(text):
    """Nor what only tells how a command is called."""
    assert reaching(text, Globals("/c", "/s")) == text


def test_without_globals_nothing_is_put_in():
    text = "cachesync config check, then `cachesync sync` once"
    assert reaching(text, Globals()) == text
    told = "cachesync --state-dir /s config check, then `cachesync --state-dir /s sync` once"
    assert reaching(text, Globals(state_dir="/s")) == told


@pytest.fixture
def world(tmp_path) -> World:
    """A source that fails, from a configuration with a space in its path, named and not found."""
    made = World(tmp_path)
    made.page("develop", "hdf5", spec("a"))
    made.config = tmp_path / "a config.yaml"
    made.configure(f"sources:\n{made.directory_source()}")
    made.run("--config", made.config, "sync")
    made.pages.rename(made.root / "away")
    return made


def test_everybody_who_tells_a_remedy_puts_them_in(world):
    """An error, its JSON, status, its JSON, doctor, the log; a relative path is made whole."""
    named = ("--config", world.config.name)
    words = f"cachesync --config '{world.config}' --state-dir {world.state}"
    failed = world.run(*named, "sync", "--json", status=1)
    assert json.loads(failed.err.splitlines()[-1])["error"]["hint"] == f"{words} status"
    remedy = f"mend what this names; {words} sync site tries again"
    assert f"    remedy: {remedy}\n" in world.run(*named, "status").out
    (reason,) = world.run(*named, "status", "--json").json["health"]["reasons"]
    assert reason["remedy"] == remedy
    assert f"remedy: {remedy}\n" in world.run(*named, "doctor", "--offline", status=1).out
    assert f"hint: `{words} wait zzz`" in world.run(*named, "show", "zzz", status=1).err
    world.configure("sources: []\n")
    assert f"`{words} forget site`" in world.run(*named, "sync", status=2).err


def test_who_waits_is_told_what_reads_this_ledger(world):
    told = world.run("wait", "--timeout", "1ms", "zlib", status=1).err
    words = f"cachesync --state-dir {world.state}"
    assert f"no daemon runs: nothing comes until `{words} sync` or `{words} run`" in told


def test_healthz_tells_the_way_to_its_daemon(world):
    """Who reads it is elsewhere: the daemon's globals are in it, and in its log."""
    pytest.importorskip("prometheus_client", reason="the extra is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with world.config.open("a") as out:
        out.write(f"metrics: {{listen: '127.0.0.1:{port}'}}\n")
    words = f"cachesync --config '{world.config}' --state-dir {world.state}"
    with daemon(world, "--config", world.config) as running:
        running.says(f"at once by {words} sync site)")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            (reason,) = json.load(answer)["reasons"]
        assert reason["remedy"].endswith(f"by itself, at once by {words} sync site")


def test_a_remedy_that_is_followed_helps(world):
    """In another directory, by a shell."""
    world.run("--config", world.config.name, "sync", status=1)
    told = world.run("--config", world.config.name, "status", "--json").json
    remedy = told["health"]["reasons"][0]["remedy"]
    command = remedy.partition("; ")[2].partition(" tries")[0]
    (world.root / "away").rename(world.pages)
    world.root = world.home
    world.run(*shlex.split(command)[1:])
    assert world.run("status", "--check").out == "cachesync ok\n"


def test_what_show_tells_to_type_works(tmp_path):
    """The command for the tree of a spec, copied elsewhere."""
    one = World(tmp_path)
    need = mirrors.record("zlib")
    spec_ = mirrors.record("hdf5", "1.14.6", need)
    mirror = mirrors.make_mirror(tmp_path / "mirror", [spec_])
    one.run("sync", "--mirror", mirror.url)
    said = one.run("show", f"/{spec_.hash}").out
    command = f"cachesync --state-dir {one.state} show /{spec_.hash[:7]} --tree"
    assert f"1 spec directly ({command})" in said
    one.root = one.home
    assert "zlib@=1.0" in one.run(*shlex.split(command)[1:]).out


def test_the_command_of_a_message_reaches_the_ledger_it_is_of(tmp_path):
    """A summary names what lists everything; it works from anywhere, for whoever is told it."""
    one = World(tmp_path)
    one.config = tmp_path / "a config.yaml"
    told = tmp_path / "told.json"
    one.configure(
        f"sources:\n{one.directory_source()}subscriptions:\n"
        "  - name: all\n    query: hdf5\n    backfill: true\n    batch: {window: 0s, summary_above: 1}\n"
        f"    targets: [{{type: command, argv: [/bin/sh, -c, 'cat > {told}']}}]\n"
    )
    one.page("develop", "hdf5", spec("a"), spec("b"), spec("c"))
    one.run("--config", one.config, "sync")
    command = json.loads(told.read_text())["data"]["command"]
    words = f"cachesync --config '{one.config}' --state-dir {one.state} changes --subscription all "
    assert command.startswith(words)
    one.root = one.home
    assert one.run(*shlex.split(command)[1:]).out.count("spec.cached") == 3
