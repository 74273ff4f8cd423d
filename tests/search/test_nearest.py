"""What nearly matched (nearest.py): which condition to drop, and what is there instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync import query
from cachesync.model import Build, Placement
from cachesync.search import nearest

HDF5 = Build(
    "hdf5", "1.14.5", "gcc@=11.4.0", "ubuntu22.04", "linux", "x86_64_v3", ("+mpi", "api=v18")
)
BUILDS = (
    HDF5,
    HDF5._replace(version="1.12.3", compiler="gcc@=13.2.0", target="aarch64"),
    HDF5._replace(compiler="none", os="sequoia", platform="darwin", variants=("~mpi",)),
    HDF5._replace(package="zlib", version="1.3.1", variants=()),
)
WHERE = {"source": "site", "tag": "develop", "stacks": ("root",)}


def count(node: query.Node) -> tuple[int, int]:
    found = sum(query.matches(node, build, "a" * 32, **WHERE) for build in BUILDS)
    return found, 2 * found


def missing(text: str) -> list[tuple[str, int]]:
    found = nearest.misses(query.parse(text), count, lambda: True)
    return [(nearest.text_of(miss.condition), miss.builds) for miss in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hdf5 %gcc@99", [("%gcc@99", 3)]),
        ("hdf5 +mpi target=zen4 tag:develop", [("target=zen4", 2)]),
        ("hdf5 ~mpi target=aarch64", [("target=aarch64", 1), ("~mpi", 1)]),
        ("hdf5 %gcc@99 target=zen4", []),
        ("hdf5@99", [("@99", 3)]),
        ("hdf5+nosuch", [("+nosuch", 3)]),
        ("hdf5~nosuch", [("~nosuch", 3)]),
        ("nosuch aarch64", [("nosuch", 1)]),
        ("nosuch@1.3.1", [("nosuch", 1)]),
        ("hdf5 -gcc -none", [("-gcc", 2), ("-none", 1)]),
        ("hdf5 (os:centos7 OR os:rhel8)", [("(os:centos7 OR os:rhel8)", 3)]),
        ("nosuch", []),
        ("", []),
    ],
)
def test_the_condition_to_drop(text, found):
    """Each condition without which there is something, what is given up first, first."""
    assert missing(text) == found


def test_the_package_is_given_up_last():
    """Where another condition helps, nobody is told to look for another package."""
    assert [text for text, _ in missing("zlib target=aarch64")] == ["target=aarch64"]


@given(st.integers(0, 40), st.integers(0, 10))
def test_bounds(terms, patience):
    """As often as time allows, and never for very many conditions."""
    asked = []

    def counting(node):
        asked.append(node)
        return 0, 0

    node = query.And(tuple(query.Term("os", f"os{n}") for n in range(terms)))
    nearest.misses(node, counting, lambda: len(asked) < patience)
    assert len(asked) <= min(patience, nearest.MOST_CONDITIONS)


@pytest.mark.parametrize(
    ("condition", "field", "values"),
    [
        ("%gcc@99", "compiler", ["gcc@=13.2.0", "gcc@=11.4.0"]),
        ("version:9", "version", ["1.14.5", "1.12.3"]),
        ("+mpi", "variant", ["+mpi", "~mpi"]),
        ("target=zen4", "target", ["x86_64_v3", "aarch64"]),
        ("stack:x", "stack", ["e4s", "root"]),
        ("tag:x", "tag", ["develop"]),
        ("word", None, []),
    ],
)
def test_what_is_there_instead(condition, field, values):
    """The values of the field, of compilers those of the name asked for first."""
    place = Placement("site", "develop", ("e4s", "root"))
    found = [(build, 1, [place]) for build in BUILDS[:3]]
    assert nearest.values_instead(query.parse(condition), field, found) == values


def test_what_may_be_misspelt():
    """Whole values that are wanted: no prefixes, versions, hashes, exclusions or short words."""
    node = query.parse("hdff5 tag:x1y -zlibb version:1.2 hash:abcdef py-* ab stack:e4z wrod~1")
    assert [term.value for term in nearest.suspects(node)] == ["hdff5", "x1y", "e4z"]


def test_of_bare_words_the_package_is_given_up_last():
    """The first of several; a word that names none is no more than another condition."""
    is_package = {"hdf5", "zlib", "nosuch"}.__contains__

    def blamed(text: str) -> list[str]:
        found = nearest.misses(query.parse(text), count, lambda: True, is_package=is_package)
        return [nearest.text_of(miss.condition) for miss in found]

    assert blamed("hdf5 99") == ["99"]
    assert blamed("zlib sequoia") == ["sequoia"]
    assert blamed("hdf5 zlib") == ["zlib"]
    assert blamed("nosuch sequoia") == ["nosuch"]


def test_versions_that_begin_alike_come_first():
    """Then the newest; of a range either end counts."""
    found = [(HDF5._replace(version=v), 1, ()) for v in ("1.8.23", "1.12.3", "1.14.5", "2.0")]
    for asked, values in {
        "@1.8.99": ["1.8.23", "1.14.5", "1.12.3"],
        "@3": ["2.0", "1.14.5", "1.12.3"],
        "@1.12.9:1.12.10": ["1.12.3", "1.14.5", "1.8.23"],
    }.items():
        assert nearest.values_instead(query.parse(asked), "version", found) == values
