"""The daemon's benchmark: `python tests/bench/daemon.py [--scale 1] [--work DIR] [--saves 200]`.

Starts `cachesync run` on a generated cache, waits until it is watched, and measures: how long a
saved page takes to be found by a search in another process, what the daemon costs while nothing
happens, and what it keeps after 10,000 changes. Some ten minutes at scale 1.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import generate  # noqa: E402

from cachesync import query  # noqa: E402
from cachesync.search.searcher import Searcher  # noqa: E402
from tests.support.pagetext import Facts, as_generated, spec  # noqa: E402
from tests.support.world import hash_of  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def save(pages: Path, number: int, count: int = 1) -> str:
    """Save a page with new specs the way an editor or a mirror does; returns its package."""
    package, tag = f"bench-{number % 500}", f"bench-{number % 7}"
    hashes = [hash_of((900_000_000 + number * 50 + i) * 7) for i in range(count)]
    data = as_generated(Facts(package, tag, [spec(h) for h in hashes]))
    path = pages / tag / package / "specs.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(".specs.md.new")
    beside.write_bytes(data)
    beside.replace(path)
    return hashes[0]


def found_after(searcher: Searcher, spec_hash: str) -> float:
    """Seconds until a search in this process finds a hash."""
    tree = query.parse(f"hash:{spec_hash}")
    started = time.perf_counter()
    while searcher.search(tree, limit=1).specs == 0:
        time.sleep(0.005)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--work", type=Path, help="keeps the generated cache there")
    parser.add_argument("--saves", type=int, default=200)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--idle", type=float, default=60.0, help="seconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cachesync-bench-") as scratch:
        source = (arguments.work or Path(scratch)) / f"pages-{arguments.scale:g}"
        if not source.exists():
            generate.generate(source, scale=arguments.scale, seed=1)
        pages, state = Path(scratch) / "pages", Path(scratch) / "state"
        shutil.copytree(source, pages)
        measure(pages, state, arguments)


def measure(pages: Path, state: Path, arguments: argparse.Namespace) -> None:
    """Run the daemon and print a line of the table for each figure."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": "/nonexistent"}
    command = [sys.executable, "-m", "cachesync", "--state-dir", str(state)]
    print("| what | must | measured |\n|---|---|---|", flush=True)
    subprocess.run([*command, "sync", "--pages", str(pages)], env=environment, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    log = state / "bench.log"
    with log.open("w") as out:
        daemon = subprocess.Popen([*command, "run"], env=environment, stderr=out)
    try:
        while "watching" not in log.read_text():
            time.sleep(0.2)
        time.sleep(10)
        before = cpu_seconds(daemon.pid)
        time.sleep(arguments.idle)
        used = (cpu_seconds(daemon.pid) - before) / arguments.idle * 100
        print(f"| idle, part of one core | <= 1 % | {used:.2f} % |", flush=True)
        print(f"| idle, resident | <= 200 MiB | {resident(daemon.pid):.0f} MiB |", flush=True)

        searcher, pick = Searcher(state), random.Random(1)
        times = []
        for number in range(arguments.saves):
            times.append(found_after(searcher, save(pages, number)))
            time.sleep(pick.uniform(0, 0.5))
        times.sort()
        p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
        print(f"| saved to found, p50 / p99 of {len(times)} | <= 0.7 / 2.5 s |"
              f" {p50:.2f} / {p99:.2f} s |", flush=True)  # fmt: skip

        early = resident(daemon.pid)
        each = 50
        for number in range(arguments.changes // (2 * each)):
            last = save(pages, 10_000 + number, each)
            if number % 10 == 9:
                found_after(searcher, last)
        late = resident(daemon.pid)
        print(f"| resident, before and after {arguments.changes:,} changes | no growth |"
              f" {early:.0f} and {late:.0f} MiB |", flush=True)  # fmt: skip
        searcher.close()
    finally:
        daemon.terminate()
        daemon.wait(30)


if __name__ == "__main__":
    main()
