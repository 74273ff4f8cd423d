"""A command that is forked from a warm process does what one begun from nothing does."""

import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import warm
from tests.support.daemons import eventually
from tests.support.world import World, hash_of, spec


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """A world with a page, synced; read only."""
    world = World(tmp_path_factory.mktemp("warm"))
    world.configure("sources:\n" + world.directory_source())
    world.page("develop", "hdf5", spec(hash_of(1)), spec(hash_of(2)))
    world.run("sync")
    return world


def both(world: World, *arguments: str, **environment: str) -> tuple[warm.Ended, warm.Ended]:
    """A command begun warm, and begun cold."""
    command, env = world.command(*arguments), {**world.environment, **environment}
    cold = subprocess.run(
        command, env=env, cwd=world.root, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    begun = warm.run(command, env=env, cwd=world.root, timeout=60)
    return begun, warm.Ended(cold.returncode, cold.stdout, cold.stderr)


def without_times(ended: warm.Ended) -> warm.Ended:
    out, err = (
        re.sub(rb'"took_ms": *[\d.]+|\d+ m?s\b', b"TIME", text)
        for text in (ended.stdout, ended.stderr)
    )
    return ended._replace(stdout=out, stderr=err)


@pytest.mark.parametrize(
    "arguments",
    ["", "--help", "--version", "sync --help", "help query", "nosuch", "search", "search hdf5",
     "search --json hdf5", "search (a", "search --nosuch", "search nothing-such", "show hdf5",
     "show x", "changes --since 0", "changes --json", "status --json", "verify", "config check",
     "completion bash", "listen --nosuch", "deliveries list", "diff develop develop",
     "coverage nosuch", "wait --timeout 1s nosuch", "search h\udce9"],
)  # fmt: skip
def test_it_says_and_ends_alike(site, arguments):
    """The same status, standard output and standard error, whether it answers, helps or refuses."""
    begun, cold = map(without_times, both(site, *arguments.split()))
    assert begun == cold


def test_a_shell_that_asks_is_told_alike(site):
    """What click reads of the environment is that of the command."""
    begun, cold = both(
        site, _CACHESYNC_COMPLETE="bash_complete", COMP_WORDS="cachesync st", COMP_CWORD="1"
    )
    assert begun == cold
    assert b"status" in begun.stdout


def test_the_environment_is_the_commands_own(site, tmp_path):
    """Nothing of it stays for the next; the directory and the locale are its own, too."""
    other = World(tmp_path)
    other.configure("sources:\n" + other.directory_source("elsewhere"))
    other.page("develop", "zlib", spec(hash_of(3)))
    other.run("sync")
    for world, name in ((site, "site"), (other, "elsewhere"), (site, "site")):
        begun, cold = map(without_times, both(world, "status", LANG="C", TZ="Asia/Tokyo"))
        assert begun == cold
        assert name.encode() in begun.stdout
    other.config.unlink()
    other.run("sync", "--pages", "pages")  # a path in its own directory


def test_arguments_larger_than_a_message_arrive(site):
    """However long a query is."""
    begun, cold = both(site, "search", "a" * 120_000)
    assert begun == cold
    assert begun.returncode == 2


def test_one_that_takes_too_long_is_killed(world):
    """And is gone when that is said."""
    world.configure("sources:\n" + world.directory_source())
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run(world.command("run"), env=world.environment, cwd=world.root, timeout=1)
    assert world.status()["daemon"] is None


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 0)])
def test_its_end_is_what_is_told(world, number, status):
    """A signal, or what it made of one; and others go on meanwhile."""
    world.configure("sources:\n" + world.directory_source())
    world.run("sync")
    with ThreadPoolExecutor() as pool:
        ending = pool.submit(
            warm.run, world.command("run"), env=world.environment, cwd=world.root, timeout=60
        )
        pid = eventually(lambda: (world.status()["daemon"] or {}).get("pid"))
        os.kill(pid, number)
        assert ending.result().returncode == status
