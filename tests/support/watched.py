"""What tests of watching do to trees, and the programs they need for it."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _program(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def _replace(root):
    (root / "a/x/.specs.md.new").write_text("new")
    (root / "a/x/.specs.md.new").rename(root / "a/x/specs.md")


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
