"""The members of small sets: as they are found in the set, and of many none."""

from hypothesis import given
from hypothesis import strategies as st

from cachesync.graph.few import MOST_KNOWN, Few
from cachesync.graph.masks import SPARSE, mask_of, members
from tests.support.examples import examples

SIZE = 40


@examples(20, 500)
@given(st.lists(st.sets(st.integers(0, SIZE - 1), max_size=12), max_size=MOST_KNOWN))
def test_members_are_those_of_the_set(several):
    """Of sets that were made of them and of sets that were not, of however many before; of many sets none."""
    few = Few(SIZE, 8)
    made = [(few.made(sorted(nodes)), nodes) for nodes in several]
    made += [(mask_of(bytes(n in nodes for n in range(SIZE))), nodes) for nodes in several]
    for mask, nodes in made:
        assert set(members(mask, SIZE)) == nodes
        assert few.members(mask) == (sorted(nodes) if few.is_few(len(nodes)) else None)


def test_what_is_few_grows_with_the_graph():
    """At least so many, and one in so many nodes."""
    assert [Few(SIZE, 8).is_few(count) for count in (8, 9)] == [True, False]
    assert [Few(100 * SPARSE, 8).is_few(count) for count in (99, 100)] == [True, False]
