"""What the sources that are fetched have in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import SourceError
from cachesync.net import Request, Response
from cachesync.net.fake import FakeFetcher
from cachesync.sources import remote
from cachesync.sources.base import (
    Entry,
)
from tests.support.passes import PAGE, Pass, archive_source, http_source


@given(st.text(max_size=40), st.text(max_size=8))
def test_a_refused_path_has_a_harmless_name(path, prefix):
    """Whatever it was, its fault can be stored and shown."""
    fault = remote.refused("develop/", path or "x", "why")
    assert remote.hostile(fault.path) is None
    assert fault.path.count("/") == 1


def test_sources_ask_within_their_limits(fetcher):
    """Every request is bounded by what the config allows."""
    fake = FakeFetcher({"http://a/p": Response(200, {}, PAGE)})
    Pass(http_source(fake, "http://a/p"))
    with pytest.raises(SourceError):
        archive_source(fake, "http://a/archive").listing()
    assert [request.most_bytes for request in fake.requests] == [100_000, 1_000_000]
    assert fake.requests[0] == Request("http://a/p", 100_000, {})
    assert Entry("x", "y") == ("x", "y")
