"""What the tests here share."""

import pytest

from tests.support.hostile import Site
from tests.support.rig import (
    State,
    Tree,
    spec,
)


@pytest.fixture
def site(tmp_path) -> Site:
    tree = Tree(tmp_path / "site")
    tree.write("develop", "victim", [spec("victim", n) for n in range(3)])
    tree.write("develop", "zlib", [spec("zlib", n) for n in range(2)])
    tree.write("v1.0", "hdf5", [spec("hdf5", n) for n in range(4)])
    state = State(tmp_path / "state", tree.root)
    state.sync()
    return Site(tree, state)
