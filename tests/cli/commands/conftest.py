"""A site that the tests of commands only read, and a lock to check against it."""

import pytest

from tests.support.commands import GCC7, NEW, OLD, X86, A, C
from tests.support.locks import entry, lock, text
from tests.support.world import World, hash_of, spec


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Two snapshots and a rolling tag, synced twice. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    mirror = ", mirror: 'https://cache.example.org/{tag}'"
    world.configure(f"sources:\n{world.directory_source(extra=mirror)}")
    world.page(OLD, "hdf5", spec("a", **X86), spec("b", versions=["1.14.3"]))
    world.page(OLD, "zlib", spec("c", **GCC7))
    world.page("develop", "hdf5", spec("a", **X86, stacks=["root"]), spec("d", **X86))
    world.sync()
    world.page(NEW, "hdf5", spec("a", **X86), spec("d", **X86), spec("e", versions=["1.14.6"]))
    world.page("develop", "hdf5", spec("a", **X86, stacks=["e4s", "root"]))
    world.sync()
    return world


@pytest.fixture
def lockfile(site, tmp_path):
    """A lock: a cached root with a missing build dependency, an external, and a missing root."""
    document = lock(
        [A, hash_of(1)],
        entry(A, "hdf5", link=[C], build=[hash_of(2)]),
        entry(C, "zlib", target="aarch64"),
        entry(hash_of(1), "petsc", link=[A, hash_of(3), hash_of(4)]),
        entry(hash_of(2), "cmake"),
        entry(hash_of(3), "openmpi", external={"path": "/usr"}),
        entry(hash_of(4), "mine", parameters={"dev_path": "/home/me"}),
    )
    path = tmp_path / "spack.lock"
    path.write_bytes(text(document))
    return path
