"""What a big cache index costs until the ledger has it, and until it is searchable, beside `json.loads`.

`python tests/bench/indexes.py INDEX`: INDEX is a cache index, such as `mkbig.py` of the shared build caches
makes (64,257 records, 101 MB). Each step runs in a process of its own, as a command would; it is
fetched from nowhere, so what is measured is reading, recording and indexing. Let nothing else run.
"""

import gc
import json
import mmap
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NEW, GONE = 500, 100
RUNS = 3


def child(state: Path, document: Path) -> None:
    """One pass over the index and the search index behind it; prints seconds and what changed."""
    from cachesync.diff import Guard
    from cachesync.index import catchup
    from cachesync.ledger import connect, log
    from cachesync.ledger.write import Writer
    from cachesync.selection import Selection
    from cachesync.sync.passes import run_pass
    from tests.support.statedsource import Got, Stated, StatedSource

    class Mapped(StatedSource):
        """Hands out the mapped file, as a source that fetched it would."""

        def read(self, statement, memory):
            with open(document, "rb") as file:
                return Got(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), str(document), {})

    with connect.writer_lock(state):
        db = connect.open_writer(state, now=0)
        writer = Writer(db, clock=lambda: time.time_ns() // 1000)
        source = Mapped("m", {Stated("file:///m", None, "v1", "root"): b""}, settle=1)
        row = writer.source("m", "buildcache", "m", configured=True, interval=None)
        seq, started = writer.seq, time.perf_counter()
        run_pass(writer, source, row, selection=Selection(), guard=Guard())
        ledger = time.perf_counter() - started
        catchup.catch_up(db, state)
        whole = time.perf_counter() - started
        changes = log.counts_since(db, seq)
        db.close()
    print(json.dumps({"ledger": ledger, "whole": whole, "changes": changes}))


def following(document: Path) -> bytes:
    """The next index: so many cached specs new, so many gone."""
    index = json.loads(document.read_bytes())
    installs = index["database"]["installs"]
    needed = {d["hash"] for r in installs.values() for d in r["spec"].get("dependencies", ())}
    leaves = [h for h, r in installs.items() if h not in needed and r["in_buildcache"]]
    for spec_hash in leaves[:GONE]:
        del installs[spec_hash]
    for spec_hash in leaves[GONE : GONE + NEW]:
        record = json.loads(json.dumps(installs[spec_hash]))
        record["spec"]["version"] += ".99"
        record["spec"]["hash"] = spec_hash[::-1]
        installs[spec_hash[::-1]] = record
    return json.dumps(index, separators=(",", ":")).encode()


@contextmanager
def summed_memory(pid: int) -> Iterator[list[int]]:
    """The most that a process and its children had resident together, in MiB, looked at often."""
    most, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(0.01):
            total = 0
            for each in (pid, *_children(pid)):
                try:
                    status = Path(f"/proc/{each}/status").read_text()
                except OSError:
                    continue
                found = [line for line in status.splitlines() if line.startswith("VmRSS")]
                total += int(found[0].split()[1]) if found else 0
            most[0] = max(most[0], total >> 10)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join()


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def step(state: Path, document: Path) -> dict[str, Any]:
    """One pass in a process of its own: what it says, its wall time and its memory."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tests.bench.indexes", "--child", str(state), str(document)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    with summed_memory(process.pid) as most:
        out, _ = process.communicate()
    assert process.returncode == 0
    return {**json.loads(out), "process": time.perf_counter() - started, "mib": most[0]}


def yardstick(document: Path) -> float:
    """Seconds of `json.loads` of the whole, without the collector."""
    code = (
        "import gc,json,time,sys; gc.disable(); d=open(sys.argv[1],'rb').read();"
        "t=time.perf_counter(); json.loads(d); print(time.perf_counter()-t)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(document)], capture_output=True, check=True
    )
    return float(done.stdout)


def main(document: Path) -> None:
    """Print the figures of several runs; the best of each is what counts on a machine with others."""
    size = document.stat().st_size
    with tempfile.TemporaryDirectory() as root:
        later = Path(root, "later.json")
        later.write_bytes(following(document))
        gc.collect()
        for number in range(RUNS):
            state = Path(root, f"state{number}")
            loads = yardstick(document)
            first, then = step(state, document), step(state, later)
            ledger = (state / "ledger.sqlite").stat().st_size
            every = sum(f.stat().st_size for f in state.rglob("*") if f.is_file())
            print(
                f"json.loads {loads:.2f} s; ledger {first['ledger'] / loads:.2f} times, with the"
                f" index {first['whole'] / loads:.2f}, {first['mib']} MiB;"
                f" next index {then['process'] / loads:.2f} {then['changes']};"
                f" ledger {ledger / size:.3f}, state {every / size:.3f} of the index's bytes"
            )


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        os.chdir(Path(__file__).parents[2])
        main(Path(sys.argv[1]).resolve())
