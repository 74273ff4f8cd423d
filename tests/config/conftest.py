"""What the tests here share."""

import pytest


@pytest.fixture
def places(tmp_path):
    """The places of the search order, best first, with the environment that leads to them."""
    system = tmp_path / "etc" / "cachesync.yaml"
    environ = {
        "CONFIGURATION_DIRECTORY": f"{tmp_path}/unit:{tmp_path}/second",
        "XDG_CONFIG_HOME": f"{tmp_path}/xdg",
        "HOME": f"{tmp_path}/home",
    }
    files = [
        tmp_path / "unit" / "cachesync.yaml",
        tmp_path / "second" / "cachesync.yaml",
        tmp_path / "xdg" / "cachesync" / "cachesync.yaml",
        system,
    ]
    for file in files:
        file.parent.mkdir(parents=True)
        file.touch()
    return environ, files
