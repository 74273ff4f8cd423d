"""A site that the tests of the command line only read."""

import pytest

from tests.support.world import World, spec


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> World:
    """Two syncs of a small site: hdf5 and zlib in two tags, a broken page, a skipped one. Read only."""
    world = World(tmp_path_factory.mktemp("site"))
    world.configure(f"sources:\n{world.directory_source()}")
    world.page("develop", "hdf5", spec("a", stacks=["root", "e4s"]), spec("b", variants=["+cuda"]))
    world.page("v1", "hdf5", spec("a"))
    world.page("develop", "py-filelock", spec("ab" + "c" * 30, versions=["3.12.4"]))
    world.write(
        "adlbx", b"---\ntitle: adlbx\ncategory: package\nspec_names: []\nspec_files: []\n---"
    )
    world.sync()
    world.page("develop", "hdf5", spec("a", stacks=["root"]), spec("d", compiler="gcc@=7.5.0"))
    world.page("develop", "zlib", spec("z"), where="develop/zlib-moved")
    world.write("develop/broken", b"nonsense")
    world.sync()
    return world
