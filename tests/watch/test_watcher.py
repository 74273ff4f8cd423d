"""The watcher over real directories: what makes what dirty, and its thread."""

import os
import random
import select
import shutil
import subprocess
import threading
import time

import pytest

from cachesync.selection import Selection
from cachesync.watch.events import Degraded, Dirty, Mode
from cachesync.watch.poll import Pages, Poll
from cachesync.watch.root import look_at
from cachesync.watch.timing import Timing
from cachesync.watch.watcher import Watcher
from tests.support.watched import _Child, _replace
from tests.support.watching import QUICK, Watched, pages, wait_until, write

# -- what makes what dirty


def _truncate(root):
    os.truncate(root / "a/x/specs.md", 1)


def _link(root):
    (root / "a/x/specs.md").unlink()
    os.link(root / "b/z/specs.md", root / "a/x/specs.md")


def _open_for_long(root):
    with (root / "a/x/specs.md").open("a") as page:
        page.write("half of it")


ONE_PAGE = {
    "written in place": lambda root: write(root, "a/x", "other"),
    "replaced by rename": _replace,
    "truncated": _truncate,
    "hard link": _link,
    "removed": lambda root: (root / "a/x/specs.md").unlink(),
    "appended to": _open_for_long,
    "permissions": lambda root: (root / "a/x/specs.md").chmod(0o600),
    "time set back": lambda root: os.utime(root / "a/x/specs.md", (1, 1)),
    "moved away": lambda root: (root / "a/x/specs.md").rename(root / "a/x/.old"),
    "its directory removed": lambda root: shutil.rmtree(root / "a/x"),
    "its directory moved away": lambda root: (root / "a/x").rename(root.parent / "x"),
    "its directory hidden": lambda root: (root / "a/x").rename(root / "a/.x"),
    "nested below": lambda root: write(root, "a/x/deeper/and/deeper"),
    "replaced by a link": lambda root: (
        (root / "a/x/specs.md").unlink(),
        (root / "a/x/specs.md").symlink_to("/dev/null"),
    ),
}


@pytest.mark.parametrize("action", ONE_PAGE.values(), ids=ONE_PAGE.keys())
def test_what_happens_to_one_page_makes_its_package_dirty(watched, action):
    """The package, nothing else; and reading it when told gives what is there."""
    assert watched.dirty(lambda: action(watched.root)) - {"b/z/"} == {"a/x/"}
    assert watched.mirror == pages(watched.root)


NOTHING = {
    "another file": lambda root: (root / "a/x/notes.txt").write_text("x"),
    "a hidden file": lambda root: (root / "a/x/.specs.md.new").write_text("x"),
    "a hidden directory": lambda root: (root / ".git/objects").mkdir(parents=True),
    "a page in a hidden directory": lambda root: write(root, ".git/a/x"),
    "a file beside the tags": lambda root: (root / "README.md").write_text("x"),
    "a link to a directory": lambda root: (root / "c").symlink_to("a"),
    "the time of a directory": lambda root: os.utime(root / "a/x", (1, 1)),
    "reading all of it": lambda root: (pages(root), os.listdir(root / "a")),
}


@pytest.mark.parametrize("action", NOTHING.values(), ids=NOTHING.keys())
def test_what_is_no_page_makes_nothing_dirty(watched, action):
    """No prefix at all is told."""
    assert watched.dirty(lambda: action(watched.root)) == set()


def test_a_page_of_a_tag_or_of_the_root_makes_that_dirty(watched):
    """What lies higher than a package has a shorter prefix."""
    assert watched.dirty(lambda: write(watched.root, "a")) == {"a/"}
    assert watched.dirty(lambda: write(watched.root, "")) == {""}
    assert watched.mirror == pages(watched.root)


def test_moved_directories_are_seen_under_their_new_names(watched):
    """A tag and a package are moved; a page written afterwards is told where it lies now."""
    root = watched.root
    assert watched.dirty(lambda: (root / "a").rename(root / "c")) == {"a/", "c/"}
    assert watched.dirty(lambda: write(root, "c/x", "1")) == {"c/x/"}
    assert watched.dirty(lambda: (root / "c/x").rename(root / "b/w")) == {"c/x/", "b/w/"}
    assert watched.dirty(lambda: write(root, "b/w", "2")) == {"b/w/"}
    assert watched.mirror == pages(root)
    assert watched.watcher.directories == sum(1 for _ in os.walk(root))


