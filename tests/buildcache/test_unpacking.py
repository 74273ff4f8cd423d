"""An index blob as it is, or out of gzip, within bounds."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.buildcache.unpacking import unpacked
from cachesync.errors import CacheIndexError

DOCUMENT = b'{"database":{}}' * 50


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(is_packed=st.booleans(), size=st.integers(1, 100), behind=st.sampled_from([b"", b"\0\0"]))
def test_packed_or_not_the_document_comes_out(is_packed, size, behind):
    """In whatever pieces it comes, and with zeros behind gzip."""
    data = gzip.compress(DOCUMENT) + behind if is_packed else DOCUMENT
    assert b"".join(unpacked(_pieces(data, size), most_bytes=len(DOCUMENT))) == DOCUMENT


@pytest.mark.parametrize("data", [b"", b"{", b"\x1f"])
def test_less_than_two_bytes_are_what_they_are(data):
    """Whether that is a document is for others."""
    assert b"".join(unpacked([data], most_bytes=10)) == data


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_no_more_comes_out_than_is_allowed(pack):
    """However little goes in."""
    data = pack(b" " * 10_000_000)
    got: list[bytes] = []
    with pytest.raises(CacheIndexError, match="larger than 1,000,000 bytes"):
        got.extend(unpacked(_pieces(data, 1 << 16), most_bytes=1_000_000))
    assert 0 < sum(map(len, got)) <= 1_000_000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(DOCUMENT)[:-9], "cannot be unpacked: ends early"),
        (gzip.compress(DOCUMENT)[:-8] + bytes(8), "cannot be unpacked: is damaged"),
        (b"\x1f\x8b" + bytes(30), "cannot be unpacked: is damaged"),
        (gzip.compress(DOCUMENT) + b"more", "cannot be unpacked: data after the end"),
    ],
)
def test_damage_is_told(data, said):
    """What came before it is not to be believed."""
    with pytest.raises(CacheIndexError, match=said):
        b"".join(unpacked([data], most_bytes=1 << 20))
