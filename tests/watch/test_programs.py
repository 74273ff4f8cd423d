"""The programs that write pages, under the watcher."""

import shutil
import subprocess

import pytest

from cachesync.watch.debounce import covers
from tests.support.watched import _program
from tests.support.watching import Watched, pages, write


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
