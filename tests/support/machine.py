"""A machine of a test's own, as far as a state directory is concerned: its /var/lib, and its users.

Each command runs in a mount namespace in which /var/lib is a directory of the test's; processes in
several of them see the same files there.
"""

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.world import ROOT, Result, World

SERVICE, PERSON = 65534, 65533
"""Users that own nothing else here: the service's, and somebody."""


def as_user(user: int) -> list[str]:
    """What stands before a command of that user's."""
    number = str(user)
    return ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups"] if user else []


_READS = (
    "import os, sys, click\n"
    "os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)\n"
    "for file in (sys.executable, os.__file__, click.__file__): os.open(file, os.O_RDONLY)\n"
    "import msgspec, yaml, cachesync.cli.commands.sync\n"
)
_PATH = os.pathsep.join((os.fspath(ROOT), sysconfig.get_paths()["purelib"]))


@functools.cache
def interpreter() -> str | None:
    """A Python that other users can run, too, with all that cachesync needs; None where there is none."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": _PATH}
        tried = [candidate, "-c", _READS]
        if (
            os.path.exists(candidate)
            and not subprocess.run(
                tried, capture_output=True, env=environment, cwd="/", check=False
            ).returncode
        ):
            return candidate
    return None


def why_not() -> str | None:
    """Why there can be no such machine; None where there can."""
    if os.geteuid() != 0:
        return "becoming other users needs root"
    for program in ("setpriv", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    tried = ["unshare", "-m", "mount", "--bind", "/tmp", "/var/lib"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"no mount namespace: {done.stderr.strip()[-200:]}"
    return None if interpreter() else "there is no Python that other users can run"


class Machine(World):
    """A world whose commands name no state directory, with /var/lib at `root/lib`."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.lib = root / "lib"
        self.lib.mkdir(exist_ok=True)
        self.state = self.lib / "cachesync"
        self.user = 0
        self.named: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command."""
        return {**super().environment, "PYTHONPATH": _PATH}

    def install(self) -> None:
        """Make the service's state directory."""
        self.state.mkdir(mode=0o755)
        os.chown(self.state, SERVICE, SERVICE)

    def command(self, *arguments: object) -> list[str]:
        """A command of `user` in a mount namespace of its own."""
        inside = [
            "unshare",
            "-m",
            "sh",
            "-c",
            'mount --bind "$0" /var/lib && exec "$@"',
            str(self.lib),
        ]
        program = [interpreter() or sys.executable, "-m", "cachesync"]
        return [*inside, *as_user(self.user), *program, *self.named, *map(str, arguments)]

    def run(self, *arguments: object, status: int | None = 0) -> Result:
        """Run a command to its end; it must end with `status` (None: any) and no traceback."""
        done = subprocess.run(
            self.command(*arguments), env=self.environment, cwd="/", text=True,
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        result = Result(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in result.err, result.err
        assert status is None or result.status == status, result
        return result

    @contextmanager
    def being(self, user: int, *named: str) -> Iterator["Machine"]:
        """Commands inside are that user's, with these options before them."""
        before = self.user, self.named
        self.user, self.named = user, list(named)
        home = self.home
        self.home = self.root / f"home-{user}"
        self.home.mkdir(exist_ok=True)
        os.chown(self.home, user, user)
        try:
            yield self
        finally:
            self.user, self.named = before
            self.home = home

    def owners(self) -> set[int]:
        """The owners of everything in the state directory."""
        return {os.lstat(path).st_uid for path in (self.state, *self.state.rglob("*"))}
