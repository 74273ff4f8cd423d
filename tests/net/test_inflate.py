"""Unpacking, in bounded pieces."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.net.inflate import PIECE_BYTES, InflateError, Inflater
from tests.support import stubserver as stub


@given(st.binary(max_size=3000), st.integers(1, 700), st.integers(1, 3))
def test_unpacking_is_the_inverse_of_packing(data, step, members):
    """However the packed bytes are cut, with several members and zeros after the last."""
    packed = gzip.compress(data, 1) * members + bytes(5)
    inflater = Inflater()
    out = []
    for start in range(0, len(packed), step):
        out += inflater.feed(packed[start : start + step])
    out += inflater.finish()
    assert b"".join(out) == data * members


@given(st.binary(min_size=1, max_size=300), st.data())
def test_damaged_gzip_is_never_taken_for_whole(data, draw):
    """Cut anywhere, or followed by something: InflateError."""
    packed = gzip.compress(data)
    cut = packed[: draw.draw(st.integers(0, len(packed) - 1))]
    for damaged in (cut, packed + b"x" + cut, data.replace(b"\x1f", b"\0") + b"\0\0"):
        inflater = Inflater()
        with pytest.raises(InflateError):
            list(inflater.feed(damaged)) + list(inflater.finish())


def test_pieces_are_bounded():
    """One small input may unpack to very much."""
    pieces = list(Inflater().feed(stub.zeros_gzipped(8)[:-10]))
    assert max(map(len, pieces)) <= PIECE_BYTES
    assert sum(map(len, pieces)) == 8 * stub.MIB
