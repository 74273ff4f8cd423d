"""A mirror of many spec manifests, read by them: `python -m tests.bench.manifests INDEX [--mirror DIR]`.

INDEX is as for `indexes.py`: a manifest is pushed for each of its cached specs, into DIR if it is given (some
1 GB, and a minute; one that is there already is taken as it is). Measured, each in a process of its own: the
first pass, one that finds nothing new, and one over the package into which one spec was pushed; the time until
the ledger has it, until it can be searched, and how many files of the mirror were opened. Beside the first
stands a plain loop that reads and decodes the same documents. Let nothing else run.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.indexes import summed_memory
from tests.support.bigmirrors import Specs, laid_out
from tests.support.mirrors import push, record

MANIFESTS = "v3/manifests/spec"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--mirror", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cachesync-bench-") as scratch:
        mirror = given.mirror or Path(scratch, "mirror")
        if not mirror.is_dir():
            laid_out(mirror, Specs(json.loads(given.index.read_bytes())))
        measure(mirror.resolve(), Path(scratch, "state"))


def measure(mirror: Path, state: Path) -> None:
    """Print a line for each pass."""
    names = [(one, os.listdir(one)) for one in (mirror / MANIFESTS).iterdir()]
    count = sum(len(found) for _, found in names)
    print(f"| over {count:,} manifests | ledger | searchable | opened | memory | beside |")
    print("|---|---|---|---|---|---|", flush=True)
    tell("first pass", step(state, mirror), f"plain loop {plainly(mirror):.1f} s")
    started = time.perf_counter()
    for folder, _ in names:
        os.listdir(folder)
    listing = time.perf_counter() - started
    tell("nothing new", step(state, mirror), f"listing {listing:.3f} s")
    largest = max(names, key=lambda one: len(one[1]))[0].name
    for number in range(3):
        pushed = push(mirror, record(largest, f"99.{number}.{time.time_ns()}"))
        tell(f"one push, {largest} looked at", step(state, mirror, largest), "")
        pushed.unlink()
    tell("those gone, everything looked at", step(state, mirror), "")


def tell(what: str, found: dict[str, Any], beside: str) -> None:
    """A line of the table."""
    print(
        f"| {what} | {found['ledger']:.3f} s | {found['whole']:.3f} s | {found['opened']:,} |"
        f" {found['mib']} MiB | {beside} |",
        flush=True,
    )


def step(state: Path, mirror: Path, package: str = "") -> dict[str, Any]:
    """One pass in a process of its own: what it says, and its memory in MiB."""
    command = [sys.executable, "-m", "tests.bench.manifests", "--child", state, mirror, package]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE)
    with summed_memory(process.pid) as most:
        out, _ = process.communicate()
    assert process.returncode == 0
    return {**json.loads(out), "mib": most[0]}


def child(state: Path, mirror: Path, package: str) -> None:
    """One pass over all manifests, or those of a package, and the search index behind it."""
    from cachesync.config.settings import Limits
    from cachesync.config.sourceconfigs import BuildcacheSourceConfig
    from cachesync.diff import Guard
    from cachesync.index import catchup
    from cachesync.ledger import connect
    from cachesync.ledger.write import Writer
    from cachesync.selection import Selection
    from cachesync.sources.mirror.manifests import ManifestSource
    from cachesync.sources.mirror.reaching import Reach
    from cachesync.sync.passes import run_part, run_pass

    opened = 0

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal opened
        if event == "open":
            opened += isinstance(arguments[0], str) and arguments[0].startswith(str(mirror))

    sys.addaudithook(note)
    with connect.writer_lock(state):
        db = connect.open_writer(state, now=0)
        writer = Writer(db, clock=lambda: time.time_ns() // 1000)
        source = ManifestSource(BuildcacheSourceConfig("m", mirror.as_uri()), Reach(Limits()))
        row = writer.source("m", "buildcache", "m", configured=True, interval=None)
        started = time.perf_counter()
        if package:
            run_part(writer, source.part({package}), row, selection=Selection(), guard=Guard())
        else:
            run_pass(writer, source, row, selection=Selection(), guard=Guard())
        ledger = time.perf_counter() - started
        catchup.catch_up(db, state)
        whole = time.perf_counter() - started
        db.close()
    print(json.dumps({"ledger": ledger, "whole": whole, "opened": opened}))


def plainly(mirror: Path) -> float:
    """Seconds of a loop that reads and decodes every manifest and the spec that it names."""
    started = time.perf_counter()
    for manifest in (mirror / MANIFESTS).glob("*/*"):
        entries = json.loads(manifest.read_bytes())["data"]
        (checksum,) = (one["checksum"] for one in entries if "spec.v" in one["mediaType"])
        json.loads(
            gzip.decompress((mirror / "blobs/sha256" / checksum[:2] / checksum).read_bytes())
        )
    return time.perf_counter() - started


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    else:
        os.chdir(Path(__file__).parents[2])
        main()
