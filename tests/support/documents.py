"""Documents and the terminal in which they are tried: their blocks, and what commands show."""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

ROOT = next(p for p in Path(__file__).resolve().parents if (p / "pyproject.toml").exists())
PAGES = ROOT / "tests" / "fixtures" / "cache"
LOCK = ROOT / "tests" / "fixtures" / "spack.lock"
BUILD_CACHE = ROOT / "tests" / "fixtures" / "mirror"

COLUMNS = 100
HOME = "/home/you"
MIRROR = "/srv/cache.spack.io/_cache"

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def documents() -> list[str]:
    """README.md and everything in docs/, as paths from the root of the repository."""
    return ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


def read(document: str) -> str:
    """The text of a document."""
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of a document in a language, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", read(document), re.MULTILINE | re.DOTALL)
    return [block for told, block in found if told == language]


def shown(
    command: list[str], *, env: Mapping[str, str], cwd: Path, text: str = "", seconds: float = 60
) -> str:
    """What a command shows on a terminal: its standard output, then its standard error."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    with subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        process.stdin.write(text.encode())
        process.stdin.close()
        written = b""
        try:
            while data := os.read(ours, 65536):
                written += data
        except OSError:  # EIO: the other side is closed
            pass
        os.close(ours)
        written += process.stderr.read()
        process.wait(seconds)
    plain = _ESCAPE.sub("", written.decode()).replace("\r\n", "\n")
    return "".join(f"{line.rstrip()}\n" for line in plain.splitlines())


class Terminal:
    """A home with the documents' config, the shipped pages as its mirror, and a terminal of 100 columns."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        programs = self.home / "bin"
        programs.mkdir(parents=True)
        program = programs / "cachesync"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cachesync "$@"\n')
        program.chmod(0o755)
        shutil.copytree(PAGES, root / "pages")
        shutil.copy(LOCK, self.home)
        shutil.copytree(BUILD_CACHE, self.home / "mirror")
        shutil.copytree(ROOT / "tests" / "fixtures" / "webhook", self.home, dirs_exist_ok=True)
        config = self.home / ".config" / "cachesync" / "cachesync.yaml"
        config.parent.mkdir(parents=True)
        config.write_text(blocks("docs/sources.md", "yaml")[0].replace(MIRROR, str(root / "pages")))
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "PAGER": "cat",
            "PYTHONPATH": str(ROOT),
        }

    def run(self, command: str) -> str:
        """What `command` shows: its standard output, then its standard error."""
        text = shown(["bash", "-c", command], env=self.environment, cwd=self.home)
        return text.replace(str(self.home), HOME)

    def replay(self, block: str) -> str:
        """The block as it is when its commands are run again."""
        commands = [line for line in block.splitlines() if line.startswith("$ ")]
        return "".join(f"{line}\n{self.run(line[2:])}" for line in commands)


def masked(text: str) -> str:
    """`text` without what differs from run to run: times, durations, sizes, and the room they take."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"\b\d+(\.\d+)? (s|min|h|days|MiB)\b", "AMOUNT", text)
    text = re.sub(r'"(took_ms|seconds|bytes)": [\d.]+', r'"\1": AMOUNT', text)
    return re.sub(r"[ ─]+", " ", text)
