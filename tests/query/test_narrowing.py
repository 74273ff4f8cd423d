"""A query narrowed by fields that are given apart: one text that reads as one tree."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync import query
from cachesync.errors import QueryError, UsageError
from cachesync.query.narrowing import narrowed


@pytest.mark.parametrize(
    ("text", "given_apart", "whole"),
    [
        ("hdf5", [("tag", "develop")], "hdf5 tag:develop"),
        ("", [("os", "Ubuntu24.04")], "os:Ubuntu24.04"),
        ("  ", [("tag", "a"), ("os", "b")], "tag:a os:b"),
        ("hdf5 OR zlib", [("tag", "develop")], "(hdf5 OR zlib) tag:develop"),
        ("hdf5", [("tag", "a"), ("os", "x"), ("tag", "b")], "hdf5 (tag:a OR tag:b) os:x"),
        ("hdf5", [("tag", "a"), ("tag", "a")], "hdf5 tag:a"),
        ("hdf5", [("tag", "develop-*")], "hdf5 tag:develop-*"),
        ("hdf5@1.12:", [("os", "ubuntu22.04")], "hdf5@1.12: os:ubuntu22.04"),
        ("hdf5 +mpi %gcc@12:", [("target", "zen4")], "hdf5 +mpi %gcc@12: target:zen4"),
        ("hdf5", [("target", "=zen4")], 'hdf5 target:"=zen4"'),
        ("hdf5", [("tag", "my tag)")], 'hdf5 tag:"my tag)"'),
        ("hdf5", [("compiler", "gcc@12.3.0")], "hdf5 compiler:gcc@12.3.0"),
    ],
)
def test_fields_stand_behind_the_query(text, given_apart, whole):
    """All must hold; of several values of one field one is enough; what is odd is quoted."""
    found = narrowed(text, given_apart)
    assert found.text == whole
    assert query.parse(found.text) == found.node


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(("", "hdf5", "hdf5 OR zlib", "-(a b)", "hdf5@1: %gcc@2:", "x ^mpi", '"OR"')),
    st.lists(
        st.tuples(
            st.sampled_from(("tag", "os", "target", "compiler", "stack")),
            st.text('ab =:@%^~+(),*-/"\\', min_size=1, max_size=5),
        ),
        max_size=3,
    ),
)
def test_whatever_is_given_the_text_reads_as_the_whole(text, given_apart):
    """Or it is refused; a query that nothing narrows is what it was."""
    try:
        found = narrowed(text, given_apart)
    except (QueryError, UsageError):
        assert given_apart
        return
    assert query.parse(found.text) == found.node
    assert given_apart or found.node == query.parse(text)


def test_the_language_of_spack_stays_beside():
    """The text is Spack's as it was typed; the fields are ours, and ask of placements too."""
    found = narrowed("hdf5+mpi", [("tag", "develop")], "1.x")
    assert (found.text, found.fields) == ("hdf5+mpi", "tag:develop")
    alone = query.parse_in("1.x", "hdf5+mpi")
    nodes = alone.nodes if isinstance(alone, query.And) else (alone,)
    assert found.node == query.And((*nodes, query.Term("tag", "develop")))


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [("tag", "", UsageError), ("os", " ", UsageError), ("os", 'a" b"', UsageError),
     ("os", "a*b", QueryError), ("compiler", "gcc@12:13", QueryError)],
)  # fmt: skip
def test_values_that_no_field_can_have_are_refused(field, value, error):
    """With the option or the field in the message."""
    with pytest.raises(error) as caught:
        narrowed("hdf5", [(field, value)])
    assert field in caught.value.message or field in caught.value.query
