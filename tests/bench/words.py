"""Words that find something, before and after: `python tests/bench/words.py OLD NEW STATE [STATE]`, one table.

OLD and NEW are checkouts, each with its own `.venv` in which cachesync is installed; STATE is a state directory,
or one of OLD and one of NEW. Nothing is written there: each is copied. The queries are made of what is cached: a part of a name,
and a target, system, version or compiler of that build. Both must find as much. Cold is `cachesync search`, a process
a question; warm is a process that goes on; imports are what a cold search loads. Old and new take turns, and
figures are medians. Compiled before; best with `nice -n -10` and nothing else running.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

MOST = 1.1
COLD_ROUNDS, WARM_ROUNDS, IMPORT_ROUNDS = 4, 7, 25
SERVED = """
import sys, time
from pathlib import Path
from cachesync import query
from cachesync.search.searcher import Searcher
searcher = Searcher(Path(sys.argv[1]))
for line in sys.stdin:
    text = line.rstrip("\\n")
    started = time.perf_counter()
    builds = searcher.search(query.parse(text), limit=20).builds
    print(time.perf_counter() - started, builds, flush=True)
"""
"""Answers a query a line: seconds, and how much it finds."""
IMPORTED = """
import contextlib, io, sys
from cachesync.cli.entry import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["--state-dir", sys.argv[1], "search", *sys.argv[2].split()])
print(len(sys.modules))
"""
"""Asks once, and prints how many modules are loaded then."""


class Side:
    """One checkout, its copy of a state directory, and a process that answers."""

    def __init__(self, checkout: Path, state: Path, serving: subprocess.Popen[str]) -> None:
        self._command = checkout / ".venv" / "bin" / "cachesync"
        self._python = checkout / ".venv" / "bin" / "python"
        self._state = state
        self._serving = serving

    def warm(self, text: str) -> tuple[float, int]:
        """Seconds, and the builds that are found."""
        assert self._serving.stdin is not None
        assert self._serving.stdout is not None
        self._serving.stdin.write(f"{text}\n")
        self._serving.stdin.flush()
        seconds, builds = self._serving.stdout.readline().split()
        return float(seconds), int(builds)

    def cold(self, text: str) -> float:
        """Seconds of a process."""
        return _seconds([self._command, "--state-dir", self._state, "search", *text.split()])

    def imports(self) -> float:
        """Seconds of a process that loads the command and asks nothing."""
        return _seconds([self._command, "search", "--help"])

    def modules(self, text: str) -> int:
        """How many are loaded at the end of a cold search."""
        done = subprocess.run(
            [self._python, "-c", IMPORTED, self._state, text],
            capture_output=True,
            check=True,
            text=True,
        )
        return int(done.stdout)


@contextmanager
def side(checkout: Path, state: Path) -> Iterator[Side]:
    """A checkout that is ready to be asked."""
    python = checkout / ".venv" / "bin" / "python"
    subprocess.run(
        [python, "-m", "compileall", "-q", checkout / "cachesync"], check=True, cwd=checkout
    )
    with (
        tempfile.TemporaryDirectory(prefix="cachesync-bench-") as scratch,
        subprocess.Popen(
            [python, "-c", SERVED, shutil.copytree(state, Path(scratch) / "state")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as serving,
    ):
        yield Side(checkout, Path(scratch) / "state", serving)


def words_of(state: Path, count: int) -> list[str]:
    """Questions in words about builds that are there."""
    db = sqlite3.connect(f"file:{state / 'ledger.sqlite'}?mode=ro", uri=True)
    rows = db.execute(
        "SELECT package, target, os, version, compiler FROM build ORDER BY id"
    ).fetchall()
    db.close()
    pick = random.Random(16)
    found = []
    for package, target, system, version, compiler in pick.choices(rows, k=count):
        more = [(), (target,), (system,), (version,), (compiler.partition("@")[0], target)]
        parts = [part for part in package.split("-") if len(part) > 1] or [package]
        found.append(" ".join((pick.choice([package, pick.choice(parts)]), *pick.choice(more))))
    return list(dict.fromkeys(found))


def in_turns(
    old: Callable[[], float], new: Callable[[], float], rounds: int
) -> tuple[float, float]:
    """The medians of both, each asked as often, in turns; who is first changes."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            taken[which].append((old, new)[which]())
    return statistics.median(taken[0]), statistics.median(taken[1])


def measure(old: Side, new: Side, questions: list[str], cold: int) -> bool:
    """Print the table; returns whether nothing became slower than is allowed."""
    asked = []
    for text in questions:
        before, after = old.warm(text)[1], new.warm(text)[1]
        if before != after:
            sys.exit(f"`{text}` found {before} builds, and finds {after}")
        asked += [text] if before else []
    few = asked[:cold]
    warm = [
        in_turns(lambda t=t: old.warm(t)[0], lambda t=t: new.warm(t)[0], WARM_ROUNDS) for t in asked
    ]
    processes = [
        in_turns(lambda t=t: old.cold(t), lambda t=t: new.cold(t), COLD_ROUNDS) for t in few
    ]
    loaded = in_turns(old.imports, new.imports, IMPORT_ROUNDS)
    modules = old.modules(few[0]), new.modules(few[0])
    print(f"{len(asked)} questions find something, of {len(questions)}, as before")
    print("| what | old | new | ratio |\n|---|---|---|---|")
    ratios = [
        _row(f"warm, {len(asked)} questions", _middle(warm), "ms"),
        _row(f"cold, {len(few)} questions", _middle(processes), "ms"),
        _row("imports: `search --help`", loaded, "ms"),
        _row("modules of a cold search", modules, ""),
    ]
    return max(ratios) <= MOST


def _seconds(command: list[object]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def _middle(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """The medians over all questions of both sides."""
    return statistics.median(one for one, _ in pairs), statistics.median(two for _, two in pairs)


def _row(what: str, pair: tuple[float, float], unit: str) -> float:
    ratio = pair[1] / pair[0]
    old, new = (f"{one * 1e3:.2f} {unit}" if unit else f"{one:,}" for one in pair)
    print(f"| {what} | {old} | {new} | {ratio:.3f} |", flush=True)
    return ratio


def main() -> None:
    """Measure; ends with 1 where something became slower than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("states", type=Path, nargs="+")
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--cold", type=int, default=20, help="of them, that are also asked cold")
    given = parser.parse_args()
    with ExitStack() as stack:
        old = stack.enter_context(side(given.old.resolve(), given.states[0]))
        new = stack.enter_context(side(given.new.resolve(), given.states[-1]))
        is_well = measure(old, new, words_of(given.states[0], given.questions), given.cold)
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
