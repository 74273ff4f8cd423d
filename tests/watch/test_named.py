"""Files that are known by their places: which directories lead there, and what a look at them tells."""

import os
import time

import pytest

from cachesync.selection import Selection
from cachesync.watch.events import Dirty, Polling, Watching, WatchReason
from cachesync.watch.manifests import SpecManifests
from cachesync.watch.named import Named, NamedPoll
from cachesync.watch.watcher import Watcher
from tests.support.daemons import eventually

INDEX = "v3/manifests/index/index.manifest.json"
VIEW = "v3/manifests/index/team/x86/index.manifest.json"
NAMED = Named(frozenset((INDEX, VIEW, "build_cache/index.json")))


@pytest.mark.parametrize(
    ("path", "name", "leads"),
    [
        ("", "v3", True),
        ("", "blobs", False),
        ("v3/manifests/", "index", True),
        ("v3/manifests/", "spec", False),
        ("v3/manifests/index/", "team", True),
        ("v3/manifests/index/", "other", False),
        ("build_cache/", "linux", False),
    ],
)
def test_only_directories_that_lead_to_a_file_are_followed(path, name, leads):
    assert NAMED.has_directory(path, name) is leads


def write(root, path, data):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    then = time.time() - 3600
    os.utime(file, (then, then))


def test_a_look_tells_which_files_are_other(tmp_path, monkeypatch):
    """Made, written with the same length and time, removed; a young file is looked at until it is old."""
    poll = NamedPoll(str(tmp_path), NAMED)
    later = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert poll.changed(lambda: True) == ["build_cache/", "v3/manifests/"]
    assert poll.changed(lambda: True) == []
    write(tmp_path, VIEW, b"one")
    assert poll.changed(lambda: True) == ["v3/manifests/"]
    assert poll.changed(lambda: True) == []
    write(tmp_path, VIEW, b"two")
    assert poll.changed(lambda: True) == ["v3/manifests/"]
    (tmp_path / VIEW).unlink()
    assert poll.changed(lambda: True) == ["v3/manifests/"]
    assert poll.changed(lambda: True) == []
    assert poll.changed(lambda: False) == []


def test_a_young_file_is_told_again(tmp_path):
    poll = NamedPoll(str(tmp_path), NAMED)
    write(tmp_path, INDEX, b"one")
    poll.changed(lambda: True)
    assert poll.changed(lambda: True) == ["v3/manifests/"]


def test_events_of_blobs_and_specs_wake_nobody(tmp_path):
    """Of a mirror that is being pushed to only the index tells."""
    told = []
    (tmp_path / "v3/manifests/spec").mkdir(parents=True)
    watcher = Watcher(str(tmp_path), told.append, selection=NAMED)
    watcher.start()
    try:
        eventually(lambda: len(told) > 1)
        assert told[0] == Dirty("")
        assert isinstance(told[1], Watching)
        assert told[1].directories == 3
        (tmp_path / "blobs/sha256").mkdir(parents=True)
        (tmp_path / "blobs/sha256/x").write_bytes(b"x")
        (tmp_path / "v3/manifests/spec/hdf5").mkdir()
        (tmp_path / "v3/manifests/index").mkdir()
        (tmp_path / INDEX).write_bytes(b"x")
        eventually(lambda: len(told) > 2)
        assert set(told[2:]) == {Dirty("v3/manifests/")}
    finally:
        watcher.stop()


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize(
    ("link", "selection", "file"),
    [
        ("v3", NAMED, INDEX),
        ("v3/manifests/index", NAMED, INDEX),
        (INDEX, NAMED, INDEX),
        ("v3/manifests", SpecManifests(Selection()), f"v3/manifests/spec/pkg/pkg-1-{'a' * 32}.spec.manifest.json"),
        ("v3/manifests/spec/pkg", SpecManifests(Selection()), f"v3/manifests/spec/pkg/pkg-1-{'a' * 32}.spec.manifest.json"),
    ],
)  # fmt: skip
def test_what_lies_behind_a_link_is_polled(tmp_path, link, selection, file, when):
    """It is read through the link, and no event tells of what changes behind it."""
    root, elsewhere, told = tmp_path / "root", tmp_path / "elsewhere", []
    write(root, file, b"one")

    def be_linked():
        (root / link).rename(elsewhere)
        (root / link).symlink_to(elsewhere)

    if when == "before":
        be_linked()
    watcher = Watcher(str(root), told.append, selection=selection)
    watcher.start()
    try:
        eventually(lambda: Dirty("") in told)
        if when == "meanwhile":
            be_linked()
        eventually(lambda: watcher.polled is not None)
        assert isinstance(watcher.polled, Polling)
        assert watcher.polled.why is WatchReason.LINK
        assert watcher.polled.reason.startswith(f"{link} is a symbolic link")
    finally:
        watcher.stop()
