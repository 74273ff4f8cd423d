"""The root of a source: replaced, emptied, unmounted, unreadable."""

import shutil
import subprocess

import pytest

from cachesync.watch.events import Dirty, Mode, RootBack, RootLost, Watching
from cachesync.watch.root import look_at
from tests.support.watched import _Child
from tests.support.watching import Watched, pages, write


def _lost_and_back(watched, lose, restore):
    """What is told when the root is lost and comes back; afterwards it is watched."""
    watched.fence()
    since = len(watched.events)
    lose()
    reason = watched.wait_for(lambda event: isinstance(event, RootLost), since).reason
    restore()
    watched.wait_for(lambda event: isinstance(event, RootBack), since)
    watched.wait_for(lambda event: isinstance(event, Watching), since)
    watched.fence()
    assert watched.kinds(since) == ["RootLost", "RootBack", "Watching"]
    told = watched.events[since:]
    back = next(at for at, event in enumerate(told) if isinstance(event, RootBack))
    assert Dirty("") in told[back:]
    assert watched.mirror == pages(watched.root)
    assert watched.dirty(lambda: write(watched.root, "a/x", "after")) == {"a/x/"}
    return reason


def test_a_root_renamed_away(watched, tmp_path):
    """Gone, and back with what it held."""
    away = tmp_path / "away"
    reason = _lost_and_back(
        watched, lambda: watched.root.rename(away), lambda: away.rename(watched.root)
    )
    assert "no such file or directory" in reason


def test_a_root_replaced_by_another_directory(watched, tmp_path):
    """The new one is watched; the old one is not any more."""
    write(tmp_path / "next", "a/x", "next")

    def replace():
        watched.root.rename(tmp_path / "previous")
        (tmp_path / "next").rename(watched.root)

    _lost_and_back(watched, replace, lambda: None)
    assert watched.dirty(lambda: write(tmp_path / "previous", "a/x", "old")) == set()


def test_a_root_that_is_a_link_to_the_current_release(tmp_path):
    """The link is pointed elsewhere: another directory, found by the timer."""
    for release in ("r1", "r2"):
        write(tmp_path / release, "a/x", release)
    link = tmp_path / "current"
    link.symlink_to("r1")
    with Watched(link) as watched:
        watched.begun()

        def switch():
            (tmp_path / "next").symlink_to("r2")
            (tmp_path / "next").rename(link)

        assert "another directory than before" in _lost_and_back(watched, switch, lambda: None)


def test_an_emptied_root(watched):
    """Everything below it is removed; lost until something is there."""

    def empty():
        for child in watched.root.iterdir():
            shutil.rmtree(child)

    reason = _lost_and_back(watched, empty, lambda: write(watched.root, "a/x"))
    assert "emptied" in reason


def test_a_removed_root_that_comes_back_empty_stays_lost(watched):
    """An empty directory in the place of a full one is what an unmounted file system looks like."""

    def restore():
        watched.root.mkdir()
        write(watched.root, "a/x")

    _lost_and_back(watched, lambda: shutil.rmtree(watched.root), restore)


def test_an_unmounted_root(tmp_path):
    """A file system mounted there is unmounted, and mounted again."""
    root = tmp_path / "mounted"
    root.mkdir()

    def mount():
        subprocess.run(
            ["mount", "-t", "tmpfs", "watch-test", root], check=True, capture_output=True
        )
        write(root, "a/x")

    def unmount():
        subprocess.run(["umount", root], check=True, capture_output=True)

    mount()
    try:
        with Watched(root) as watched:
            watched.begun()
            assert "empty" in _lost_and_back(watched, unmount, mount)
    finally:
        unmount()


def test_an_unreadable_root(tmp_path):
    """Permission is taken away and given back."""
    root = tmp_path / "root"
    write(root, "a/x")
    child = _Child(root, unprivileged=True)
    try:
        child.wait_for("Watching")
        root.chmod(0)
        assert "permission denied" in child.wait_for("RootLost")[0]
        root.chmod(0o777)
        child.wait_for("RootBack")
        child.wait_for("Dirty", "")
    finally:
        child.stop()


def test_a_root_that_is_not_there_at_first(tmp_path):
    """Lost from the beginning, then watched."""
    root = tmp_path / "root"
    with Watched(root) as watched:
        watched.wait_for(lambda event: isinstance(event, RootLost))
        assert watched.watcher.mode is Mode.LOST
        write(root, "a/x")
        watched.begun()
        assert watched.kinds() == ["RootLost", "RootBack", "Watching"]


def test_a_root_that_is_empty_at_first(tmp_path):
    """A new site: watched as it is."""
    with Watched(tmp_path) as watched:
        watched.begun()
        assert watched.dirty(lambda: write(tmp_path, "a/x")) <= {"a/", "a/x/"}
        assert watched.mirror == pages(tmp_path)
        assert watched.kinds() == ["Watching"]


def test_a_root_is_the_same_by_device_and_inode(tmp_path):
    """Not by its name; and a file is no root."""
    (tmp_path / "one").mkdir()
    one = look_at(str(tmp_path / "one"))
    (tmp_path / "one").rename(tmp_path / "two")
    assert one.is_same(look_at(str(tmp_path / "two")))
    (tmp_path / "one").mkdir()
    assert not one.is_same(look_at(str(tmp_path / "one")))
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        look_at(str(tmp_path / "file"))
