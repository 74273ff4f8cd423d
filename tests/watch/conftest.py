"""A tree of pages, and a watcher over it."""

import pytest

from tests.support.watching import Watched, write


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
