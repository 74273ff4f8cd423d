"""Version lists: what two of them have in common."""

from hypothesis import given
from hypothesis import strategies as st

from cachesync.spack import ranges

NUMBERS = st.sampled_from(
    ("1", "1.2", "1.2.3", "1.14rc1", "1.14", "2", "3-1", "z", "main", "develop")
)
ELEMENTS = st.one_of(
    NUMBERS,
    NUMBERS.map("={}".format),
    NUMBERS.map("git.a={}".format),
    st.tuples(st.one_of(st.just(""), NUMBERS), st.one_of(st.just(""), NUMBERS)).map(":".join),
)


def is_list(text: str) -> bool:
    try:
        ranges.check(text)
    except ranges.EmptyRangeError:
        return False
    return True


LISTS = st.lists(ELEMENTS, min_size=1, max_size=3).map(",".join).filter(is_list)


@given(LISTS, LISTS, st.one_of(NUMBERS, NUMBERS.map("git.a={}".format)))
def test_what_two_lists_have_in_common_is_in_both(first, second, version):
    """A version is in the common list when it is in both, and in none where there is none."""
    common = ranges.common(first, second)
    is_in_both = ranges.contains(first, version) and ranges.contains(second, version)
    assert (common is not None and ranges.contains(common, version)) == is_in_both


@given(LISTS, LISTS)
def test_a_common_list_is_said_the_same_from_both_sides(first, second):
    """The order of the two makes no difference to what is said, nor does white space."""
    common, other = ranges.common(first, second), ranges.common(second, first)
    assert (common and ranges.said(common)) == (other and ranges.said(other))
    assert ranges.said(first.replace(",", " , ")) == ranges.said(first)