def test_a_directory_moved_in_is_watched_with_all_in_it(watched, tmp_path):
    """And one that is moved out is not any more."""
    root = watched.root
    write(tmp_path / "made", "c/x/deep", "1")
    assert watched.dirty(lambda: (tmp_path / "made/c").rename(root / "c")) == {"c/"}
    assert watched.dirty(lambda: write(root, "c/x/deep", "2")) == {"c/x/"}
    assert watched.dirty(lambda: (root / "c").rename(tmp_path / "out")) == {"c/"}
    assert watched.dirty(lambda: write(tmp_path, "out/x/deep", "3")) == set()
    assert watched.mirror == pages(root)


def test_a_directory_that_takes_a_name_over_is_the_one_watched(watched, tmp_path):
    """The package is replaced by another directory, as deployments do."""
    root = watched.root
    for number in range(5):
        write(tmp_path, f"new{number}", "new")
        (root / "a/x").rename(tmp_path / f"old{number}")
        (tmp_path / f"new{number}").rename(root / "a/x")
    watched.fence()
    assert watched.dirty(lambda: write(root, "a/x", "newer")) == {"a/x/"}
    assert watched.mirror == pages(root)


def test_every_piece_of_a_slow_page_is_told(watched):
    """A page written in ten pieces stays dirty until the last one."""
    with (watched.root / "a/x/specs.md").open("w") as page:
        for number in range(10):

            def piece(number=number):
                page.write(str(number) * 100_000)
                page.flush()

            assert watched.dirty(piece) == {"a/x/"}
    watched.fence()
    assert watched.mirror == pages(watched.root)


def test_a_selection_is_all_that_is_watched(tree):
    """Tags and packages that are not admitted cost no watch."""
    with Watched(tree, selection=Selection(("a", "zzz"), ("x",)), mirroring=False) as watched:
        watched.begun()
        assert watched.watcher.directories == 3
        since = len(watched.events)
        for path in ("a/y", "b/x", "c/x", "a/w", "a/x"):
            write(tree, path, "new")
        watched.wait_for(lambda event: event == Dirty("a/x/"), since)
        assert {event.prefix for event in watched.events[since:]} == {"a/x/"}


def test_a_directory_that_becomes_readable_is_watched(tmp_path):
    """Without permission it is skipped, and looked at as soon as there is some."""
    root = tmp_path / "root"
    write(root, "a/x")
    child = _Child(root, unprivileged=True)
    try:
        child.wait_for("Dirty", "")
        (root / "a/x").chmod(0)
        child.wait_for("Dirty", "a/x/")
        (root / "a/x").chmod(0o777)
        child.wait_for("Dirty", "a/x/")
        write(root, "a/x/new")
        child.wait_for("Dirty", "a/x/")
    finally:
        child.stop()


def test_five_hundred_new_tags_lose_no_page(watched):
    """Each with three packages whose page is written right after its directory."""
    root = watched.root

    def make():
        for tag in range(500):
            for package in "xyz":
                (root / f"t{tag}" / package).mkdir(parents=True)
                (root / f"t{tag}" / package / "specs.md").write_text(f"{tag}")

    dirty = watched.dirty(make)
    assert {f"t{tag}/" for tag in range(500)} <= dirty
    assert watched.mirror == pages(root)
    assert watched.watcher.directories == sum(1 for _ in os.walk(root))
    assert "Overflowed" not in watched.kinds()


def test_whatever_happens_the_mirror_agrees(watched):
    """A thousand steps of making, writing, moving and removing, at full speed."""
    root, chance = watched.root, random.Random(3)

    def place(depth):
        return "/".join(chance.choice("abcd" if level == 0 else "wxyz") for level in range(depth))

    def step():
        path = root / place(chance.choice([1, 2, 2, 3]))
        kind = chance.randrange(5)
        if kind <= 1:
            write(root, place(chance.choice([2, 2, 3])), str(chance.random()))
        elif kind == 2:
            shutil.rmtree(path)
        elif kind == 3:
            path.rename(root / place(chance.choice([1, 2, 2, 3])))
        else:
            os.replace(path / "specs.md", root / place(2) / "specs.md")

    for _ in range(5):
        for _ in range(200):
            try:
                step()
            except OSError:
                continue
        watched.fence()
        wait_until(lambda: watched.mirror == pages(root))
        wait_until(lambda: watched.watcher.directories == sum(1 for _ in os.walk(root)))


