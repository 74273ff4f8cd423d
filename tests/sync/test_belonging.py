"""A state directory has the sources of one config file; another file makes nothing of them gone."""

import os
import shutil

import pytest

from tests.support.daemons import daemon, watched
from tests.support.pagetext import spec
from tests.support.world import World, hash_of

SUBSCRIPTION = """\
subscriptions:
  - name: all
    query: ""
    targets:
      - {type: command, argv: [/bin/true]}
"""


@pytest.fixture
def site(world: World) -> World:
    """A ledger that has the sources of the default config file, and a subscription of it."""
    world.page("develop", "hdf5", spec(hash_of(1)))
    world.configure("sources:\n" + world.directory_source() + SUBSCRIPTION)
    world.sync()
    return world


@pytest.fixture
def other(site):
    """Another config file, with a source of its own."""
    pages = site.root / "others"
    site.page("develop", "zlib", spec(hash_of(2)), root=pages)
    path = site.root / "other.yaml"
    path.write_text("sources:\n" + site.directory_source("other", path=pages))
    return path


def states(site):
    return {source["name"]: source["state"] for source in site.status()["sources"]}


def subscribed(site):
    return [s["name"] for s in site.status()["notifications"]["subscriptions"]]


def test_another_config_file_is_refused_and_nothing_is_marked(site, other):
    """By `sync` and `forget`, with the command that works; what reads, and the index, are everybody's."""
    seq = site.seq()
    for arguments in (("sync",), ("sync", "other"), ("sync", "--pages", site.pages), ("forget", "site")):  # fmt: skip
        lines = site.run("--config", other, *arguments, status=2).err.splitlines()
        assert lines[0] == (
            f"cachesync: error: the sources in {site.state} are those of the config file"
            f" {site.config}, and this is {other}"
        )
        assert lines[1].startswith(f"hint: --config {site.config}, or another --state-dir; remove ")
    assert (states(site), site.seq(), subscribed(site)) == ({"site": "ok"}, seq, ["all"])
    assert site.run("--config", other, "search", "hdf5").status == 0
    site.run("--config", other, "rebuild", "index")
    site.run("--config", other, "--state-dir", site.root / "mine", "sync")
    site.run("--config", site.config, "sync")


def test_without_any_config_file_nothing_is_gone_either(site):
    """Somebody with another HOME: no file that says what the sources are is none that dropped them."""
    kept = site.config.rename(site.root / "elsewhere.yaml")
    site.run("--config", kept, "sync")  # the file was moved, and is the same
    for arguments in (("sync",), ("sync", "--pages", site.pages), ("forget", "site")):
        said = site.run(*arguments, status=2).err
        assert f"those of the config file {kept}, and none applies here\n" in said
    assert states(site) == {"site": "ok"}


def test_a_file_that_was_moved_is_followed(site):
    """The old one is not there any more, so that it is the new one that drops a source."""
    moved = site.root / "moved.yaml"
    site.config.rename(moved)
    pages = site.root / "more"
    pages.mkdir()
    moved.write_text("sources:\n" + site.directory_source("more", path=pages))
    assert "site is not in the config any more" in site.run("--config", moved, "sync").err
    assert states(site) == {"site": "orphaned", "more": "ok"}


@pytest.mark.parametrize("way", ["relative", "link"])
def test_it_is_the_file_that_counts_and_not_how_it_is_named(site, way):
    name = os.path.relpath(site.config, site.root)
    if way == "link":
        (site.root / "link.yaml").symlink_to(site.config)
        name = "link.yaml"
    assert site.run("--config", name, "sync").status == 0


def test_the_hint_has_another_file_take_its_place(site, other):
    """Then it is as if the sources had left the config, which they have."""
    hint = site.run("--config", other, "sync", status=2).err.splitlines()[1]
    file = hint.partition("; remove ")[2].partition(" to have ")[0]
    os.unlink(file)
    site.run("--config", other, "sync")
    assert states(site) == {"site": "orphaned", "other": "ok"}
    assert f"those of the config file {other}, and this is" in site.run("sync", status=2).err


def test_the_daemon_takes_over_what_it_is_started_with(site, other):
    """Whoever starts it says which file applies from then on."""
    default = site.config.rename(site.root / "default.yaml")
    site.run("--config", default, "sync")
    shutil.copy(other, site.config)
    site.run("sync", status=2)
    with daemon(site) as running:
        watched(running)
        assert states(site) == {"site": "orphaned", "other": "ok"}
        assert running.stop() == 0
    said = site.run("--config", default, "sync", status=2).err
    assert f"those of the config file {site.config}, and this is" in said
    site.sync()


def test_a_daemon_that_does_not_start_takes_nothing_over(site, other):
    """Another one holds the directory, or its configuration is wrong."""
    with daemon(site) as running:
        watched(running)
        site.run("--config", other, "run", status=1)
        assert running.stop() == 0
    other.write_text("sources: 7\n")
    site.run("--config", other, "run", status=2)
    site.sync()
    assert states(site) == {"site": "ok"}
