"""A query as it is spelled elsewhere, in the spelling of here."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachesync.query.respelling import Known, respelled

PACKAGES = {"hdf5", "py-numpy", "gcc", "zlib", "zlib-ng", "openmpi"}
VALUES = {"v1", "zlib-1"}
KEYS = {"api", "zlib"}
BEGINNINGS = {("os", "ubuntu"), ("stack", "ml-linux")}
KNOWN = Known(
    PACKAGES.__contains__,
    VALUES.__contains__,
    KEYS.__contains__,
    lambda field, value: (field, value) in BEGINNINGS,
)


def read(text: str) -> str | None:
    found = respelled(text, KNOWN)
    return None if found is None else found.text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hdf5=1.14.5", "hdf5@1.14.5"),
        ("hdf5==1.14.5", "hdf5@1.14.5"),
        ("hdf5-1.14.5", "hdf5@1.14.5"),
        ("hdf5_1.14", "hdf5@1.14"),
        ("HDF5-1.14.5 +mpi", "hdf5@1.14.5 +mpi"),
        ("hdf5=1.14.5+mpi%gcc", "hdf5@1.14.5+mpi%gcc"),
        ("py-numpy-1.26", "py-numpy@1.26"),
        ("zlib-ng-2.2-rc1", "zlib-ng@2.2-rc1"),
        ("hdf5 %gcc-12.3", "hdf5 %gcc@12.3"),
        ("hdf5 %gcc=12", "hdf5 %gcc@12"),
        ("hdf5 -^openmpi-4", "hdf5 -^openmpi@4"),
        ("(hdf5-1.14 OR x)", "(hdf5@1.14 OR x)"),
        ("hdf5 compiler:gcc@12", "hdf5 %gcc@12"),
        ("hdf5 v1.14", "hdf5 1.14"),
        ("hdf5 os:Ubuntu -stack:ml-linux", "hdf5 os:Ubuntu* -stack:ml-linux*"),
        ("/BXJPBZP", "/bxjpbzp"),
        ("hdf5/BXjp", "hdf5/bxjp"),
    ],
)
def test_what_is_spelled_otherwise(typed, meant):
    """Names with versions, compilers with versions, and hashes."""
    assert read(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "", "hdf5", "hdf5@1.14", "hdf5 1.14", "gromacs-2023", "gromacs=2023", "zlib-1", "zlib=1", "api=18",
        '"hdf5-1.14"', 'tag:"hdf5-1.14"', "hdf5 v1", "/bxjp", "/BXJP1", "compiler:gcc@=12", "compiler:gcc*", "hdf5-x", "tag:v1-2", "os=5", "os:rhel", "os:ubuntu*", "os:u",
    ],
)  # fmt: skip
def test_what_stays_as_it_is(typed):
    """What is no such thing, is quoted, or is a value or a key that something has."""
    assert read(typed) is None


@settings(max_examples=80, deadline=None)
@given(st.text('hdf5gcz=-_@/ ^%+~12.AB"()', max_size=20))
def test_nothing_else_of_a_query_changes(text):
    """Replacing what is told back gives what was typed."""
    found = respelled(text, KNOWN)
    if found is None:
        return
    chunks = zip(text.split(), found.text.split(), strict=True)
    assert all(a != b for a, b in found.words)
    assert any(a != b for a, b in chunks)
