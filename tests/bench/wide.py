"""A cache index of thousands of package names: `python tests/bench/wide.py OUT [NAMES]`.

The big index is made of one real cache and has 97 names. Real sites have thousands, so here are 5,000,
eight specs each, in layers: each depends on some of the packages before it, one in nine on one of
fifteen releases of openssl 3.0, and most need gcc and cmake to be built.
"""

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

NAMES, OF_EACH = 5000, 8
TARGETS = ("x86_64_v3", "x86_64_v4", "zen4", "neoverse_v1")
OSES = ("ubuntu22.04", "ubuntu24.04", "almalinux8")
KINDS = (["link"], ["build", "link"], ["run"], ["build"])
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class Making:
    """The records, in the order of their layers."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.records: dict[str, Any] = {}

    def add(
        self, name: str, version: str, edges: list[tuple[str, str, list[str], list[str]]]
    ) -> tuple[str, str]:
        """A record with edges (name, hash, types, virtuals); its own name and hash."""
        random = self.random
        spec_hash = "".join(random.choices(LETTERS, k=32))
        parameters = {"build_system": "cmake", "shared": random.random() < 0.8, "mpi": random.random() < 0.5,
                      **{flags: [] for flags in ("cflags", "cxxflags", "fflags", "ldflags")}}  # fmt: skip
        self.records[spec_hash] = {
            "spec": {
                "name": name, "version": version, "namespace": "builtin", "parameters": parameters,
                "arch": {"platform": "linux", "platform_os": random.choice(OSES), "target": random.choice(TARGETS)},
                "dependencies": [
                    {"name": to, "hash": one, "parameters": {"deptypes": types, "virtuals": virtuals}}
                    for to, one, types, virtuals in edges
                ],
                "annotations": {"original_specfile_version": 5}, "hash": spec_hash,
            },
            "ref_count": 1, "in_buildcache": True,
        }  # fmt: skip
        return name, spec_hash


def made(names: int = NAMES, seed: int = 7) -> dict[str, Any]:
    """The document."""
    making = Making(seed)
    random = making.random
    gcc = [
        making.add("gcc", f"{major}.{minor}.0", []) for major in (11, 12, 13) for minor in (1, 2)
    ]
    tools = [
        making.add("cmake", f"3.{n}.1", [(*random.choice(gcc), ["build"], ["c", "cxx"])])
        for n in range(20, 31)
    ]
    openssl = [making.add("openssl", f"3.0.{n}", [(*random.choice(gcc), ["build"], ["c"])])
               for n in range(1, 16) for _ in range(4)]  # fmt: skip
    mpi = [
        making.add(name, f"{n}.0.1", [(*random.choice(gcc), ["build"], ["c"])])
        for name in ("openmpi", "mpich", "mvapich")
        for n in (3, 4, 5)
    ]
    done: list[tuple[str, str]] = []
    for number in range(names):
        of_this = []
        for release in range(OF_EACH):
            edges = [(*random.choice(gcc), ["build"], ["c", "cxx"])]
            if random.random() < 0.8:
                edges.append((*random.choice(tools), ["build"], []))
            if random.random() < 1 / 9:
                edges.append((*random.choice(openssl), ["build", "link"], []))
            if random.random() < 0.1:
                edges.append((*random.choice(mpi), ["build", "link"], ["mpi"]))
            near = done[-4000:]
            chosen = random.sample(near, 5) if near else []
            edges += [(*one, random.choice(KINDS), []) for one in chosen]
            once = {edge[0]: edge for edge in edges}
            of_this.append(
                making.add(
                    f"p{number:04}-{random.choice(LETTERS)}",
                    f"{release}.{number % 7}",
                    list(once.values()),
                )
            )
        done += of_this
    return {"database": {"version": "8", "installs": making.records}}


if __name__ == "__main__":
    names = int(sys.argv[2]) if len(sys.argv) > 2 else NAMES
    Path(sys.argv[1]).write_text(json.dumps(made(names), separators=(",", ":")), "utf-8")
