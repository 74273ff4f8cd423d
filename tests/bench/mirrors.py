"""Whole commands on a mirror with a big index, beside `json.loads`, a bare `status` and an older `check`.

`python -m tests.bench.mirrors INDEX [--before PYTHON PAGES LOCK]`: INDEX is as for `indexes.py`. PYTHON is
that of an environment in which an older cachesync is installed; it syncs PAGES and checks LOCK. Figures
are medians of runs that take turns. Let nothing else run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.indexes import following, summed_memory, yardstick

LOCKED = 1_000
TURNS = 9
HERE = (sys.executable, "-m", "cachesync")


def timed(command: Sequence[str], *, statuses: tuple[int, ...] = (0,)) -> float:
    """Seconds of a command, from nothing to its end."""
    started = time.perf_counter()
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd="/"
    )
    seconds = time.perf_counter() - started
    assert done.returncode in statuses, (command, done.returncode, done.stderr[-2000:])
    return seconds


def measured(command: Sequence[str]) -> tuple[float, int]:
    """Seconds of a command, and the MiB that its processes had together."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/")
    with summed_memory(process.pid) as most:
        assert process.wait() == 0
    return time.perf_counter() - started, most[0]


def in_turns(*commands: Sequence[str]) -> list[float]:
    """The median of each, of runs that take turns; what it says of what it was asked is 0 or 1."""
    taken = [[timed(command, statuses=(0, 1)) for command in commands] for _ in range(TURNS)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def lock_of(index: dict, most: int) -> dict:
    """A spack.lock of at least so many specs of an index: a root and what it needs, again and again."""
    records = {key: record["spec"] for key, record in index["database"]["installs"].items()}
    needed = {d["hash"] for one in records.values() for d in one.get("dependencies", ())}
    wanted: dict[str, dict] = {}
    roots = []
    for root in records:
        if len(wanted) >= most:
            break
        if root in needed:
            continue
        roots.append({"hash": root, "spec": records[root]["name"]})
        waiting = [root]
        while waiting:
            one = waiting.pop()
            if one not in wanted and one in records:
                wanted[one] = records[one]
                waiting += [d["hash"] for d in records[one].get("dependencies", ())]
    meta = {"file-type": "spack-lockfile", "lockfile-version": 6, "specfile-version": 5}
    return {"_meta": meta, "roots": roots, "concrete_specs": wanted}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("index", type=Path)
    parser.add_argument("--before", nargs=3, metavar=("PYTHON", "PAGES", "LOCK"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        mirror, state = Path(root, "mirror", "build_cache"), Path(root, "state")
        mirror.mkdir(parents=True)
        document = mirror / "index.json"
        document.write_bytes(given.index.read_bytes())
        config = Path(root, "config.yaml")
        config.write_text(
            f"sources:\n  - {{name: m, type: buildcache, url: 'file://{root}/mirror'}}\n"
        )
        ours = (*HERE, "--config", str(config), "--state-dir", str(state))
        loads = yardstick(document)
        seconds, mib = measured((*ours, "sync", "--quiet"))
        print(f"first sync {seconds / loads:.2f} times json.loads ({loads:.2f} s), {mib} MiB")
        same, bare = in_turns((*ours, "sync", "--quiet"), (*ours, "status"))
        print(f"index unchanged {same / bare:.2f} times a bare status ({bare * 1000:.0f} ms)")
        lock = Path(root, "spack.lock")
        lock.write_text(json.dumps(lock_of(json.loads(given.index.read_bytes()), LOCKED)))
        if given.before is not None:
            python, pages, old_lock = given.before
            older = (python, "-m", "cachesync", "--state-dir", str(Path(root, "older")))
            timed((*older, "sync", "--quiet", "--pages", pages))
            now, then = in_turns((*ours, "check", str(lock)), (*older, "check", old_lock))
            print(
                f"check of {LOCKED:,} specs {now / then:.2f} times that of"
                f" {len(json.loads(Path(old_lock).read_bytes())['concrete_specs'])} before"
                f" ({now * 1000:.0f}, {then * 1000:.0f} ms)"
            )
        later = following(document)
        fresh = mirror / "fresh"
        fresh.write_bytes(later)
        os.replace(fresh, document)
        loads = yardstick(given.index)
        seconds, _ = measured((*ours, "sync", "--quiet"))
        print(f"next index {seconds / loads:.2f} times json.loads")


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    main()
