"""What questions over the whole DAG cost, as `cachesync search` answers them: `python -m tests.bench.dags INDEX`.

INDEX is a big cache index (`mkbig.py` of the shared build caches makes one). It is synced first, unless `--state`
names a directory where that is done. Printed are: cold queries beside `python -c 0`, interleaved, with
their memory; 200 mixed queries warm (counts and the first 20 builds); with `--oracle` and `--spack` each
query of the oracle beside Spack's `satisfies` (`spackseconds.py`); and, of INDEX and of one of thousands
of names (`wide.py`), queries that want to take long. Let nothing else run.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import wide
from tests.bench.spackseconds import loads

ROOT = Path(__file__).resolve().parents[2]
RUNS = 9
PASSES = 3
LIMIT = 20
MIXED = 200
COLD = (
    "hdf5 ^openmpi@5:", "%c=gcc", "%gcc@12", "^mpi", "^zlib-ng target=x86_64_v3:", "^openssl@:3.0.13", "-^cmake",
    "^zlib-ng OR ^mpich", "hdf5+mpi ^mpi=openmpi %c=gcc@13", "++shared %gcc",
)  # fmt: skip
WORD = "hdf5"
PARTS = (
    "hdf5", "+mpi", "~shared", "target=x86_64_v3:", "@1:", "^zlib-ng", "^zlib-ng@2.2:", "^mpi", "^mpi=openmpi",
    "^openmpi@4", "^cmake", "^hwloc libs=shared", "^openssl@:3.0.13", "%gcc", "%gcc@12", "%c=gcc@13", "%cxx=gcc",
    "-^cmake", "-%gcc@11", "^[deptypes=run] python", "^[virtuals=blas] openblas", "^python@3.11: %gcc",
    "^zlib-ng target=x86_64_v3:", "os=ubuntu22.04", "build_system=cmake",
)  # fmt: skip
HEAVY: dict[str, tuple[str, ...]] = {
    "every dependency": ("^*",),
    "any of a version": ("^*@3.0:",),
    "no dependency": ("-^*",),
    "only run": ("^[deptypes=run] *",),
    "50 alternatives": (" OR ".join(f"^openssl@:3.0.{n}" for n in range(50)),),
    "50 alternatives below": (" OR ".join(f"^cmake@3.{n}: %gcc@1{n % 3 + 1}" for n in range(50)),),
    "20 at once": (" ".join(f"^openssl@3.0.{n}:" for n in range(20)),),
    "nested": ("^openssl %gcc@12 ^cmake %gcc@11: ^mpi %gcc@13",),
    "nested, of any": ("^* %gcc@12 ^* %gcc@13",),
    "a condition": ("^[when='%gcc@12'] openssl %[when='^mpi'] gcc@13",),
    "a condition in another": ("^[when='^mpi ^openssl %gcc@12'] cmake",),
    "through build": ("--through", "build", "^openssl@:3.0.13"),
    "through build, any": ("--through", "build", "^*@3.0:"),
    "through build, nested": ("--through", "build", "^cmake@3.25: %gcc@12"),
    "facets": ("--facets", "^openssl@:3.0.13"),
    "facets of part": ("--facets", "%gcc@12"),
    "by package": ("--group-by", "package", "%gcc@12"),
    "why": ("--why", "^openssl@:3.0.13"),
    "why, all": ("--why", "--limit", "0", "^openssl@:3.0.13"),
    "why, all of anything": ("--why", "--limit", "0", "^* %gcc"),
    "all": ("--limit", "0", "%gcc"),
    "newest": ("--sort", "newest", "%gcc"),
    "no hit": ("^openssl@:3.0.13 ^cmake@99:",),
    "no hit of many": ("^openssl@99 ^cmake@99: ^gcc@99 ^mpi=openmpi %c=gcc@99 +nothing",),
    "no name": ("^openssk",),
    "Spack's, propagated": ("--spack", "1.x", "++shared ^openssl"),
    "Spack's old": ("--spack", "0.23", "^openssl@:3.0.13 ^cmake %gcc@12"),
    "a word, and not": ("p0* -^openssl -%gcc@12",),
}


def environment() -> dict[str, str]:
    """That of the processes: the bytecode is there, and is used."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def taken(arguments: tuple[str, ...], **more: Any) -> tuple[float, float, int]:
    """Seconds of a process, its seconds of a processor, and its exit status."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        env=environment(),
        cwd="/",
        check=False,
        **more,
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, done.returncode


def searching(state: Path, *arguments: str) -> tuple[str, ...]:
    """The arguments of Python for a search."""
    return ("-m", "cachesync", "--state-dir", str(state), "search", *arguments)


def cold(state: Path) -> None:
    """Print what each of some queries takes in a process of its own, in times of `python -c 0`."""
    commands = {"python": ("-c", "0"), **{q: searching(state, q) for q in (WORD, *COLD)}}
    walls: dict[str, list[float]] = {name: [] for name in commands}
    cpus: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            wall, cpu, status = taken(command)
            assert status == 0, name
            walls[name].append(wall)
            cpus[name].append(cpu)
    print(f"python -c 0: {1000 * median(walls['python']):.1f} ms")
    for name in (WORD, *COLD):
        ratio, best, cpu = (
            how(found[name]) / how(found["python"])
            for how, found in ((median, walls), (min, walls), (median, cpus))
        )
        print(
            f"cold {ratio:5.1f} times (best of each {best:.1f}, processor {cpu:.1f}),"
            f" {peak(state, name):3} MiB: {name}"
        )


PEAK = (
    "import os, sys\n"
    "def told(status):\n"
    " lines = open('/proc/self/status').read().splitlines()\n"
    " print([l.split()[1] for l in lines if l.startswith('VmHWM')][0], file=sys.stderr, flush=True)\n"
    " end(status)\n"
    "end, os._exit = os._exit, told\n"
    "from cachesync.__main__ import main\n"
    "main()\n"
)


def peak(state: Path, text: str) -> int:
    """The most memory that a cold search has resident, in MiB."""
    arguments = ["-c", PEAK, "--state-dir", str(state), "search", text]
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, env=environment(), check=True
    )
    return int(done.stderr.split()[-1]) >> 10


def mixed(count: int = MIXED, seed: int = 14) -> list[str]:
    """Queries of one to three parts, of which one asks of the DAG; always the same."""
    source = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        text = " ".join(source.sample(PARTS, source.randint(1, 3)))
        if "^" in text or "%" in text:
            found[text] = None
    return list(found)


def warm(state: Path, texts: list[str], spack: str | None = None) -> list[tuple[float, str]]:
    """Seconds of each query in a process that goes on, the best of its passes, the slowest last.

    No answer is one of before, nor any set of nodes that was found for one: each pass asks anew, every text
    once. What stays is what a question leaves for others: builds that were shown, the nodes of a name.
    """
    from cachesync import query
    from cachesync.errors import CachesyncError
    from cachesync.search.searcher import Searcher

    best: dict[str, float] = {}
    for _ in range(PASSES):
        searcher = Searcher(state)
        searcher.search(query.parse_in(spack, "^warm"), limit=LIMIT)
        for text in texts:
            started = time.perf_counter()
            try:
                searcher.search(query.parse_in(spack, text), limit=LIMIT)
            except CachesyncError:
                continue
            took = time.perf_counter() - started
            best[text] = min(took, best.get(text, took))
        searcher.close()
    return sorted((took, text) for text, took in best.items())


def spread(found: list[tuple[float, str]]) -> str:
    """The middle, the hundredth from the end, and the worst."""
    seconds = [one for one, _ in found]
    late = seconds[-1 - len(seconds) // 100]
    return (
        f"{len(found)} queries: p50 {1000 * median(seconds):.1f} ms, p99 {1000 * late:.1f} ms,"
        f" worst {1000 * seconds[-1]:.1f} ms {found[-1][1]!r}"
    )


def beside_spack(state: Path, index: Path, oracle: Path, spack: Path) -> None:
    """Print how many times faster the oracle's queries are than Spack's `satisfies`."""
    told = json.loads(spack.read_bytes())
    scale = loads(index) / told["json_loads"]
    cases = json.loads(oracle.read_bytes())["queries"]
    found = warm(state, [case["q"] for case in cases if case["q"] in told["seconds"]], "1.x")
    times = sorted((scale * told["seconds"][text] / took, text) for took, text in found)
    print(f"the oracle's: {spread(found)}")
    print(
        f"faster than Spack's satisfies: median {median(one for one, _ in times):.0f} times,"
        f" worst {times[0][0]:.0f} {times[0][1]!r} (its seconds times {scale:.2f})"
    )


def heavy(state: Path) -> None:
    """Print what queries take that want to take long, each a process; by the ledger alone too."""
    for name, arguments in HEAVY.items():
        wall, cpu, status = taken(searching(state, *arguments), timeout=60)
        print(
            f"{'SLOW' if cpu > 2 else '    '} {wall:5.2f} s, processor {cpu:5.2f}, exit {status}: {name}"
        )


def synced(index: Path, root: Path) -> Path:
    """A state directory that an index was synced into."""
    (root / "mirror/build_cache").mkdir(parents=True)
    (root / "mirror/build_cache/index.json").symlink_to(index)
    url = (root / "mirror").as_uri()
    (root / "config.yaml").write_text(f"sources: [{{name: m, type: buildcache, url: '{url}'}}]\n")
    options = ("--config", str(root / "config.yaml"), "--state-dir", str(root / "state"))
    _, _, status = taken(("-m", "cachesync", *options, "sync"))
    assert status == 0, "synced"
    return root / "state"


def main(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    compileall.compile_dir(ROOT / "cachesync", quiet=2)
    with tempfile.TemporaryDirectory() as root:
        state = arguments.state or synced(arguments.index, Path(root, "big"))
        cold(state)
        print(f"warm, mixed: {spread(warm(state, mixed()))}")
        if arguments.oracle and arguments.spack:
            beside_spack(state, arguments.index, arguments.oracle, arguments.spack)
        print("the big index:")
        heavy(state)
        Path(root, "wide.json").write_text(json.dumps(wide.made()), "utf-8")
        wider = synced(Path(root, "wide.json"), Path(root, "wide"))
        print("an index of thousands of names:")
        heavy(wider)
        print(f"warm, mixed: {spread(warm(wider, mixed()))}")
        for file in (wider / "index").iterdir():
            file.rename(Path(root, f"gone-{file.name}"))
        print("the same by the ledger alone:")
        heavy(wider)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="See the module.")
    parser.add_argument("index", type=lambda text: Path(text).resolve())
    for option in ("--state", "--oracle", "--spack"):
        parser.add_argument(option, type=lambda text: Path(text).resolve())
    main(parser.parse_args())
