"""Edges as bytes are read back as they were, however far a dependency lies and whether it is known."""

from hypothesis import given
from hypothesis import strategies as st

from cachesync.ledger.edges import (
    near_distances,
    pack_distance,
    pack_unknown,
    unpack_edges,
    varint,
)

# Around every place where a number takes a byte more, and the whole range.
_EDGES_OF_SIZES = st.sampled_from(
    [n + d for n in (1 << 6, 1 << 13, 1 << 20, 1 << 27) for d in (-1, 0, 1)]
)
DISTANCES = st.one_of(
    _EDGES_OF_SIZES, _EDGES_OF_SIZES.map(lambda n: -n), st.integers(-(1 << 40), 1 << 40)
).filter(bool)
KINDS = st.integers(1, 1 << 15)
HASHES = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=32, max_size=32)


@given(st.lists(st.tuples(st.one_of(DISTANCES, HASHES), KINDS)), st.integers(0, 1 << 20))
def test_what_was_packed_is_unpacked(edges, spec_id):
    """In the order in which it was packed."""
    packed = b"".join(
        pack_unknown(to, kind) if isinstance(to, str) else pack_distance(to) + varint(kind)
        for to, kind in edges
    )
    told = [(to if isinstance(to, str) else spec_id - to, kind) for to, kind in edges]
    assert list(unpack_edges(spec_id, packed)) == told


def test_the_table_of_near_distances_is_what_would_be_packed():
    """So that a writer may take either."""
    assert all(packed == pack_distance(n) for n, packed in enumerate(near_distances()) if n)
