"""What Spack's own `satisfies` takes for each query, over the cached specs of an index.

`python tests/bench/spackseconds.py SPACK INDEX ORACLE BIG > SECONDS`: SPACK is a checkout of Spack, INDEX the
index of a mirror that ORACLE has queries and answers for, BIG the big index that is made of it by
replication. Loading BIG takes Spack half a minute and 1.6 GiB; of what it is made of the same share
of specs satisfies a query, so the seconds are those for INDEX, the better of two runs each, times as many
specs as BIG has cached for one that INDEX has. `json.loads` of BIG is timed beside, to scale by on
another machine. Without a network Spack needs a `repos.yaml` that names a directory: an empty repository
will do, and which of the answers are then not Spack's of the oracle is counted.
"""

import gc
import json
import sys
import time
from pathlib import Path

RUNS = 2


def cached(index: Path) -> int:
    """How many cached specs an index has, counted without reading it as JSON."""
    data = index.read_bytes()
    return data.count(b'"in_buildcache":true') + data.count(b'"in_buildcache": true')


def loads(index: Path) -> float:
    """Seconds of `json.loads` of the whole, without the collector."""
    data = index.read_bytes()
    gc.disable()
    started = time.perf_counter()
    json.loads(data)
    return time.perf_counter() - started


def timed(index: Path, oracle: Path) -> tuple[dict[str, float], int]:
    """Seconds by query, and how many are answered as the oracle says."""
    from spack.database import Database  # type: ignore[import-not-found]
    from spack.spec import Spec  # type: ignore[import-not-found]

    database = Database(str(index.parent / "spack-database"))
    database._read_from_file(index)
    specs = [record.spec for record in database._data.values() if record.in_buildcache]
    found, alike = {}, 0
    for case in json.loads(oracle.read_bytes())["queries"]:
        if "hashes" not in case:
            continue
        best, hits = float("inf"), []
        for _ in range(RUNS):
            wanted = Spec(case["q"])
            started = time.perf_counter()
            hits = [spec for spec in specs if spec.satisfies(wanted)]
            best = min(best, time.perf_counter() - started)
        found[case["q"]] = best
        alike += sorted(spec.dag_hash() for spec in hits) == case["hashes"]
    return found, alike


def main(spack: Path, index: Path, oracle: Path, big: Path) -> None:
    """Print JSON: by query the seconds for the big index, and those of `json.loads` of it."""
    sys.path[:0] = [str(spack / "lib/spack"), str(spack / "lib/spack/external")]
    took, times = loads(big), cached(big) / cached(index)
    found, alike = timed(index, oracle)
    seconds = {text: one * times for text, one in found.items()}
    document = {"json_loads": took, "times": times, "as_the_oracle": alike, "seconds": seconds}
    json.dump(document, sys.stdout, indent=0)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
