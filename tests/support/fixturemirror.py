"""The small mirror that README.md reads: `python -m tests.support.fixturemirror` writes it anew."""

import shutil
from pathlib import Path

from tests.support import mirrors
from tests.support.world import ROOT

__all__ = ["MIRROR", "write"]

MIRROR = ROOT / "tests" / "fixtures" / "mirror"
_LANGUAGES = ("c", "cxx")


def _built(name, version, *needs, by, virtuals=_LANGUAGES, **more):
    """A package that a compiler built."""
    return mirrors.record(
        name, version, mirrors.edge(by, "build", virtuals=virtuals), *needs,
        os="ubuntu24.04", target="aarch64", **more,
    )  # fmt: skip


def write(path: Path) -> None:
    """A mirror of layout 3 with a few packages, their compiler, and a view of two of them."""
    gcc = mirrors.record("gcc", "13.2.0", os="ubuntu24.04", target="aarch64", external="/usr")
    zlib = _built("zlib-ng", "2.2.4", by=gcc, variants={"compat": True, "shared": True})
    cmake = _built("cmake", "3.31.6", mirrors.edge(zlib, "link"), by=gcc)
    openssl = _built("openssl", "3.0.13", by=gcc, variants={"shared": True})
    python = _built(
        "python", "3.12.9", mirrors.edge(openssl, "build", "link"),
        mirrors.edge(zlib, "build", "link", virtuals=["zlib-api"]), by=gcc,
    )  # fmt: skip
    filelock = mirrors.record(
        "py-filelock",
        "3.12.4",
        mirrors.edge(python, "build", "run"),
        os="ubuntu24.04",
        target="aarch64",
    )
    hdf5 = _built(
        "hdf5", "1.14.6", mirrors.edge(cmake, "build"),
        mirrors.edge(zlib, "build", "link", virtuals=["zlib-api"]),
        by=gcc, variants={"mpi": False, "shared": True},
    )  # fmt: skip
    mirrors.make_mirror(path, [zlib, openssl, python, filelock, hdf5])
    mirrors.make_mirror(path, [zlib, hdf5], view="io")


if __name__ == "__main__":
    shutil.rmtree(MIRROR, ignore_errors=True)
    write(MIRROR)
