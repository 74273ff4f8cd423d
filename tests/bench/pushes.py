"""The benchmark of pushes into a mirror: `python -m tests.bench.pushes [--pushes 200] [--at-once 409]`.

A daemon watches a mirror by its manifests. Measured: how long a pushed spec takes to be found by a search in
another process, each pushed when the one before was found; and how long many take that are pushed at once,
from the first write on. `--standing` is how many manifests there are before.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cachesync.search.searcher import Searcher
from tests.support.mirrors import make_mirror, push, record
from tests.support.pushing import pushes, waited_for

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pushes", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=409)
    parser.add_argument("--standing", type=int, default=1_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cachesync-bench-") as scratch:
        measure(Path(scratch), arguments)


def measure(scratch: Path, arguments: argparse.Namespace) -> None:
    """Run the daemon and print a line of the table for each figure."""
    mirror, state, config = scratch / "mirror", scratch / "state", scratch / "cachesync.yaml"
    base = record("zlib")
    make_mirror(
        mirror, [record(f"standing-{n % 1000}", f"1.{n}", base) for n in range(arguments.standing)]
    )
    config.write_text(
        f"sources:\n  - {{name: ours, type: buildcache, url: '{mirror.as_uri()}', read: manifests}}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "cachesync",
        "--state-dir",
        str(state),
        "--config",
        str(config),
    ]
    subprocess.run([*command, "sync"], env=environment, check=True, stdout=subprocess.DEVNULL)
    log = scratch / "log"
    print("| what | must | measured |\n|---|---|---|", flush=True)
    with log.open("w") as out:
        daemon = subprocess.Popen([*command, "-v", "run"], env=environment, stderr=out)
    try:
        while "watching" not in log.read_text():
            time.sleep(0.2)
        time.sleep(5)
        searcher, pick = Searcher(state), random.Random(1)
        times = sorted(pushes(searcher, mirror, arguments.pushes, lambda: pick.uniform(0, 0.5)))
        p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
        print(f"| pushed to found, p50 / p99 of {len(times)} | <= 0.7 / 2.5 s |"
              f" {p50:.2f} / {p99:.2f} s |", flush=True)  # fmt: skip
        began = time.perf_counter()
        for number in range(arguments.at_once):
            push(mirror, record(f"many-{number}", "1.0", base))
        written = time.perf_counter() - began
        waited_for(searcher, "package:many-*", specs=arguments.at_once)
        print(f"| {arguments.at_once} at once, all found (written in {written:.2f} s) | <= 5 s |"
              f" {time.perf_counter() - began:.2f} s |", flush=True)  # fmt: skip
        searcher.close()
    finally:
        daemon.terminate()
        daemon.wait(30)


if __name__ == "__main__":
    main()
