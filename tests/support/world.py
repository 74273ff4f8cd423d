"""A small world for the real command line: page trees, a HOME, a state directory, processes.

Pages are written as the site's generator writes them (`pagetext`); every command is a process of
its own with nothing of the caller's environment but PATH; those that are waited for are begun as
`warm` says, those that are left running from nothing.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import warm
from tests.support.pagetext import Facts, as_generated, spec

__all__ = ["ROOT", "SHARED", "Result", "World", "hash_of", "spec"]

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
TIMEOUT_SECONDS = 120
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"


def hash_of(number: int) -> str:
    """A DAG hash that differs from those of other numbers in its beginning."""
    text = ""
    for _ in range(6):
        number, digit = divmod(number, 32)
        text = _DIGITS[digit] + text
    return text + "q" * 26


class Result(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document it printed."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines it printed."""
        return [json.loads(line) for line in self.out.splitlines()]


class World:
    """Everything below `root`: `pages/` (a source), `state/`, `home/`, and perhaps a config."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pages = root / "pages"
        self.state = root / "state"
        self.home = root / "home"
        self.config = self.home / ".config" / "cachesync" / "cachesync.yaml"
        self.before: list[str] = []
        """The beginning of the argument vector of what `start` starts: a program that confines it."""
        for directory in (self.pages, self.home):
            directory.mkdir(parents=True, exist_ok=True)

    # -- pages

    def page(
        self, tag: str, package: str, *rows: dict[str, Any], where: str | None = None,
        root: Path | None = None,
    ) -> Path:  # fmt: skip
        """Write the page of a package in a tag; `where` is its directory when that says otherwise."""
        return self.write(
            where or f"{tag}/{package}", as_generated(Facts(package, tag, list(rows))), root=root
        )

    def write(self, where: str, data: bytes, *, root: Path | None = None) -> Path:
        """Put `data` in place of the page in directory `where`, as an atomic rename does."""
        path = (root or self.pages) / where / "specs.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(".specs.md.new")
        beside.write_bytes(data)
        beside.replace(path)
        return path

    def remove(self, where: str, *, root: Path | None = None) -> None:
        """Remove the page in directory `where`, and the directory."""
        path = (root or self.pages) / where
        (path / "specs.md").unlink()
        path.rmdir()

    def configure(self, text: str) -> None:
        """Write the default config."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text, encoding="utf-8")

    def directory_source(
        self, name: str = "site", *, extra: str = "", path: Path | None = None
    ) -> str:
        """The lines of a config that name a directory source, for `configure`."""
        return f"  - {{name: {name}, type: directory, path: {path or self.pages}{extra}}}\n"

    # -- commands

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PAGER": "cat",  # nobody is there to quit one
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_STATE_HOME": str(self.home / "xdg-state"),
        }

    def command(self, *arguments: object) -> list[str]:
        """The argument vector of a command on this world's state directory."""
        return [*warm.PROGRAM, "--state-dir", str(self.state), *map(str, arguments)]

    def run(self, *arguments: object, status: int | None = 0) -> Result:
        """Run a command to its end; it must end with `status` (None: any) and no traceback."""
        done = warm.run(
            self.command(*arguments), env=self.environment, cwd=self.root, timeout=TIMEOUT_SECONDS
        )
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in result.err, result.err
        if status is not None:
            assert result.status == status, result
        return result

    def sync(self, *arguments: object, status: int = 0) -> dict[str, Any]:
        """`sync --json` of this world's config, or of its pages when it has none."""
        if not self.config.exists() and "--pages" not in arguments:
            arguments = ("--pages", self.pages, *arguments)
        return self.run("sync", "--json", *arguments, status=status).json

    def search(self, *arguments: object) -> dict[str, Any]:
        """`search --json`, everything."""
        return self.run("search", "--json", "--limit", "0", *arguments).json

    def found(self, *arguments: object) -> list[str]:
        """The hashes that match, sorted; none where nothing was ever synced, as when a daemon begins."""
        said = self.run("search", "--json", "--limit", "0", *arguments, status=None)
        if said.status == 1 and "nothing was ever synced" in said.err:
            return []
        assert said.status == 0, said
        results = said.json["results"]
        return sorted(s["hash"] for build in results for s in build["specs"])

    def changes(self, *arguments: object) -> list[dict[str, Any]]:
        """`changes --json`, everything."""
        return self.run("changes", "--json", "--limit", "0", *arguments).lines

    def kinds(self, since: int) -> list[str]:
        """The kinds of the changes after `since`, in order."""
        return [change["kind"] for change in self.changes("--since", since)]

    def status(self) -> dict[str, Any]:
        """`status --json`."""
        return self.run("status", "--json").json

    def seq(self) -> int:
        """The number of the last change."""
        seq: int = self.status()["ledger"]["seq"]
        return seq

    def verify(self) -> None:
        """`verify` finds no difference."""
        self.run("verify")

    @contextmanager
    def start(self, *arguments: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """A command that is running; it is killed in the end if it still is."""
        process = subprocess.Popen(
            [*self.before, *self.command(*arguments)], env=self.environment, cwd=self.root, text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(TIMEOUT_SECONDS)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def settle(self) -> None:
        """Wait until files just written are old enough for their times to tell a change."""
        time.sleep(0.11)
