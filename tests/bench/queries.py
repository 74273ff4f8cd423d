"""Queries, warm: `python tests/bench/queries.py PAGES [--state DIR]`, one table.

Over a cache of package pages (`generate.py` makes one of the real size): Spack's spec syntax (the
queries of `shared/spack-queries.json` where it is there, and the same shapes with values that the
cache has), facets, and words, beside SQLite FTS5 and `grep -r` over the same pages. Times are
wall-clock; each query's is the median of several runs, the first of which is left out.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import baselines  # noqa: E402
import relevance  # noqa: E402

from cachesync import query  # noqa: E402
from cachesync.search.searcher import Searcher  # noqa: E402

SHARED = ROOT.parent / "shared"
RUNS = 5
GREPPED = 5
"""Word queries that grep is asked: each takes seconds."""


def seconds(call: Callable[[], object], runs: int = RUNS) -> float:
    """The median of several runs of a call that ran before."""
    call()
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def spec_queries() -> list[str]:
    """The acceptance queries; none where they are not there."""
    path = SHARED / "spack-queries.json"
    if not path.exists():
        return []
    return [case["query"] for case in json.loads(path.read_text(encoding="utf-8"))["queries"]]


def shaped_queries(state: Path, count: int = 200) -> list[str]:
    """Queries of the same shapes about builds that are there."""
    db = sqlite3.connect(state / "ledger.sqlite")
    pick = random.Random(3)
    rows = db.execute(
        "SELECT package, version, compiler, os, target, variants FROM build ORDER BY id"
    ).fetchall()
    db.close()
    found = []
    for package, version, compiler, os, target, variants in pick.sample(rows, count):
        name, _, exact = compiler.partition("@=")
        major = version.split(".")[0]
        variant = pick.choice(variants.split("\n"))
        if variant[0] not in "+~" and "'" in variant:
            variant = "build_system=*"
        found.append(
            pick.choice(
                (
                    f"{package}@{version}", f"{package}@{major}: {variant}", f"{package}@:{version} os={os}",
                    f"{package} %{name}@{exact}" if exact else f"{package} ~absent",
                    f"{package}@={version} {variant} target={target}",
                    f"{package} target=x86_64_v2:x86_64_v4", f"{variant} %{name} os={os}".replace(" %none", ""),
                    f"{package} {variant} arch=linux-{os}-{target}",
                )
            )
        )  # fmt: skip
    return found


def words_of(state: Path, count: int = 60) -> list[str]:
    """Queries of words only: a part of a name and a target."""
    db = sqlite3.connect(state / "ledger.sqlite")
    pick = random.Random(7)
    packages = [p for (p,) in db.execute("SELECT DISTINCT package FROM build ORDER BY package")]
    targets = [t for (t,) in db.execute("SELECT DISTINCT target FROM build ORDER BY target")]
    db.close()
    return [
        f"{pick.choice(pick.choice(packages).split('-'))} {pick.choice(targets)}"
        for _ in range(count)
    ]


def spread(times: list[float]) -> str:
    """p50 / p99 and the slowest, in milliseconds."""
    ordered = [t * 1e3 for t in sorted(times)]
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {ordered[len(ordered) // 2]:.1f}, p99 {p99:.1f}, slowest {ordered[-1]:.1f} ms"


def grep(pages: Path, text: str) -> float:
    """Files that have every word: what somebody without an index would type, pages warm."""
    first, *rest = text.split()
    command = f"grep -rl -- {first} {pages}" + "".join(f" | xargs -r grep -l -- {w}" for w in rest)
    started = time.perf_counter()
    subprocess.run(["sh", "-c", command], stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def measure(pages: Path, state: Path, database: Path) -> None:
    """Print the table, a row at a time."""
    searcher = Searcher(state)

    def ask(text: str, *, facets: bool = False) -> Callable[[], object]:
        return lambda: searcher.search(query.parse(text), limit=20, facets=facets)

    def row(what: str, figure: str, must: str = "") -> None:
        print(f"| {what} | {must} | {figure} |", flush=True)

    print("| what | must | measured |\n|---|---|---|", flush=True)
    acceptance, shaped = spec_queries(), shaped_queries(state)
    must = "p50 <= 5, p99 <= 40 ms"
    if acceptance:
        row("spack-queries.json, warm", spread([seconds(ask(q)) for q in acceptance]), must)
    plain = [seconds(ask(q)) for q in shaped]
    row("the same shapes, about what is there", spread(plain), must)
    more = [seconds(ask(q, facets=True)) - t for q, t in zip(shaped, plain, strict=True)]
    row("  facets add", spread(more), "<= 20 ms")
    for text in ("", "target=x86_64:", "linux"):
        wide = seconds(ask(text, facets=True)) - seconds(ask(text))
        row(f"  facets add, `{text}`", f"{wide * 1e3:.1f} ms", "<= 20 ms")
    words = words_of(state)
    mine = statistics.median(seconds(ask(text)) for text in words)
    row("words only: cachesync", f"{mine * 1e3:.2f} ms")
    db = sqlite3.connect(database)

    statement = (
        "SELECT package, version, hash FROM placed WHERE placed MATCH ? ORDER BY rank LIMIT 20"
    )

    def ask_fts5(text: str) -> Callable[[], object]:
        match = " ".join(f'"{word}"' for word in text.split())
        return lambda: db.execute(statement, (match,)).fetchall()

    theirs = statistics.median(seconds(ask_fts5(text)) for text in words)
    row("words only: SQLite FTS5", f"{theirs * 1e3:.2f} ms")
    grep(pages, words[0])
    grepped = statistics.median(grep(pages, text) for text in words[:GREPPED])
    row(f"words only: grep -r ({GREPPED} queries)", f"{grepped * 1e3:,.0f} ms")
    searcher.close()


def measure_relevance(scratch: Path) -> None:
    """Print nDCG@10 over the judged queries, where they are there."""
    judged, pages = SHARED / "relevance.json", SHARED / "cache"
    if not judged.exists() or not pages.exists():
        return
    state = scratch / "judged"
    sync(pages, state)
    figures = relevance.measure(state, judged)
    mean = statistics.fmean(figures.values())
    print(f"| nDCG@{relevance.AT} of {len(figures)} judged queries | | {mean:.3f} |", flush=True)


def sync(pages: Path, state: Path) -> None:
    """Read the pages into a state directory, by the command."""
    command = [
        sys.executable,
        "-m",
        "cachesync",
        "--state-dir",
        str(state),
        "sync",
        "--pages",
        str(pages),
    ]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", type=Path)
    parser.add_argument(
        "--state", type=Path, help="a state directory that holds these pages already"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cachesync-bench-") as directory:
        scratch = Path(directory)
        state = arguments.state or scratch / "state"
        if arguments.state is None:
            sync(arguments.pages, state)
        database = scratch / "fts5.sqlite"
        baselines.fts5(str(arguments.pages), str(database))
        measure(arguments.pages, state, database)
        measure_relevance(scratch)


if __name__ == "__main__":
    main()
