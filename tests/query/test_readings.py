"""What a bare word may mean (readings.py): the table, and what follows from the values there are."""

import pytest

from cachesync import query
from cachesync.query import readings
from cachesync.spack import targets

VALUES = {
    "variant": ["+mpi", "~cuda", "threads=openmp", "backend=openmp,tbb", "api=default", "~X"],
    "os": ["ubuntu22.04", "rhel9"],
    "target": ["x86_64_v3", "aarch64"],
    "compiler": ["gcc", "gcc@13.2.0", "apple-clang"],
    "stack": ["e4s", "e4s-oneapi"],
    "package": ["py-numpy", "py-torch", "hdf5", "r-ggplot2"],
}


def values(field: str, beginning: str) -> list[str]:
    return [value for value in VALUES.get(field, ()) if value.startswith(beginning)]


def of(word: str, *fields: str) -> list[str]:
    return [one.said for one in readings.of_word(word, values, targets.is_known, fields)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("mpi", ["+mpi"]),
        ("MPI", ["+mpi"]),
        ("X", ["+X"]),
        ("openmp", ["threads=openmp", "backend=openmp"]),
        ("zen4", ["--runs-on zen4"]),
        ("ubuntu", ["os:ubuntu*"]),
        ("e4s", ["stack:e4s*"]),
        ("hdf", []),
        ("torch", ["package:py-torch"]),
        ("intel", ["compiler:oneapi", "compiler:intel", "compiler:intel-oneapi-compilers"]),
        ("graviton3", ["--runs-on neoverse_v1"]),
        ("gc", []),
        ("1.14", []),
        ("nonsense", []),
        ("'", []),
    ],
)
def test_a_word_is_read(word, expected):
    """Variants, values, machines, beginnings, common names, in this order; no beginning of a package's name."""
    assert of(word) == expected


def test_a_value_that_is_there_stands_for_its_own_kind_only():
    """A target for what such a machine runs and for what begins so; a package for nothing else."""
    assert of("x86_64", "target") == ["--runs-on x86_64", "target:x86_64*"]
    assert of("e4s", "stack") == []
    assert of("mpi", "tag") == []


def test_a_machine_that_archspec_does_not_know_is_no_reading():
    """An older archspec knows fewer: the name of such a processor is read as nothing then."""
    assert of("genoa") == ["--runs-on zen4"]
    assert readings.of_word("genoa", values, lambda _: False) == []


def test_a_word_and_a_number():
    """A compiler and its version, a system and its release; nothing else belongs together."""
    pairs = {
        "gcc 13": "%gcc@13",
        "gcc 13.2.0": "%gcc@13.2.0",
        "ubuntu 22.04": "os:ubuntu22.04",
        "ubuntu 22": "os:ubuntu22*",
    }
    for pair, text in pairs.items():
        assert readings.of_pair(pair, values) == [readings.Reading(text)]
    for pair in ("gcc 1", "gcc 13.3", "hdf5 1.14", "rhel 8"):
        assert readings.of_pair(pair, values) == []


def test_a_word_and_its_number_in_one():
    """`gcc13` and `gcc-13` are what `gcc 13` is; what looks like it and is nothing is no reading."""
    for glued in ("gcc13", "gcc-13"):
        assert of(glued) == ["%gcc@13"]
    assert of("rhel-9") == ["os:rhel9"]
    assert of("gcc14") == of("hdf5") == of("py311") == []


def test_a_name_that_nothing_has_may_be_that_of_a_language():
    """Only names that are there: `numpy` is py-numpy, and ggplot2 r-ggplot2."""
    assert readings.of_name("numpy", values) == ["py-numpy"]
    assert readings.of_name("ggplot2", values) == ["r-ggplot2"]
    assert readings.of_name("nonsense", values) == []


def test_the_table_is_of_this_language():
    """Every common name is a word; each of its readings parses, or is a machine that archspec knows."""
    for word, found in readings.COMMON.items():
        assert word == word.lower()
        for text in found:
            if text.startswith("--runs-on "):
                assert targets.is_known(text.removeprefix("--runs-on ")), (word, text)
            else:
                assert isinstance(query.parse(text), query.Term), (word, text)


def test_the_words_that_can_be_read():
    """Common names, systems without their version, and switches; each of them has a reading."""
    known = readings.words(values)
    assert {"intel", "ubuntu", "rhel", "mpi", "cuda", "X"} <= set(known)
    assert "openmp" not in known
    assert all(of(word) for word in known if word not in readings.COMMON)


def test_the_opposite_of_a_variant():
    """Of one that is on, and of nothing else."""
    assert readings.off(readings.Reading("+cuda")) == "~cuda"
    assert readings.off(readings.Reading("threads=openmp")) is None
    assert readings.off(readings.Reading("", "zen4")) is None
