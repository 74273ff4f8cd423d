"""Where the order of words decides which package is asked for something, it is known how else to ask."""

import pytest

from cachesync.query import And, Dag, parse, parse_in, terms
from cachesync.query.order import misplaced


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hdf5 %gcc@12 +mpi", [("+mpi", "gcc", "hdf5 +mpi %gcc@12")]),
        ("hdf5 %gcc@12+mpi", [("+mpi", "gcc", "hdf5 +mpi %gcc@12")]),
        ("hdf5 %gcc tag:develop @1.14 os=a", [("@1.14 os=a", "gcc", "hdf5 @1.14 os=a %gcc")]),
        ("hdf5 %c,cxx=gcc@12 libs=a", [("libs=a", "gcc", "hdf5 libs=a %c,cxx=gcc@12")]),
        ("hdf5 %oneapi@2024 +mpi", [("+mpi", "oneapi", "hdf5 +mpi %oneapi@2024")]),
        ("%gcc +mpi", [("+mpi", "gcc", "+mpi %gcc")]),
        ("zlib OR hdf5 %gcc +a", [("+a", "gcc", "hdf5 +a %gcc")]),
        ("zlib -(hdf5 %gcc +a)", [("+a", "gcc", "hdf5 +a %gcc")]),
        ("hdf5 +mpi %gcc@12", []),
        ("hdf5 %gcc@12 tag:develop", []),
        ("%gcc hdf5 +mpi", []),
        ("hdf5 ^zlib +shared", []),
        ("hdf5 ^zlib %gcc +shared", []),
        ("hdf5", []),
    ],
)
def test_what_is_asked_of_a_compiler(text, found):
    """What stands behind the `%` of the root; of `^` pages are asked nothing, so nothing is read in two ways."""
    assert [one[:3] for one in misplaced(parse(text))] == found


@pytest.mark.parametrize("text", ["hdf5 %gcc@12 +mpi", "hdf5 %gcc tag:develop @1.14 os=a"])
def test_how_else_to_ask_is_what_pages_were_asked(text):
    """It asks nothing of the compiler but what belongs to it, and pages the same as before."""
    (one,) = misplaced(parse(text))
    tree = parse(one.instead)
    assert misplaced(tree) == ()
    assert isinstance(tree, And)
    assert any(isinstance(node, Dag) for node in tree.nodes)
    asked = {t for t, _ in terms(parse(text)) if t.spack}
    assert {t for t, _ in terms(tree)} == asked


def test_a_text_in_spacks_own_language_is_meant_as_it_stands():
    """Who names a Spack knows its order."""
    assert misplaced(parse_in("1.x", "hdf5 %gcc@12 +mpi")) == ()