def test_directories_moved_into_a_new_one_before_it_is_watched(watched):
    """What was watched elsewhere is found in a new directory: everything is watched anew."""
    root = watched.root
    watched.hold.clear()
    write(root, "b/x", "the reader waits in telling this")
    (root / "c").mkdir()
    (root / "a/x").rename(root / "c/x")
    (root / "a/y").rename(root / "c/y")
    watched.hold.set()
    watched.fence()
    wait_until(lambda: watched.watcher.directories == sum(1 for _ in os.walk(root)))
    assert watched.dirty(lambda: write(root, "c/x", "seen")) == {"c/x/"}
    assert watched.mirror == pages(root)
    assert "Overflowed" not in watched.kinds()


def _mounted(*words):
    try:
        subprocess.run(["mount", *words], check=True, capture_output=True)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        pytest.skip(f"cannot mount: {error}")


def test_a_directory_mounted_twice_is_watched_once(tree):
    """It does not make the watcher begin anew for ever."""
    (tree / "a/again").mkdir()
    _mounted("--bind", tree / "b/x", tree / "a/again")
    try:
        with Watched(tree) as watched:
            watched.begun()
            assert watched.dirty(lambda: write(tree, "b/x", "seen")) <= {"b/x/", "a/again/"}
            assert watched.kinds() == ["Watching"]
            assert watched.watcher.directories == 10 + 2
    finally:
        subprocess.run(["umount", tree / "a/again"], check=True)


def test_a_package_that_is_unmounted_is_watched_again(tree):
    """What it was mounted on comes to light, and is watched."""
    _mounted("-t", "tmpfs", "watch-test", tree / "a/x")
    try:
        write(tree, "a/x", "mounted")
        with Watched(tree) as watched:
            watched.begun()
            subprocess.run(["umount", tree / "a/x"], check=True)
            watched.wait_for(lambda event: event == Dirty("a/x/"))
            wait_until(lambda: watched.kinds() == ["Watching"] * 2)
            assert watched.dirty(lambda: write(tree, "a/x", "seen")) == {"a/x/"}
            assert watched.mirror == pages(tree)
    finally:
        subprocess.run(["umount", "-q", tree / "a/x"], check=False)


# -- the thread


def test_the_heartbeat_advances_while_the_thread_runs(tree):
    """And stands still where the thread hangs, or is stopped."""
    watched = Watched(tree)
    with watched:
        watched.begun()
        before = watched.watcher.alive_at
        wait_until(lambda: watched.watcher.alive_at > before)
        watched.hold.clear()
        write(tree, "a/x", "telling this hangs")
        hung = time.monotonic() + 0.3
        wait_until(lambda: time.monotonic() > hung + 0.3)
        assert watched.watcher.alive_at < hung
    assert not watched.watcher.is_alive()
    assert watched.watcher.mode is Mode.STOPPED


def test_a_dead_thread_is_visible(tree):
    """What the listener raises ends it, and is kept."""

    def raises(event):
        raise ValueError("listener")

    watcher = Watcher(os.fspath(tree), raises, timing=QUICK)
    watcher.start()
    wait_until(lambda: not watcher.is_alive())
    assert repr(watcher.failure) == "ValueError('listener')"
    assert watcher.mode is Mode.STOPPED
    assert watcher.stop()


def test_stopping_is_quick_and_leaves_nothing_open(tmp_path):
    """At once, while it starts, before it started; descriptors and threads are as before."""
    for number in range(500):
        (tmp_path / "a" / str(number)).mkdir(parents=True)
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    for began in (True, False):
        watched = Watched(tmp_path, timing=Timing())
        with watched:
            if began:
                watched.begun()
            at = time.monotonic()
            assert watched.watcher.stop()
            assert time.monotonic() - at < 4
    assert Watcher(os.fspath(tmp_path), print).stop()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before


def test_a_scan_does_not_wake_the_watcher(tree):
    """Listing, opening, reading and closing put nothing into the queue."""
    from cachesync.watch.inotify import Inotify

    inotify = Inotify(os.fspath(tree), Pages(Selection()), lambda: True)
    try:
        inotify.complete()
        poller = select.poll()
        poller.register(inotify, select.POLLIN)
        assert pages(tree)
        look_at(os.fspath(tree))
        Poll(os.fspath(tree), Selection()).changed(lambda: True)
        assert poller.poll(0) == []
        write(tree, "a/x", "changed")
        assert poller.poll(0) != []
        assert inotify.read().dirty == ["a/x/"]
    finally:
        inotify.close()


def test_events_of_a_kind_are_equal_by_value():
    """Plain values: they can be put into a queue, compared and logged."""
    assert Dirty("a/") == Dirty("a/")
    assert Degraded("why").reason == "why"
