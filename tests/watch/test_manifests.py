"""Watching spec manifests: which directories lead there, and that a package is what is dirty."""

import os

import pytest

from cachesync.selection import Selection
from cachesync.watch.events import Dirty, Watching
from cachesync.watch.manifests import ManifestPoll, SpecManifests
from cachesync.watch.watcher import Watcher
from tests.support.daemons import eventually
from tests.support.mirrors import push, record

ALL = SpecManifests(Selection())
ZLIB, HDF5 = record("zlib"), record("hdf5")
SPECS = "v3/manifests/spec/"


@pytest.mark.parametrize(
    ("path", "name", "leads"),
    [
        ("", "v3", True),
        ("", "blobs", False),
        ("v3/", "manifests", True),
        ("v3/manifests/", "spec", True),
        ("v3/manifests/", "index", False),
        (SPECS, "hdf5", True),
        (SPECS, ".new", False),
        (f"{SPECS}hdf5/", "deeper", False),
    ],
)
def test_only_directories_that_lead_to_manifests_are_followed(path, name, leads):
    assert ALL.has_directory(path, name) is leads


def test_a_package_that_is_not_wanted_is_not_watched():
    some = SpecManifests(Selection(packages=("hdf5",)))
    assert [some.has_directory(SPECS, name) for name in ("hdf5", "zlib")] == [True, False]


@pytest.mark.parametrize(
    ("path", "part"),
    [("", ""), ("v3/manifests/", ""), (SPECS, ""), (f"{SPECS}hdf5/", "hdf5/")],
)
def test_the_package_is_what_is_dirty(path, part):
    assert ALL.part_of(path) == part


def test_a_look_tells_which_packages_are_other(tmp_path):
    """A manifest that comes, and one that goes; a young one is looked at until it is old."""
    poll = ManifestPoll(str(tmp_path), ALL)
    assert poll.changed(lambda: True) == []
    pushed = push(tmp_path, ZLIB)
    assert poll.changed(lambda: True) == ["zlib/"]
    assert poll.changed(lambda: True) == ["zlib/"]
    os.utime(pushed, (1, 1))
    other = push(tmp_path, HDF5)
    assert "hdf5/" in poll.changed(lambda: True)
    other.unlink()
    assert "hdf5/" in poll.changed(lambda: True)
    assert poll.changed(lambda: False) == []


def test_a_push_into_an_empty_mirror_is_told_by_its_package(tmp_path):
    """By events, from the first one on; what is written elsewhere in the mirror is told of nobody."""
    told = []
    watcher = Watcher(str(tmp_path), told.append, selection=ALL)
    watcher.start()
    try:
        eventually(lambda: any(isinstance(one, Watching) for one in told))
        push(tmp_path, ZLIB)
        eventually(lambda: Dirty("zlib/") in told or told.count(Dirty("")) > 1)
        told.clear()
        push(tmp_path, record("zlib", "2.0"))
        eventually(lambda: Dirty("zlib/") in told)
        assert set(told) == {Dirty("zlib/")}
    finally:
        watcher.stop()
