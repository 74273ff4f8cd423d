"""The benchmark: `python tests/bench/run.py [--scale 1] [--work DIR] [--only NAME]...`

Generates a cache, measures cachesync and the plain loops beside it in the same run, and prints a
table of ratios. Times are wall-clock medians of several runs that alternate; the page cache is
warmed before each. Scale 1 is the real site (about 58,000 pages, 430,000 placements) and takes some
15 minutes.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import generate  # noqa: E402

BARE = [sys.executable]
CACHESYNC = [sys.executable, "-c", "from cachesync.__main__ import main; raise SystemExit(main())"]


class Row(NamedTuple):
    """A line of the table."""

    what: str
    figure: str
    must: str
    detail: str


class World(NamedTuple):
    """Where everything of a run is."""

    pages: Path
    state: Path
    database: Path
    scratch: Path


def run(command: list[str], **options: object) -> float:
    """Seconds of wall clock that a command takes; it must succeed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": "/nonexistent"}
    started = time.perf_counter()
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd="/", **options
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{command}: exit {done.returncode}\n{done.stderr}")
    return seconds


def warm(pages: Path) -> None:
    """Have every page in the page cache."""
    for folder, _, names in os.walk(pages):
        for name in names:
            Path(folder, name).read_bytes()


def sync_command(world: World) -> list[str]:
    return [*CACHESYNC, "--state-dir", str(world.state), "sync", "--pages", str(world.pages)]


