"""What tests of fetching share: a clock that is told, and both ways to fetch."""

import pytest

from cachesync.net import (
    FetchError,
    Request,
)

MOST = 1 << 20

PAGE = b"---\ntitle: hdf5\n---\n" * 20

SECRET = "ghp_verysecret"


class Clockwork:
    """Sleeps at once, and remembers for how long."""

    def __init__(self):
        self.slept = []

    def __call__(self, seconds):
        self.slept.append(seconds)


def get(fetcher, url, **more):
    return fetcher.fetch(Request(url, more.pop("most_bytes", MOST), **more))


def streamed(fetcher, url, **more):
    with fetcher.stream(Request(url, more.pop("most_bytes", MOST), **more)) as download:
        return b"".join(download.chunks)


def both_ways(fetcher, url, **more):
    """The errors of `fetch` and of `stream`."""
    errors = []
    for way in (get, streamed):
        with pytest.raises(FetchError) as caught:
            way(fetcher, url, **more)
        errors.append(caught.value)
    return errors
