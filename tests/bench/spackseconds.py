"""What Spack's own `satisfies` takes for each query, over the cached specs of a big index.

`python tests/bench/spackseconds.py SPACK ORACLE BIG > SECONDS`: SPACK is a checkout of Spack, ORACLE has the
queries, BIG is the big index. Spack loads all of BIG (half a minute, 1.6 GiB), so that its specs lie in
memory as they do for a user; one in eight of the cached ones is asked, and the seconds are taken eight
times. `json.loads` of BIG is timed beside, to scale by. Without a network Spack needs a `repos.yaml` that
names a directory: an empty repository will do.
"""

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

ONE_IN = 8
LOADS = 3


def loads(index: Path) -> float:
    """Seconds of `json.loads` of the whole, without the collector: the best of some."""
    data = index.read_bytes()
    gc.disable()
    best = float("inf")
    for _ in range(LOADS):
        started = time.perf_counter()
        document = json.loads(data)
        best = min(best, time.perf_counter() - started)
        del document
    gc.enable()
    return best


def timed(big: Path, oracle: Path) -> dict[str, Any]:
    """Seconds by query, as for all the cached specs of an index."""
    from spack.database import Database  # type: ignore[import-not-found]
    from spack.spec import Spec  # type: ignore[import-not-found]

    database = Database(str(oracle.parent / "spack-database"))
    database._read_from_file(big)
    cached = [record.spec for record in database._data.values() if record.in_buildcache]
    gc.freeze()
    asked = cached[::ONE_IN]
    found = {}
    for case in json.loads(oracle.read_bytes())["queries"]:
        if "hashes" in case:
            wanted = Spec(case["q"])
            started = time.perf_counter()
            for spec in asked:
                spec.satisfies(wanted)
            found[case["q"]] = (time.perf_counter() - started) * len(cached) / len(asked)
    return {"cached": len(cached), "asked": len(asked), "seconds": found}


def main(spack: Path, oracle: Path, big: Path) -> None:
    """Print JSON: by query the seconds for the big index, and those of `json.loads` of it."""
    sys.path[:0] = [str(spack / "lib/spack"), str(spack / "lib/spack/external")]
    json.dump({"json_loads": loads(big), **timed(big, oracle)}, sys.stdout, indent=0)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
