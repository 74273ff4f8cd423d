"""The values of a build that conditions are compared with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.model import Build
from cachesync.query import (
    compiler_values,
    every_compiler,
    field_values,
    name_runs,
)


@given(st.lists(st.text("ab1", min_size=1, max_size=3), min_size=1, max_size=12), st.data())
def test_the_runs_of_a_name_are_its_consecutive_parts(parts, data):
    """Every stretch from the beginning of a part to the end of one, and nothing else."""
    separators = data.draw(
        st.lists(st.sampled_from("-_."), min_size=len(parts) - 1, max_size=len(parts) - 1)
    )
    name = parts[0] + "".join(s + p for s, p in zip(separators, parts[1:], strict=True))
    naive = set()
    for begin in range(len(name)):
        for end in range(begin + 1, len(name) + 1):
            starts = begin == 0 or name[begin - 1] in "-_."
            ends = end == len(name) or name[end] in "-_."
            if starts and ends and name[begin] not in "-_." and name[end - 1] not in "-_.":
                naive.add(name[begin:end])
    assert name_runs(name.upper()) == naive


def test_a_name_of_very_many_parts_costs_little():
    """Runs are at most 12 parts long, and the whole name is always among them."""
    name = "-".join("abcdefghijklmnopqrst")
    runs = name_runs(name)
    assert name in runs
    assert max(run.count("-") for run in runs - {name}) == 11
    assert len(name_runs("-" * 255)) < 255 * 13


@pytest.mark.parametrize(
    ("compiler", "values"),
    [
        ("gcc@=7.5.0", ("gcc", "gcc@7.5.0")),
        ("GCC@=7.5.0", ("gcc", "gcc@7.5.0")),
        ("gcc", ("gcc",)),
        ("none", ("none",)),
    ],
)
def test_what_is_compared_with_a_compiler(compiler, values):
    """The name, and the name with its version, written the short way."""
    assert compiler_values(compiler) == values


@pytest.mark.parametrize(
    ("compilers", "values"),
    [
        ((), ("llvm", "llvm@17.0.6")),
        (
            (("c", "llvm@=17.0.6"), ("cxx", "llvm@=17.0.6"), ("fortran", "llvm@=18.1.8")),
            ("llvm", "llvm@17.0.6", "llvm@18.1.8"),
        ),
        (
            (("c", "llvm@=17.0.6"), ("fortran", "gcc")),
            ("llvm", "llvm@17.0.6", "gcc"),
        ),
    ],
)
def test_the_compilers_of_all_languages_are_compared_with(compilers, values):
    """Each once, that of the build first."""
    build = Build("p", "1", "llvm@=17.0.6", "o", "linux", "t", (), compilers)
    assert field_values(build, "compiler") == values
    assert every_compiler(build) == tuple(
        dict.fromkeys(("llvm@=17.0.6", *dict(compilers).values()))
    )
