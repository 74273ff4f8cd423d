"""What questions over the whole DAG cost: many warm, some cold beside `python -c 0`, and the graph's file.

`python tests/bench/graph.py STATE ORACLE`: STATE is a state directory that a big cache index was synced
into (`tests/bench/indexes.py` says of which); ORACLE has the texts that are asked, such as
`oracle/v3-1.1.by-1.1.1.json` of the shared build caches, or lines. Let nothing else run.
"""

import gc
import os
import sys
import time
from functools import partial
from pathlib import Path

MIXED = 200
ROUNDS = 7
COLD = (
    "^zlib-ng target=x86_64_v3:", "^openmpi@4", "^mpi", "%c=gcc@12", "hdf5+mpi ^openmpi", "^hwloc libs=shared",
    "^zlib-ng %gcc@12", "++shared", "^python@3.11:", "^[virtuals=blas] openblas",
)  # fmt: skip


def opened(state: Path):
    """What answers questions: an evaluator, and a reader of texts."""
    from cachesync.graph import catchup
    from cachesync.graph.evaluating import Evaluator
    from cachesync.graph.hashed import Hashes
    from cachesync.ledger import connect, graphrows
    from cachesync.spack.specparser import parse

    db = connect.open_reader(state)
    graph, why = catchup.current(db, state)
    assert why is None, why
    hashes = Hashes(partial(graphrows.with_hash, db), partial(graphrows.hashes, db))
    return Evaluator(graph, "1.x", hashes), parse


def texts(oracle: Path) -> list[str]:
    """The texts in a file."""
    if oracle.suffix != ".json":
        return oracle.read_text("utf-8").splitlines()
    import json

    return [one["q"] for one in json.loads(oracle.read_bytes())["queries"] if "hashes" in one]


def warm(state: Path, oracle: Path) -> list[tuple[float, str]]:
    """Seconds of every text that asks for dependencies, the best of three each, the slowest last."""
    from cachesync.errors import UnsaidError

    evaluator, parse = opened(state)
    found = []
    for text in [one for one in texts(oracle) if "^" in one or "%" in one][:MIXED]:
        spec, best = parse(text, "1.x"), float("inf")
        for _ in range(3):
            started = time.perf_counter()
            try:
                evaluator.spec_ids(evaluator.satisfying(spec), placed=True)
            except UnsaidError:
                break
            best = min(best, time.perf_counter() - started)
        else:
            found.append((best, text))
    return sorted(found)


def cold(state: Path, text: str) -> None:
    """One question in a process of its own; prints the memory."""
    evaluator, parse = opened(state)
    evaluator.spec_ids(evaluator.satisfying(parse(text, "1.x")), placed=True)
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    print(
        next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM")), flush=True
    )
    os._exit(0)  # as `cachesync search` ends


def taken(*arguments: str) -> tuple[float, str]:
    """Seconds of a process, and what it prints."""
    import subprocess

    started = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=True, text=True)
    return time.perf_counter() - started, done.stdout.strip()


def main(state: Path, oracle: Path) -> None:
    """Print the figures."""
    from statistics import median

    from cachesync.graph import catchup
    from cachesync.ledger import connect

    path = state / connect.INDEX_DIRECTORY / catchup.GRAPH_FILE
    db = connect.open_reader(state)
    started = time.perf_counter()
    path.unlink(missing_ok=True)
    catchup.catch_up(db, state)
    made = time.perf_counter() - started
    graph, _ = catchup.current(db, state)
    print(f"{graph.size:,} nodes, {len(graph.children):,} edges: {path.stat().st_size:,} bytes")
    print(f"made anew in {made:.2f} s")
    found = warm(state, oracle)
    seconds = [one for one, _ in found]
    print(
        f"{len(found)} questions: p50 {1000 * median(seconds):.1f} ms,"
        f" p99 {1000 * seconds[-1 - len(seconds) // 100]:.1f} ms, worst {found[-1][1]!r}"
    )
    for text in COLD:
        pairs = [
            (taken("-c", "0")[0], taken(__file__, "--cold", str(state), text))
            for _ in range(ROUNDS)
        ]
        ratio = median(took / base for base, (took, _) in pairs)
        print(f"cold {ratio:.1f} times python -c 0, {pairs[0][1][1]} MiB: {text}")


if __name__ == "__main__":
    sys.path.insert(0, os.fspath(Path(__file__).parents[2]))
    if sys.argv[1] == "--cold":
        gc.disable()
        cold(Path(sys.argv[2]), sys.argv[3])
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
