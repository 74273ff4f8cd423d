"""Trees of queries, drawn and looked at."""

from cachesync.model import Build
from cachesync.query import (
    matches,
    parse,
)

FILELOCK = Build(
    "py-filelock", "3.12.4", "gcc@=13.2.0", "ubuntu24.04", "linux", "aarch64",
    ("build_system=python_pip",),
)  # fmt: skip

HASH = "bxjpbzp6ar2cezwvhbxsx35wxgtsrzah"

PLACE = {"source": "Site", "tag": "develop-2025-03-09", "stacks": ("ml-linux-aarch64-cpu", "root")}


def found(text: str, build: Build = FILELOCK, **place) -> bool:
    return matches(parse(text), build, HASH, **{**PLACE, **place})
