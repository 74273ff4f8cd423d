"""Random small documents of cache indices, as Spack would write them: DAGs of few packages.

Database version 8 with specs of format 5 (compilers are nodes), with those of format 4 that were
migrated (the compiler an annotation), with both, and version 7 (the compiler an attribute). Hashes
follow from the records as Spack computes them; dependencies are in order of their names.
"""

from __future__ import annotations

import base64
import hashlib
import json
from random import Random
from typing import Any

from .structure import FLAGS

__all__ = ["FORMS", "document"]

FORMS = ("8", "8 mixed", "8 migrated", "7")

PROVIDES = {
    "gcc": ("c", "cxx", "fortran"), "llvm": ("c", "cxx"), "openmpi": ("mpi",), "mpich": ("mpi",),
    "zlib": ("zlib-api",), "zlib-ng": ("zlib-api",), "openblas": ("blas", "lapack"),
    "glibc": ("libc", "iconv"), "libiconv": ("iconv",),
}  # fmt: skip
COMPILERS = ("gcc", "llvm")
LEAVES = ("glibc", *COMPILERS)
PACKAGES = (
    *LEAVES, "zlib", "zlib-ng", "libiconv", "cmake", "openblas", "openmpi", "mpich", "hdf5", "perl",
)  # fmt: skip
VERSIONS = (
    "1.2", "1.2.13", "1.10", "1.14.6", "1.14rc1", "2", "2.0.3", "3.1-20251016", "12.3.0", "13.2.0",
    "develop", "main", "git.main=1.10", "git.v2=2.0.3", "9.0p1",
    "4dd0f54d2ea9a2fc6b7a1b0a8b6d7a2bd6b1b7c9=1.14.1",
)  # fmt: skip
PLAIN_VERSIONS = ("1.2", "2.0.3", "12.3.0", "13.2.0", "17.0.6")
ARCHITECTURES = (
    ("linux", "ubuntu22.04", "x86_64_v3"), ("linux", "ubuntu22.04", "zen4"),
    ("linux", "almalinux8", "x86_64"), ("linux", "ubuntu24.04", "neoverse_v1"),
    ("darwin", "sequoia", "m1"),
)  # fmt: skip
OBJECTS = ("zen4", "neoverse_v1", "m1")
TYPES = (
    ["build"], ["link"], ["build", "link"], ["build", "run"], ["run"], ["link", "run"],
    ["build", "link", "run"], ["test"], ["build", "test"],
)  # fmt: skip
VARIANTS = {
    "shared": (True, False), "pic": (True, False), "mpi": (True, False),
    "build_type": ("Release", "Debug"), "build_system": ("cmake", "autotools"),
    "libs": (["shared"], ["static"], ["shared", "static"]), "languages": (["c", "c++"], ["c"]),
    "abi": ("none", "64"), "cuda_arch": (["none"], ["80", "90"]), "optional": ("true", "no"),
}  # fmt: skip
FLAG_VALUES = (["-O2"], ["-g", "-O3"], ["-O2 x", "-g"], ["-DX=1"])
PATCHES = (["a1" * 32], ["b2" * 32, "a1" * 32], ["a1b2" * 16])


def document(random: Random, *, form: str | None = None, size: int | None = None) -> dict[str, Any]:
    """An index of up to `size` records (drawn where not given), of one of the FORMS."""
    form = form or random.choice(FORMS)
    size = size or random.randint(1, 14)
    installs: dict[str, dict[str, Any]] = {}
    for _ in range(size):
        node = _record(random, form, [entry["spec"] for entry in installs.values()])
        entry = {"spec": node, "ref_count": 0, "in_buildcache": random.random() < 0.8}
        if "external" in node:
            entry["in_buildcache"] = False
        installs.setdefault(node["hash"], entry)
    for entry in installs.values():
        for edge in entry["spec"].get("dependencies", ()):
            installs[edge["hash"]]["ref_count"] += 1
    order = list(installs)
    random.shuffle(order)
    installs = {key: installs[key] for key in order}
    return {"database": {"version": form[0], "installs": installs}}


