"""The `-x` that may be meant as a variant off (query/minus.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync import query
from cachesync.errors import QueryError, UsageError
from cachesync.query import minus
from cachesync.reports import wanted


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("hdf5 -mpi", "hdf5 ~mpi"), ("hdf5@1.14.6  -mpi -cxx", "hdf5@1.14.6  ~mpi ~cxx"),
        ("hdf5 -mpi+cxx", "hdf5 ~mpi+cxx"), ("hdf5 -mpi%gcc@12:", "hdf5 ~mpi%gcc@12:"),
        ("hdf5 --mpi", "hdf5 ~~mpi"), ("hdf5 -mpi/abcd", "hdf5 ~mpi/abcd"),
        ("hdf5 (-mpi OR +cxx)", "hdf5 (~mpi OR +cxx)"), ("hdf5 -with-cxx", "hdf5 ~with-cxx"),
        ("hdf5 -mpi~cxx", "hdf5 ~mpi~cxx"),
        # These exclude, whatever the package has.
        ("hdf5 -foo", None), ("hdf5 -mp", None), ("hdf5 -MPI", None), ("hdf5 -mpi-cxx", None),
        ("hdf5 -mpi*", None), ("hdf5 -mpi:x", None), ("hdf5 -mpi=x", None), ("hdf5 -mpi =x", None),
        ("hdf5 -mpi~1", None), ('hdf5 -"mpi"', None), ("hdf5 -(mpi)", None), ("-mpi hdf5", None),
        ("(-mpi) hdf5", None), ("hdf5-mpi", None), ("a='x -mpi'", None), ('"a -mpi"', None),
        ("hdf5 -tag:mpi", None), ("-mpi", None), ("", None),
    ],
)  # fmt: skip
def test_what_is_read_as_off(text, read_as):
    """What Spack would read as a variant off, of variants that the package has; nothing else."""
    found, off = minus.as_off(text, {"mpi", "cxx", "with-cxx"})
    assert found == (read_as or text)
    assert bool(off) is (read_as is not None)


WORDS = st.sampled_from(
    ("hdf5", "-mpi", "-cxx", "--hl", "+hl", "-foo", '"-mpi"', "-mpi+hl", "@1.2", "a=b", "-a=b",
     "OR", "(", ")", "-tag:a", "mpi", "~mpi", "-mp*", "- mpi", "'-mpi'")
)  # fmt: skip


@given(st.lists(WORDS, max_size=6).map(" ".join), st.sets(st.sampled_from(("mpi", "cxx", "hl"))))
def test_reading_twice_is_reading_once(text, variants):
    """Nothing is left to be read, only minuses change, and what is understood stays understood."""
    once, off = minus.as_off(text, variants)
    assert minus.as_off(once, variants) == (once, [])
    assert set(off) <= variants
    assert once.replace("~", "-") == text.replace("~", "-")


@given(st.lists(WORDS, max_size=6).map(" ".join), st.sets(st.sampled_from(("mpi", "cxx", "hl"))))
def test_a_line_is_its_text_as_read(text, variants):
    """The condition of a line is that of `read_as`, and of a line without variants its own."""
    try:
        (one,) = wanted.parse(text.encode(), name="x")
    except (QueryError, UsageError):
        return
    found = wanted.with_variants_off(one, variants)
    assert found.text == one.text
    assert found.condition == query.parse(found.read_as or one.text, is_spec=True)
    assert wanted.with_variants_off(one, ()) == one
