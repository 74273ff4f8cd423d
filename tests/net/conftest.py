"""A server on loopback, and fetchers that wait without waiting."""

import threading

import pytest

from cachesync.net import open_poster
from cachesync.net.client import HttpFetcher
from tests.support import stubserver as stub
from tests.support.fetching import Clockwork


@pytest.fixture
def server():
    with stub.StubServer() as running:
        yield running


@pytest.fixture
def sleep():
    return Clockwork()


@pytest.fixture
def fetcher(sleep):
    with HttpFetcher(
        request_seconds=5.0, stop=threading.Event(), sleep=sleep, chance=lambda: 0.5
    ) as open_one:
        yield open_one


@pytest.fixture
def poster():
    with open_poster() as running:
        yield running
