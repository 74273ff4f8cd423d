"""The mirrors that real Spack wrote, unpacked once for each run of tests, with what is known of them."""

import atexit
import fcntl
import json
import os
import shutil
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from cachesync.buildcache import layout, manifest
from tests.support.world import SHARED

__all__ = ["ARCHIVE", "contents", "facts", "index_of", "mirror", "needs_caches", "unpacked"]

ARCHIVE = SHARED / "buildcaches" / "caches.tar.xz"

needs_caches = pytest.mark.skipif(
    not ARCHIVE.is_file(), reason="the mirrors of real Spack (../shared/buildcaches) are not there"
)


FOLDER = "CACHESYNC_TEST_CACHES"
"""The variable by which the workers of a run know the directory that they share (tests/conftest.py)."""


def make_folder() -> None:
    """A directory for this process and those that it starts, which is gone when it ends."""
    root = tempfile.mkdtemp(prefix="cachesync-caches-")
    os.environ[FOLDER] = root
    atexit.register(_remove, root, os.getpid())


def _remove(root: str, owner: int) -> None:
    if os.getpid() == owner:  # and no fork of it
        shutil.rmtree(root, ignore_errors=True)


@lru_cache(maxsize=1)
def unpacked() -> Path:
    """A directory with `mirrors/`, `oracle/` and `locks/`; nobody writes to it."""
    if FOLDER not in os.environ:
        make_folder()
    root = Path(os.environ[FOLDER])
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "whole").exists():
            with tarfile.open(ARCHIVE, "r:xz") as archive:
                archive.extractall(root, filter="data")
            (root / "whole").touch()
    return root


def mirror(name: str) -> Path:
    """Where a mirror is."""
    return unpacked() / "mirrors" / name


@lru_cache(maxsize=1)
def contents() -> dict[str, Any]:
    """What is in each mirror, by a reader that is not ours."""
    return json.loads((unpacked() / "oracle" / "contents.json").read_bytes())


@lru_cache(maxsize=1)
def facts() -> dict[str, Any]:
    """What Spack 1.1.1 prints of every record of v3-1.1, by hash."""
    return json.loads((unpacked() / "oracle" / "v3-1.1.facts.json").read_bytes())["specs"]


def index_of(name: str, view: str | None = None) -> bytes:
    """The index document of a mirror, or of a view of it, found as a source finds it."""
    root = mirror(name)
    for place in layout.index_places(view):
        first = root / place.first
        if first.is_file() and place.layout == 2:
            return first.read_bytes()
        if first.is_file():
            blob = manifest.choose(manifest.parse(first.read_bytes()))
            return (root / layout.blob_path(blob.checksum_algorithm, blob.checksum)).read_bytes()
    raise FileNotFoundError(name)
