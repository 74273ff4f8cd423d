"""A mirror in the file system: what may not be read is named, and nothing keeps anybody waiting."""

import os
import tempfile
from pathlib import Path

import pytest

from cachesync.sources.base import Failed
from tests.support import mirrors
from tests.support.mirrorreading import (
    INDEX,
    ZLIB,
    hashes,
    placed,
    read,
)
from tests.support.nobody import nobody


def test_a_file_address_is_decoded(tmp_path):
    made = mirrors.make_mirror(tmp_path / "my mirror%", [ZLIB])
    assert "%20" in made.url
    assert placed(read(made.url)) == hashes(ZLIB)


def test_a_mirror_that_is_not_there_is_a_failure(tmp_path):
    """An unmounted disk is no empty cache."""
    failed = read((tmp_path / "no").as_uri())
    assert failed.is_passing
    assert f"there is no directory {tmp_path}/no" in failed.reason


@pytest.mark.parametrize("closed", ["v3/manifests", INDEX, "blobs"])
def test_what_cannot_be_read_is_named(closed):
    """The first thing on the way that is closed: what somebody's umask left so."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        mirrors.make_mirror(root, [ZLIB])
        with nobody():
            assert placed(read(root.as_uri())) == hashes(ZLIB)
        (root / closed).chmod(0)
        with nobody():
            failed = read(root.as_uri())
        (root / closed).chmod(0o755)
    assert isinstance(failed, Failed)
    assert failed.is_passing
    assert f"{root}/{closed} cannot be read: permission denied (chmod o+rX" in failed.reason


def test_a_read_only_mirror_is_read(root):
    mirrors.make_mirror(root, [ZLIB])
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert placed(read(root.as_uri())) == hashes(ZLIB)
    finally:
        for path in [root, *root.rglob("*")]:
            path.chmod(0o755)


def test_a_pipe_keeps_nobody_waiting(root):
    mirrors.make_mirror(root, [ZLIB])
    (root / INDEX).unlink()
    os.mkfifo(root / INDEX)
    assert "is not a regular file" in read(root.as_uri()).reason
