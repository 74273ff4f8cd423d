"""What is known of a spec beyond its build, as a line of JSON."""

from hypothesis import given
from hypothesis import strategies as st

from cachesync.diff import join_details
from cachesync.ledger.shapes import pack_details, unpack_details
from cachesync.model import Details

_texts = st.lists(st.text(max_size=5), max_size=3).map(tuple)
_details = st.builds(
    Details, st.none() | st.text(), st.none(), st.just(()), _texts, st.none(), st.none(), st.none(),
    st.just(()), st.integers(1, 9), _texts, st.none() | _texts,
)  # fmt: skip


@given(_details)
def test_details_survive(details):
    """What is read is what was written."""
    assert unpack_details(pack_details(details, None), {}) == details


def test_what_nobody_says_takes_no_room():
    """A line from before indexes told what is provided is the line of today."""
    before = '["builtin",null,[],[],null,null,null,[],5,[]]'
    found = unpack_details(before, {})
    assert found.provided_virtuals is None
    assert pack_details(found, None) == before


@given(_details, _details)
def test_nothing_that_is_told_is_lost(one, other):
    """Whoever tells first: what is provided is known once anybody told."""
    told = {one.provided_virtuals, other.provided_virtuals} - {None}
    for joined in (join_details(one, other), join_details(other, one)):
        assert joined.provided_virtuals in (told or {None})
