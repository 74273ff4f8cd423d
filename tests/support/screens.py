"""Screens of real terminals: what commands show in windows of tmux, with a clock that stands still.

A process of its own (`python -m tests.support.screens`) imports everything once, and forks each command
onto the terminal of a window. A screen is whole when the terminal has answered where its cursor is: it
answers in order, so nothing has to be waited for by the clock.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import termios
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import warm

__all__ = ["HEIGHT", "TMUX", "Screen", "Told", "shown"]

ROOT = Path(__file__).resolve().parents[2]
TMUX = shutil.which("tmux")
HEIGHT = 40
"""Lines of a window; what goes beyond is read from the history."""
SETTINGS = """
set -g history-limit 5000
set -g status off
set -g default-terminal tmux-256color
"""


class Told(NamedTuple):
    """A command, and the time at which it runs, in seconds of the epoch."""

    arguments: Sequence[str]
    at: float


class Screen(NamedTuple):
    """What is on a terminal when a command has ended."""

    lines: Sequence[str]
    """As they are seen: what is longer than a line goes on in the next one."""
    written: Sequence[str]
    """As they were written."""


def shown(
    before: Sequence[Told],
    commands: Mapping[str, Told],
    widths: Sequence[int],
    *,
    env: Mapping[str, str],
    cwd: Path,
) -> dict[tuple[int, str], Screen]:
    """What commands show on terminals of some widths; before that, others run on none."""
    assert TMUX is not None
    with tempfile.TemporaryDirectory(prefix="tmux-") as place:
        asked = {
            "before": before, "commands": commands, "widths": widths, "cwd": os.fspath(cwd),
            "socket": f"{place}/s",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.screens"], input=json.dumps(asked), text=True,
            env={**env, "TERM": "tmux-256color"}, cwd=ROOT, stdout=subprocess.PIPE, check=True,
            timeout=120,
        )  # fmt: skip
    return {
        (width, name): Screen(lines, written)
        for width, name, lines, written in json.loads(done.stdout)
    }


# -- the process that commands are forked from


def _main() -> None:
    asked = json.load(sys.stdin)
    warm.load()
    os.chdir(asked["cwd"])
    with open(os.devnull, "r+b") as nothing:
        for arguments, at in asked["before"]:
            _run(arguments, at, nothing.fileno())
    tmux = [TMUX or "", "-S", asked["socket"], "-u", "-f", "-"]
    config = Path(asked["socket"]).with_name("conf")
    config.write_text(SETTINGS)
    tmux[-1] = os.fspath(config)
    windows = [["new-session", "-d", "-s", f"w{width}", "-x", str(width), "-y", str(HEIGHT), "exec sleep 600"]
               for width in asked["widths"]]  # fmt: skip
    _ask(tmux, *windows)
    try:
        found = [
            [width, name, *_screen(tmux, f"w{width}", terminal, *command)]
            for width in asked["widths"]
            for terminal in [_terminal(tmux, f"w{width}")]
            for name, command in asked["commands"].items()
        ]
    finally:
        _ask(tmux, ["kill-server"])
    json.dump(found, sys.stdout)


def _ask(tmux: Sequence[str], *commands: Sequence[str]) -> str:
    """What tmux answers to some commands."""
    words = [word for command in commands for word in (*command, ";")]
    return subprocess.run(
        [*tmux, *words[:-1]], stdout=subprocess.PIPE, check=True, text=True
    ).stdout


def _terminal(tmux: Sequence[str], window: str) -> int:
    """The terminal of a window, that takes what is typed at once and does not show it."""
    path = _ask(tmux, ["display-message", "-p", "-t", f"={window}:", "#{pane_tty}"]).strip()
    terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)
    mode: list[Any] = termios.tcgetattr(terminal)
    mode[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(terminal, termios.TCSANOW, mode)
    return terminal


def _screen(
    tmux: Sequence[str], window: str, terminal: int, arguments: Sequence[str], at: float
) -> list[list[str]]:
    """What a command shows, as it is seen, and as it was written."""
    where = ["-t", f"={window}:"]
    _ask(tmux, ["send-keys", "-R", *where], ["clear-history", *where])
    _run(arguments, at, terminal)
    os.write(terminal, b"\x1b[6n")  # where is the cursor?
    while not os.read(terminal, 64).endswith(b"R"):
        pass
    capture = ["capture-pane", "-p", "-S", "-", "-E", "-", *where]
    mark = "as it was written"
    both = _ask(tmux, capture, ["display-message", "-p", mark], [*capture, "-J"])
    return [
        [line.rstrip() for line in text.strip("\n").split("\n")]
        for text in both.split(f"{mark}\n", 1)
    ]


def _run(arguments: Sequence[str], at: float, terminal: int) -> None:
    """Run `cachesync` on a terminal to its end."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        for number in (0, 1, 2):
            os.dup2(terminal, number)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - they end with the process
            for number, mode in ((0, "r"), (1, "w"), (2, "w"))
        )
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        time.time, time.time_ns = lambda: at, lambda: int(at * 1e9)
        sys.argv[1:] = arguments
        runpy.run_module("cachesync", run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    _main()