def _record(random: Random, form: str, below: list[dict[str, Any]]) -> dict[str, Any]:
    name = random.choice(PACKAGES[: 2 + 2 * len(below)] if len(below) < 3 else PACKAGES)
    platform, os, target = random.choice(ARCHITECTURES[: random.randint(1, len(ARCHITECTURES))])
    old = form in ("7", "8 migrated") or (form == "8 mixed" and random.random() < 0.5)
    compiler = {"name": random.choice(COMPILERS), "version": random.choice(PLAIN_VERSIONS)}
    if random.random() < 0.1:
        compiler["name"] = random.choice(("oneapi", "clang", "nvhpc", "apple-clang", "aocc"))
    node: dict[str, Any] = {
        "name": name,
        "version": random.choice(VERSIONS),
        "arch": {"platform": platform, "platform_os": os, "target": _target(target)},
    }
    if form == "7":
        node["compiler"] = compiler
    node["namespace"] = "builtin" if random.random() < 0.9 else "other"
    node["parameters"] = _parameters(random)
    if random.random() < 0.15:
        node["patches"] = random.choice(PATCHES)
        node["parameters"]["patches"] = sorted(node["patches"])
    if name in LEAVES and random.random() < 0.6:
        node["external"] = {"path": "/usr", "module": None, "extra_attributes": {}}
    node["package_hash"] = "a" * 52 + "===="
    dependencies = [] if "external" in node else _dependencies(random, below, is_old=old)
    if dependencies:
        node["dependencies"] = dependencies
    notes: dict[str, Any] = {"original_specfile_version": 4 if old else 5}
    if old and random.random() < 0.95:
        notes["compiler"] = f"{compiler['name']}@={compiler['version']}"
    if form != "7" and not old:
        node["annotations"] = notes
    node["hash"] = _hash(node)
    if form != "7" and old:
        del node["hash"]  # a migration adds its notes after the hash was computed
        node |= {"annotations": notes, "hash": _hash(node)}
    return node


def _target(name: str) -> str | dict[str, Any]:
    if name not in OBJECTS:
        return name
    return {
        "name": name, "vendor": "x", "features": [], "generation": 0, "parents": [], "cpupart": "",
    }  # fmt: skip


def _parameters(random: Random) -> dict[str, Any]:
    names = random.sample(sorted(VARIANTS), random.randint(0, 5))
    parameters: dict[str, Any] = {name: random.choice(VARIANTS[name]) for name in names}
    for key in FLAGS:
        parameters[key] = random.choice(FLAG_VALUES) if random.random() < 0.05 else []
    return parameters


def _dependencies(
    random: Random, below: list[dict[str, Any]], *, is_old: bool
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    # Once in a while a virtual is called like a package, which is then no virtual.
    strange = random.random() < 0.03
    for child in random.sample(below, min(len(below), random.randint(0, 5))):
        types = random.choice(TYPES)
        if child["name"] in COMPILERS and random.random() < 0.8:
            types = ["build"]
        beside = [edge for edge in found if edge["name"] == child["name"]]
        if any(_collide(edge["parameters"]["deptypes"], types) for edge in beside):
            continue
        provided = PROVIDES.get(child["name"], ())
        if is_old and child["name"] in COMPILERS:
            provided = ()  # among what a spec of format 4 depends on, none compiles it
        virtuals = [virtual for virtual in provided if random.random() < 0.7]
        if strange:
            virtuals.append(random.choice(("zlib", "hdf5", "perl")))
        found.append(
            {
                "name": child["name"],
                "hash": child["hash"],
                "parameters": {"deptypes": types, "virtuals": sorted(set(virtuals))},
            }
        )
    return sorted(found, key=lambda edge: edge["name"])


def _collide(one: list[str], other: list[str]) -> bool:
    """Whether Spack would not hang two nodes of one name from a node by these types."""
    runtime = {"link", "run"}
    return bool(set(one) & set(other)) or bool(runtime & set(one) and runtime & set(other))


def _hash(node: dict[str, Any]) -> str:
    text = json.dumps(node, separators=(",", ":"))
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).digest()
    return base64.b32encode(digest).decode().lower()
