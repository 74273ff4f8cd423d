"""Names of packages that may be meant by one that no package has."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.query.nearnames import MOST, near_names

PACKAGES = ("hdf5", "py-torch", "py-filelock", "zlib", "zlib-ng", "openmpi", "r-ggplot2", "emacs")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("torch", ["py-torch"]),
        ("libtorch", ["py-torch"]),
        ("ggplot2", ["r-ggplot2"]),
        ("filelok", ["py-filelock"]),
        ("HDF", ["hdf5"]),
        ("hdff5", ["hdf5"]),
        ("zlob", ["zlib"]),
        ("zzob", []),
        ("gromacs", []),
        ("zlib", ["zlib-ng"]),
        ("mpj", ["virtual:mpi"]),
    ],
)
def test_names_that_are_near(name, near):
    """Common names, parts, and what is spelled alike: of less than five letters one may be wrong."""
    assert near_names(name, PACKAGES, ["mpi", "blas"]) == near


@settings(max_examples=50, deadline=None)
@given(st.text("abchdf5zlimpo-", max_size=8), st.sets(st.sampled_from(PACKAGES)))
def test_only_what_is_there_is_proposed(name, packages):
    """Never the name itself, each once, and few."""
    found = near_names(name, packages)
    assert set(found) <= packages - {name}
    assert len(found) == len(set(found)) <= MOST
