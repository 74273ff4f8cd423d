"""Which of very many lines are shown (cli/display/turns.py)."""

from hypothesis import given
from hypothesis import strategies as st

from cachesync.cli.display import turns


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers())), st.integers(0, 9))
def test_no_group_is_hidden_by_another(items, most):
    """In the order that they have; a group has one more than another only where the other has no more."""
    found = turns.chosen(items, most, lambda one: one[0])
    assert len(found) == min(most, len(items))
    left = iter(items)
    assert all(one in left for one in found)
    every = [one for one, _ in items]
    shown = {group: sum(one[0] == group for one in found) for group in "abc"}
    for group in "abc":
        if shown[group] < every.count(group):
            assert max(shown.values()) <= shown[group] + 1
