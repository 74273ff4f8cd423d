"""The benchmark of pushes into a mirror: `python -m tests.bench.pushes [--real MIRROR] [--into MIRROR]`.

A daemon watches a mirror by its manifests. Measured: how long a pushed spec takes to be found by a search in
another process, each pushed when the one before was found; how long each of a stream that waits for none; how
long all of many take that are pushed at once, from the first write on; and until what is deleted is gone.
`--real` is a mirror of layout 3 whose specs are pushed; without it they are our own. `--standing` is how many
manifests there are before, and `--into` another mirror that has many, in which the pushed ones come and go.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cachesync.search.searcher import Searcher
from tests.support.mirrors import make_mirror, record
from tests.support.pushing import Push, copied, made, pushes, streamed, waited_for

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pushes", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=409)
    parser.add_argument("--standing", type=int, default=1_000)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--packages", type=int, default=50, help="of our own")
    parser.add_argument(
        "--every", type=float, default=0.05, help="seconds between those of a stream"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cachesync-bench-") as scratch:
        mirror = arguments.into or Path(scratch) / "mirror"
        if arguments.into is None:
            base = record("zlib")
            standing = (
                record(f"standing-{n % 1000}", f"1.{n}", base) for n in range(arguments.standing)
            )
            make_mirror(mirror, standing)
        some = list(
            itertools.islice(
                made(mirror, arguments.at_once, packages=arguments.packages)
                if arguments.real is None
                else copied(mirror, arguments.real),
                arguments.at_once,
            )
        )
        random.Random(1).shuffle(some)
        with watched(Path(scratch), mirror) as (searcher, daemon):
            measure(searcher, some, arguments)
            print(f"| the daemon, resident | | {resident(daemon):.0f} MiB |")


@contextmanager
def watched(scratch: Path, mirror: Path) -> Iterator[tuple[Searcher, int]]:
    """A daemon that has seen everything that is in a mirror: its process, and a searcher beside it."""
    state, config = scratch / "state", scratch / "cachesync.yaml"
    config.write_text(
        f"sources:\n  - {{name: ours, type: buildcache, url: '{mirror.as_uri()}', read: manifests}}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [
        *(sys.executable, "-m", "cachesync"),
        *("--state-dir", str(state), "--config", str(config)),
    ]
    subprocess.run([*command, "sync", "--quiet"], env=environment, check=True)
    log = scratch / "log"
    with log.open("w") as out:
        daemon = subprocess.Popen([*command, "-v", "run"], env=environment, stderr=out)
    try:
        while "watching" not in log.read_text():
            time.sleep(0.2)
        time.sleep(5)
        searcher = Searcher(state)
        yield searcher, daemon.pid
        searcher.close()
    finally:
        daemon.terminate()
        daemon.wait(30)


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure(searcher: Searcher, some: list[Push], arguments: argparse.Namespace) -> None:
    """Print a line of the table for each figure."""
    pick = random.Random(2)
    before = found(searcher)
    print("| what | must | measured |\n|---|---|---|", flush=True)
    few = some[: arguments.pushes]
    times = pushes(searcher, few, lambda: pick.uniform(0, 0.5))
    tell("pushed to found, one by one", times)
    told_gone(searcher, few, before)
    pause = lambda: pick.uniform(0, 2 * arguments.every)  # noqa: E731
    times, seconds = streamed(searcher, few, pause)
    tell(f"pushed to found, in a stream of {len(few) / seconds:.0f} a second", times)
    told_gone(searcher, few, before)
    began = time.perf_counter()
    for one in some:
        one.write()
    written = time.perf_counter() - began
    waited_for(searcher, ALL, specs=before + len(some))
    print(f"| {len(some)} at once, all found (written in {written:.2f} s) | <= 5 s |"
          f" {time.perf_counter() - began:.2f} s |", flush=True)  # fmt: skip
    told_gone(searcher, some, before)


ALL = ""


def found(searcher: Searcher) -> int:
    """How many specs there are."""
    from cachesync import query

    return searcher.search(query.parse(ALL), limit=1).specs


def tell(what: str, times: list[float]) -> None:
    """A line of the table."""
    times = sorted(times)
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    print(f"| {what}, p50 / p99 of {len(times)} | <= 0.7 / 2.5 s |"
          f" {p50:.2f} / {p99:.2f} s |", flush=True)  # fmt: skip


def told_gone(searcher: Searcher, some: list[Push], before: int) -> None:
    """Delete the manifests, and tell how long it took until none is found."""
    for one in some:
        one.manifest.unlink()
    seconds = waited_for(searcher, ALL, specs=before)
    print(f"| {len(some)} deleted, all gone | | {seconds:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
