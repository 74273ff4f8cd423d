"""A server on loopback, and fetchers that are patient or not."""

import pytest

from tests.support import stubserver as stub
from tests.support.passes import patient


@pytest.fixture
def server():
    with stub.StubServer() as running:
        yield running


@pytest.fixture
def fetcher():
    with patient(10.0) as open_one:
        yield open_one


@pytest.fixture
def hasty():
    """A fetcher for servers that are slow."""
    with patient(1.0) as open_one:
        yield open_one
