"""Where a mirror is, and how it is reached."""

import pytest

from tests.support.webservers import serving


@pytest.fixture
def root(tmp_path):
    """Where a mirror is: every user may read it, as a server of another user does."""
    tmp_path.chmod(0o755)
    return tmp_path / "mirror"


@pytest.fixture(params=["file", "nginx", "nginx packed", "apache", "apache packed"])
def reached(request, root, fetcher):
    """How a mirror is reached: its address, a fetcher, and what was answered if anybody did."""
    root.mkdir()
    if request.param == "file":
        yield root.as_uri(), None, None
        return
    name, _, packed = request.param.partition(" ")
    with serving(name, root, packed=bool(packed)) as server:
        yield server.origin, fetcher, server
