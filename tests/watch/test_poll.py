"""Noticing without inotify, and the books that are kept."""

import os
import shutil
import time

import pytest

from cachesync.selection import Selection
from cachesync.watch.poll import Poll
from cachesync.watch.tree import Tree, prefix_of
from tests.support.watching import wait_until, write

# -- polling


def test_polling_tells_what_changed(tree, monkeypatch):
    """In place with its size and time kept, replaced, removed, new, nested; then nothing."""
    now = [time.time_ns() + 10**10]
    monkeypatch.setattr("cachesync.watch.poll.time.time_ns", lambda: now[0])
    poll = Poll(os.fspath(tree), Selection())
    assert len(poll.changed(lambda: True)) == 6
    assert poll.directories == 9
    assert poll.changed(lambda: True) == []
    status = (tree / "a/x/specs.md").stat()
    wait_until(lambda: write(tree, "a/x", "size").stat().st_ctime_ns != status.st_ctime_ns)
    os.utime(tree / "a/x/specs.md", ns=(status.st_atime_ns, status.st_mtime_ns))
    _replace_page(tree, "a/y")
    (tree / "a/z/specs.md").unlink()
    shutil.rmtree(tree / "b/x")
    write(tree, "c/x/deep", "new")
    assert poll.changed(lambda: True) == ["a/x/", "a/y/", "a/z/", "b/x/", "c/x/"]
    assert poll.changed(lambda: True) == []


def _replace_page(root, path):
    (root / path / ".new").write_text("page")
    (root / path / ".new").rename(root / path / "specs.md")


def test_polling_tells_a_young_page_again(tree):
    """A page that may still change without its times changing is told at the next look too."""
    poll = Poll(os.fspath(tree), Selection())
    poll.changed(lambda: True)
    write(tree, "a/x", "young")
    assert "a/x/" in poll.changed(lambda: True)
    assert "a/x/" in poll.changed(lambda: True)


# -- the books


def test_the_tree_forgets_a_directory_with_all_below_it():
    """And knows no path for what it forgot."""
    tree = Tree(1)
    tree.add(2, 1, "a")
    tree.add(3, 2, "x")
    tree.add(4, 1, "b")
    assert tree.path(3) == "a/x/"
    assert tree.place(3) == (2, "x")
    assert sorted(tree.forget(2)) == [2, 3]
    assert tree.path(3) is None
    assert tree.forget(3) == []
    assert tree.path(1) == ""
    assert len(tree) == 2


def test_a_late_farewell_does_not_touch_the_successor():
    """The old directory is dropped after a new one took its name."""
    tree = Tree(1)
    tree.add(2, 1, "a")
    tree.add(3, 1, "a")
    assert tree.forget(2) == [2]
    assert tree.child(1, "a") == 3
    assert tree.path(3) == "a/"


@pytest.mark.parametrize(
    ("path", "prefix"), [("", ""), ("a/", "a/"), ("a/x/", "a/x/"), ("a/x/y/z/", "a/x/")]
)
def test_prefixes(path, prefix):
    """A package at most."""
    assert prefix_of(path) == prefix
