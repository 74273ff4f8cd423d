"""The small mirror that README.md reads is what its maker writes, which writes what Spack does."""

import os
import shlex
import subprocess
import sys

from tests.support import fixturemirror
from tests.support.documents import blocks
from tests.support.world import ROOT


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_the_small_mirror_is_what_its_maker_writes(tmp_path):
    """`python -m tests.support.fixturemirror` writes it anew."""
    fixturemirror.write(tmp_path / "mirror")
    assert contents(fixturemirror.MIRROR) == contents(tmp_path / "mirror")


def test_the_command_in_the_readme_reads_it(tmp_path):
    """The line beside the first command finds what contains openssl, at any depth.

    Letter for letter but for where the program and its state are.
    """
    (line,) = [block for block in blocks("README.md", "") if "--mirror" in block]
    program = f"{shlex.quote(sys.executable)} -m cachesync --state-dir {shlex.quote(str(tmp_path))}"
    command = line.replace(".venv/bin/cachesync --state-dir .venv/state", program)
    assert command.count(program) == 2
    environment = {"PATH": os.environ["PATH"], "HOME": os.fspath(tmp_path), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "spec.cached               5" in ended.stdout
    found = [line.split("\t")[:2] for line in ended.stdout.splitlines()[-2:]]
    assert found == [["py-filelock", "3.12.4"], ["python", "3.12.9"]]
