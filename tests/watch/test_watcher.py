"""The watcher over real directories, real inotify and the programs that write pages.

Nothing sleeps for a result: inotify keeps the order, so a directory made last (`Watched.fence`)
is told last.
"""

import importlib.metadata
import inspect
import json
import os
import random
import select
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cachesync.selection import Selection
from cachesync.watch.debounce import covers
from cachesync.watch.events import Degraded, Dirty, Mode, Overflowed, RootBack, RootLost, Watching
from cachesync.watch.poll import Poll
from cachesync.watch.root import look_at
from cachesync.watch.tree import Tree, prefix_of
from cachesync.watch.watcher import Timing, Watcher
from tests.support.watching import QUICK, Watched, pages, wait_until, write

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path):
    """Two tags with three packages each."""
    root = tmp_path / "root"
    for tag in ("a", "b"):
        for package in ("x", "y", "z"):
            write(root, f"{tag}/{package}")
    return root


@pytest.fixture
def watched(tree):
    """That tree, watched."""
    with Watched(tree) as watched:
        yield watched.begun()


def _program(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


# --- what makes what dirty ---------------------------------------------------------------------


def _replace(root):
    (root / "a/x/.specs.md.new").write_text("new")
    (root / "a/x/.specs.md.new").rename(root / "a/x/specs.md")


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


# --- the programs that write pages --------------------------------------------------------------


def _git(cwd, *words):
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    subprocess.run([_program("git"), "-C", cwd, *who, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """A repository with two branches, `main` and `other`, that differ in a few pages."""
    upstream = tmp_path / "upstream"
    for tag in "abc":
        for package in range(40):
            write(upstream, f"{tag}/{package}", f"{tag}{package}")
    _git(upstream, "init", "-q")
    _git(upstream, "add", ".")
    _git(upstream, "commit", "-qm", "1")
    _git(upstream, "checkout", "-qb", "other")
    write(upstream, "a/1", "changed")
    write(upstream, "new/1", "added")
    (upstream / "b/2/specs.md").unlink()
    shutil.rmtree(upstream / "c")
    _git(upstream, "add", "-A")
    _git(upstream, "commit", "-qm", "2")
    _git(upstream, "checkout", "-q", "main")
    return upstream


def test_git_checkout_of_another_branch(repository, tmp_path):
    """There and back again: only what differs is dirty, and all of it is."""
    root = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", repository, root)
    _git(root, "fetch", "-q", "origin", "other:other")
    with Watched(root) as watched:
        watched.begun()
        for branch in ("other", "main"):
            dirty = watched.dirty(lambda branch=branch: _git(root, "checkout", "-q", branch))
            assert {"a/1/", "b/2/"} <= dirty
            assert all(
                covers("c/", one) or one in {"a/1/", "b/2/", "new/", "new/1/"} for one in dirty
            )
            assert watched.mirror == pages(root)


def test_git_pull_into_the_tree(repository, tmp_path):
    """A new commit of one page and one new package."""
    root = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", repository, root)
    write(repository, "a/7", "pulled")
    write(repository, "b/new", "pulled")
    _git(repository, "add", "-A")
    _git(repository, "commit", "-qm", "3")
    with Watched(root) as watched:
        watched.begun()
        assert watched.dirty(lambda: _git(root, "pull", "-q")) == {"a/7/", "b/new/"}
        assert watched.mirror == pages(root)


@pytest.mark.parametrize("options", [("-a",), ("-a", "--inplace"), ("-a", "--delete")])
def test_rsync_into_the_tree(watched, tmp_path, options):
    """Only what rsync transfers is dirty; a copy that is already there makes nothing dirty."""
    origin, root = tmp_path / "origin", watched.root
    rsync = [_program("rsync"), *options, "--exclude=zzz", f"{origin}/", f"{root}/"]
    shutil.copytree(root, origin, ignore=shutil.ignore_patterns("zzz"))
    watched.dirty(lambda: subprocess.run(rsync, check=True))
    assert watched.dirty(lambda: subprocess.run(rsync, check=True)) == set()
    write(origin, "a/x", "longer than before")
    write(origin, "c/x", "new tag")
    (origin / "b/y/specs.md").unlink()
    dirty = watched.dirty(lambda: subprocess.run(rsync, check=True))
    assert {"a/x/", "c/"} <= dirty <= {"a/x/", "c/", "c/x/", "b/y/"}
    assert ("b/y/" in dirty) == ("--delete" in options)
    assert watched.mirror == pages(root)


# --- the kernel drops events, or refuses to watch -------------------------------------------------


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


class _Child:
    """`watch_child.py` in a process of its own."""

    def __init__(self, root, *sysctls, unprivileged=False):
        command = [sys.executable, ROOT / "tests/support/watch_child.py", root]
        command += [f"{name} {value}" for name, value in sysctls]
        if sysctls:
            command = [*_namespace(), *command]
        if unprivileged and os.geteuid() == 0:
            bounds = "--bounding-set=-dac_override,-dac_read_search"
            command = [_program("setpriv"), bounds, *command]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            text=True,
        )

    def wait_for(self, kind, *start):
        """The next event of a kind whose first value starts like that; what came before is dropped."""
        for line in self._lines():
            event = json.loads(line)
            if event[0] == kind and event[1 : 1 + len(start)] == list(start):
                return event[1:]
        raise AssertionError(f"the child ended without {kind}")

    def _lines(self):
        deadline = threading.Timer(20.0, self.process.kill)
        deadline.start()
        try:
            yield from iter(self.process.stdout.readline, "")
        finally:
            deadline.cancel()

    def set(self, name, value):
        self.process.stdin.write(f"{name} {value}\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait(10)
        assert '["stopped", true, "None"]' in rest


def _namespace():
    """A user namespace has limits of its own: those of this machine stay as they are."""
    command = [_program("unshare"), "--user", "--map-root-user"]
    probe = [*command, "sh", "-c", "echo 100000 > /proc/sys/user/max_inotify_watches"]
    refused = subprocess.run(probe, check=False, capture_output=True, text=True)
    if refused.returncode:
        pytest.skip(f"no user namespace with limits of its own: {refused.stderr.strip()}")
    return command


def test_out_of_watches_is_told_with_its_remedy_and_polled(tree):
    """Nine directories, five watches; with more of them it is watched again."""
    child = _Child(tree, ("user.max_inotify_watches", 5))
    try:
        (reason,) = child.wait_for("Degraded")
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
        assert child.wait_for("Watching")[0] == 11
        child.wait_for("Dirty", "")
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
        assert "19 directories" in child.wait_for("Degraded")[0]
        child.wait_for("Dirty", "")
        write(tree, "a/9", "changed")
        child.wait_for("Dirty", "a/9/")
    finally:
        child.stop()


def test_out_of_instances_is_told_with_its_remedy_and_polled(tree):
    """No inotify instance is left; when one is, it is taken."""
    child = _Child(tree, ("user.max_inotify_instances", 0))
    try:
        (reason,) = child.wait_for("Degraded")
        for part in ("user.max_inotify_instances is 0", "`sysctl user.max_inotify_instances="):
            assert part in reason
        child.wait_for("Dirty", "")
        write(tree, "a/x", "changed")
        child.wait_for("Dirty", "a/x/")
        child.set("user.max_inotify_instances", 10)
        child.wait_for("Watching")
    finally:
        child.stop()


# --- the root ------------------------------------------------------------------------------------


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


# --- the thread -----------------------------------------------------------------------------------


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
            assert time.monotonic() - at < 1.0
    assert Watcher(os.fspath(tmp_path), print).stop()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before


def test_a_scan_does_not_wake_the_watcher(tree):
    """Listing, opening, reading and closing put nothing into the queue."""
    from cachesync.watch.inotify import Inotify

    inotify = Inotify(os.fspath(tree), Selection(), lambda: True)
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


# --- polling --------------------------------------------------------------------------------------


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


# --- the books ------------------------------------------------------------------------------------


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
