"""The kernel drops events, or refuses to watch."""

import importlib.metadata
import inspect
import os
import re

from cachesync.watch.events import Dirty, Overflowed, Watching
from tests.support.watched import _Child, _replace
from tests.support.watching import Watched, write


def test_the_hook_for_overflows_is_there():
    """What `watch/inotify.py` uses of watchdog beyond its documentation."""
    from watchdog.observers import inotify_c

    assert importlib.metadata.version("watchdog").startswith("7.1.")
    assert hasattr(inotify_c.WatchCallback, "on_queue_overflow")
    assert ".on_queue_overflow()" in inspect.getsource(inotify_c.InotifyFD.handle_event)
    queue = inotify_c.InotifyFD()
    for name in ("_inotify_fd", "_kill_r", "_kill_w", "_watch_for_wd", "_closed"):
        assert hasattr(queue, name)
    queue._close_resources()


def test_an_overflow_of_the_queue_is_told_once_and_mended(tree):
    """A page is rewritten 8,000 times while nothing is read, then 500 new ones go unnoticed."""
    with Watched(tree, mirroring=False) as watched:
        watched.begun()
        watched.hold.clear()
        write(tree, "a/x", "the reader waits in telling this")
        for _ in range(8_000):  # three events each; the queue holds 16,384
            _replace(tree)
        for number in range(500):
            write(tree, f"b/{number}", "new")
        since = len(watched.events)
        watched.hold.set()
        watched.wait_for(lambda event: isinstance(event, Watching), since)
        watched.fence()
        assert watched.kinds(since) == ["Overflowed", "Watching"]
        events = watched.events[since:]
        assert Dirty("") in events[events.index(Overflowed()) :]
        assert watched.watcher.directories == sum(1 for _ in os.walk(tree))
        assert watched.dirty(lambda: write(tree, "b/499", "seen")) == {"b/499/"}
        assert "Overflowed" not in watched.kinds(len(watched.events) - 5)


def test_out_of_watches_is_told_with_its_remedy_and_polled(tree):
    """Nine directories, five watches; with more of them it is watched again."""
    child = _Child(tree, ("user.max_inotify_watches", 5))
    try:
        reason, why = child.wait_for("Degraded")
        assert why == "exhausted"
        for part in (
            "user.max_inotify_watches is 5",
            "9 directories",
            "`sysctl user.max_inotify_w",
        ):
            assert part in reason
        child.wait_for("Dirty", "")
        write(tree, "a/x", "changed")
        child.wait_for("Dirty", "a/x/")
        write(tree, "new/x", "new")
        child.wait_for("Dirty", "new/x/")
        child.set("user.max_inotify_watches", 1000)
        child.wait_for("Dirty", "")
        assert child.wait_for("Watching")[0] == 11
        write(tree, "new/x", "again")
        child.wait_for("Dirty", "new/x/")
    finally:
        child.stop()


def test_running_out_of_watches_later_is_told_too(tree):
    """A tree that grows beyond the limit while it is watched."""
    child = _Child(tree, ("user.max_inotify_watches", 12))
    try:
        assert child.wait_for("Watching")[0] == 9
        for number in range(10):
            write(tree, f"a/{number}", "new")
        reason = child.wait_for("Degraded")[0]  # as soon as it knows of more than it may watch
        found = re.search(r"is 12, but (\d+) directories each need a watch", reason)
        assert found, reason
        assert 12 < int(found[1]) <= 19
        child.wait_for("Dirty", "")
        write(tree, "a/9", "changed")
        child.wait_for("Dirty", "a/9/")
    finally:
        child.stop()


def test_out_of_instances_is_told_with_its_remedy_and_polled(tree):
    """No inotify instance is left; when one is, it is taken."""
    child = _Child(tree, ("user.max_inotify_instances", 0))
    try:
        reason, why = child.wait_for("Degraded")
        assert why == "exhausted"
        for part in ("user.max_inotify_instances is 0", "`sysctl user.max_inotify_instances="):
            assert part in reason
        child.wait_for("Dirty", "")
        write(tree, "a/x", "changed")
        child.wait_for("Dirty", "a/x/")
        child.set("user.max_inotify_instances", 10)
        child.wait_for("Watching")
    finally:
        child.stop()