def alternate(
    first: Callable[[], float], second: Callable[[], float], times: int
) -> tuple[float, float]:
    """Medians of two measurements taken in turn."""
    pairs = [(first(), second()) for _ in range(times)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def decoding(world: World) -> list[Row]:
    import yaml

    from cachesync.pages import summary
    from cachesync.pages.parse import PageParser

    paths = [Path(f, n) for f, _, names in os.walk(world.pages) for n in names]
    random.Random(1).shuffle(paths)
    sample = [path.read_bytes() for path in paths[:1500]]

    def ours(*, check: bool) -> float:
        parser = PageParser()
        for data in sample:  # what a pass has seen before: builds recur from tag to tag
            parser.parse(data)
        gc.collect()
        started = time.perf_counter()
        for data in sample:
            page = parser.parse(data)
            if check:
                summary.disagreements(page)
        return time.perf_counter() - started

    def cold() -> float:
        parser = PageParser()
        started = time.perf_counter()
        for data in sample:
            parser.parse(data)
        return time.perf_counter() - started

    def theirs() -> float:
        started = time.perf_counter()
        for data in sample:
            yaml.load(data[4:-4], Loader=yaml.CSafeLoader)
        return time.perf_counter() - started

    slow = statistics.median(theirs() for _ in range(3))
    fast = statistics.median(ours(check=False) for _ in range(7))
    checked = statistics.median(ours(check=True) for _ in range(7))
    first = statistics.median(cold() for _ in range(7))
    per_page = (
        f"{fast / len(sample) * 1e6:.1f} µs a page, CSafeLoader {slow / len(sample) * 1e6:.0f}"
    )
    return [
        Row("decoding pages / CSafeLoader", f"{slow / fast:.0f}x faster", ">= 40x", per_page),
        Row(
            "  builds seen for the first time", f"{slow / first:.0f}x faster", "", "no build recurs"
        ),
        Row(
            "  with meta compared as well",
            f"{slow / checked:.0f}x faster",
            "",
            "summary.disagreements",
        ),
    ]


def first_sync(world: World, times: int) -> list[Row]:
    def ours() -> float:
        shutil.rmtree(world.state, ignore_errors=True)
        warm(world.pages)
        return run(sync_command(world))

    def theirs() -> float:
        world.database.unlink(missing_ok=True)
        warm(world.pages)
        return run(
            [*BARE, str(HERE / "baselines.py"), "fts5", str(world.pages), str(world.database)]
        )

    mine, bare = alternate(ours, theirs, times)
    return [
        Row("first sync / bare FTS5 loop", f"{mine / bare:.2f}x", "<= 1x",
            f"{mine:.1f} s, FTS5 loop {bare:.1f} s")
    ]  # fmt: skip


def nothing_changed(world: World) -> tuple[list[Row], float]:
    run(sync_command(world))
    warm(world.pages)
    mine, bare = alternate(
        lambda: run(sync_command(world)),
        lambda: run([*BARE, str(HERE / "baselines.py"), "walk", str(world.pages)]),
        7,
    )
    detail = f"{mine:.2f} s, walk {bare:.2f} s"
    return [Row("sync, nothing changed / bare walk", f"{mine / bare:.2f}x", "<= 2x", detail)], mine


def small_changes(world: World, idle: float) -> list[Row]:
    changed, unchanged = [], [idle]
    for seed in range(9):
        generate.touch_one_page(world.pages, seed=seed)
        changed.append(run(sync_command(world)))
        time.sleep(0.2)
        run(sync_command(world))  # what was unsettled is settled now
        unchanged.append(run(sync_command(world)))
    idle = statistics.median(unchanged)
    page = statistics.median(changed) - idle
    generate.add_weekly_tag(world.pages, tag="develop-2026-01-04", specs=6000, seed=1)
    warm(world.pages)
    week = run(sync_command(world)) - idle
    return [
        Row("one page changed, beyond the walk", f"{page:.3f} s", "<= 0.15 s",
            "medians of 9 syncs with one changed page, and of 9 with none"),
        Row("weekly tag of 6,000 known specs", f"{week:.2f} s", "<= 3 s", "sync with the new tag less sync with none"),
    ]  # fmt: skip


def cold_search(world: World) -> list[Row]:
    search = [*CACHESYNC, "--state-dir", str(world.state), "search", "filelock aarch64"]
    run(search)
    mine, bare = alternate(lambda: run(search), lambda: run([*BARE, "-c", "0"]), 31)
    detail = f"{mine * 1e3:.0f} ms, python -c 0 {bare * 1e3:.1f} ms"
    return [Row("cold search process / python -c 0", f"{mine / bare:.1f}x", "<= 10x", detail)]


def mixed_queries(world: World) -> tuple[list[str], list[str]]:
    """1,000 queries as people ask them, and those of them that are words only."""
    db = sqlite3.connect(world.state / "ledger.sqlite")
    pick = random.Random(7)
    packages = [p for (p,) in db.execute("SELECT DISTINCT package FROM build ORDER BY package")]
    tags = [t for (t,) in db.execute("SELECT DISTINCT name FROM tag ORDER BY name")]
    targets = [t for (t,) in db.execute("SELECT DISTINCT target FROM build ORDER BY target")]
    compilers = [c for (c,) in db.execute("SELECT DISTINCT compiler FROM build ORDER BY compiler")]
    systems = [o for (o,) in db.execute("SELECT DISTINCT os FROM build ORDER BY os")]
    hashes = [h for (h,) in db.execute("SELECT hash FROM spec ORDER BY hash LIMIT 5000")]
    stacks = sorted({s for (n,) in db.execute("SELECT names FROM stacks") for s in n.split("\n")})
    db.close()
    part = lambda: pick.choice(pick.choice(packages).split("-"))  # noqa: E731
    makers: list[tuple[int, Callable[[], str]]] = [
        (22, lambda: f"{part()} {pick.choice(targets)}"),
        (14, lambda: pick.choice(packages)),
        (8, lambda: f"{part()} {pick.choice(systems)}"),
        (4, part),
        (2, lambda: pick.choice(targets)),
        (14, lambda: f"package:{pick.choice(packages)} target:{pick.choice(targets)}"),
        (10, lambda: f"tag:{pick.choice(tags)} package:{pick.choice(packages)}"),
        (8, lambda: f"{pick.choice(packages)} compiler:{pick.choice(compilers).split('@')[0]}"),
        (5, lambda: f"{pick.choice(packages)} -{pick.choice(targets)}"),
        (4, lambda: f"stack:{pick.choice(stacks)} {pick.choice(packages)}"),
        (3, lambda: f"{pick.choice(packages)[:4]}*"),
        (2, lambda: f"hash:{pick.choice(hashes)[:7]}"),
        (2, lambda: f"variant:+mpi {pick.choice(targets)}"),
        (1, lambda: f"tag:{pick.choice(tags)}"),
        (1, lambda: f"stack:{pick.choice(stacks)} tag:{pick.choice(tags)}"),
    ]
    weights = [weight for weight, _ in makers]
    queries = [pick.choices(makers, weights)[0][1]() for _ in range(1000)]
    words = [q for q in queries if ":" not in q and "*" not in q and "-" not in q.split()[-1][:1]]
    return queries, words


def warm_queries(world: World) -> list[Row]:
    from cachesync import query
    from cachesync.search.searcher import Searcher

    queries, words = mixed_queries(world)
    searcher = Searcher(world.state)
    searcher.search(query.parse("filelock"), limit=20)

    def ours(text: str) -> float:
        started = time.perf_counter()
        searcher.search(query.parse(text), limit=20)
        return time.perf_counter() - started

    times = sorted(ours(text) for text in queries)
    slowest = max(queries, key=ours)
    db = sqlite3.connect(world.database)

    def theirs(text: str) -> float:
        match = " ".join(f'"{word}"' for word in text.split())
        started = time.perf_counter()
        db.execute(
            "SELECT package, version, hash FROM placed WHERE placed MATCH ? ORDER BY rank LIMIT 20",
            (match,),
        ).fetchall()
        return time.perf_counter() - started

    mine = statistics.median(ours(text) for text in words)
    bare = statistics.median(theirs(text) for text in words)
    p50, p99 = times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3
    return [
        Row("query, warm, p50 / p99 of 1,000", f"{p50:.1f} / {p99:.1f} ms", "<= 3 / 25 ms",
            f"slowest: {slowest} ({times[-1] * 1e3:.0f} ms)"),
        Row("word queries, median / FTS5", f"{mine / bare:.2f}x", "<= 3x",
            f"{mine * 1e3:.2f} ms, FTS5 {bare * 1e3:.2f} ms, {len(words)} queries"),
    ]  # fmt: skip


def memory(world: World) -> list[Row]:
    shutil.rmtree(world.state, ignore_errors=True)
    whole, alone = peak(sync_command(world))
    search, _ = peak([*CACHESYNC, "--state-dir", str(world.state), "search", "filelock aarch64"])
    return [
        Row("peak memory: first sync", f"{whole:.0f} MiB", "<= 300 MiB",
            f"all its processes at one time; {alone:.0f} the first one"),
        Row("peak memory: search", f"{search:.0f} MiB", "<= 80 MiB", ""),
    ]  # fmt: skip


def peak(command: list[str]) -> tuple[float, float]:
    """Highest resident size in MiB of a process and its children at one time, and of it alone."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": "/nonexistent"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, cwd="/")
    whole = alone = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal whole, alone
        while not ended.wait(0.002):
            own = _resident(process.pid)
            alone = max(alone, own)
            whole = max(whole, own + sum(map(_resident, _children(process.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    ended.set()
    watcher.join()
    return whole / 1024, alone / 1024


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _resident(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    except OSError:  # it has ended
        return 0
    return 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--work", type=Path, help="keeps the generated cache there")
    parser.add_argument("--runs", type=int, default=3, help="runs of the first sync")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cachesync-bench-") as scratch:
        folder = arguments.work or Path(scratch)
        pages = folder / f"pages-{arguments.scale:g}"
        if not pages.exists():
            totals = generate.generate(pages, scale=arguments.scale, seed=1)
            print(totals, flush=True)
        world = World(pages, Path(scratch) / "state", Path(scratch) / "fts5.sqlite", Path(scratch))
        rows: list[Row] = []

        def report(new: list[Row]) -> None:
            rows.extend(new)
            for row in new:
                print(f"| {row.what} | {row.must} | {row.figure} | {row.detail} |", flush=True)

        print("| what | must | measured | detail |\n|---|---|---|---|", flush=True)
        report(decoding(world))
        report(first_sync(world, arguments.runs))
        unchanged, _ = nothing_changed(world)
        report(unchanged)
        report(cold_search(world))
        report(warm_queries(world))
        changed = World(world.scratch / "changed", world.state, world.database, world.scratch)
        shutil.copytree(world.pages, changed.pages)
        shutil.rmtree(world.state)
        run(sync_command(changed))
        run(sync_command(changed))
        report(small_changes(changed, run(sync_command(changed))))
        report(memory(world))


if __name__ == "__main__":
    main()
