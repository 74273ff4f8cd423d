"""Builds of a package on a terminal: each once, with its hashes and tags (cli/display/brief.py)."""

import pytest

from cachesync.cli.display import brief
from cachesync.model import Placement
from cachesync.search.answers import MatchedSpec
from tests.support.console import on_terminal
from tests.support.world import World, hash_of, spec

DEVELOP = ("develop",)
ALL = ("develop", "develop-2025-03-09", "v1.0")


def matched(number: int, tags: tuple[str, ...]) -> MatchedSpec:
    return MatchedSpec(hash_of(number), tuple(Placement("site", tag, ("root",)) for tag in tags))


def beginnings(*numbers: int) -> str:
    return " ".join(f"/{hash_of(number)[:7]}" for number in numbers)


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ([(1, DEVELOP)], f"{beginnings(1)} develop"),
        ([(1, ALL), (2, ALL)], f"{beginnings(1, 2)} develop +2"),
        ([(1, ALL), (2, DEVELOP), (3, ALL)], f"{beginnings(1, 3)} develop +2, {beginnings(2)} develop"),
        ([(n, DEVELOP) for n in range(5)], f"{beginnings(0, 1, 2)} +2 develop"),
        ([(1, ALL), (2, DEVELOP), (3, ALL[1:]), (4, ALL[2:]), (5, ALL[2:])],
         f"{beginnings(1)} develop +2, {beginnings(2)} develop, {beginnings(3)} develop-2025-03-09 +1, +2"),
    ],
)  # fmt: skip
def test_hashes_stand_before_their_tags(specs, expected):
    """Those of the same tags together; the newest tag is named, the others are counted, as further hashes are."""
    told = brief.places([matched(*one) for one in specs], (), has_tags=True)
    assert told == expected


def test_tags_that_all_have_are_said_once_and_what_leaves_is_marked():
    """Then no hash has them behind it."""
    assert (
        brief.places([matched(1, ALL)], {hash_of(1)}, has_tags=False)
        == f"{beginnings(1)} (leaving)"
    )


def test_show_says_once_what_is_alike(tmp_path):
    """A line a build; `--long` has the whole hash, all variants of each, and the stacks; so has a pipe."""
    world = World(tmp_path)
    rows = [
        spec(name, versions=["1.0"], variants=["+shared", mpi, "build_system=cmake"])
        for name, mpi in (("a", "+mpi"), ("b", "~mpi"))
    ]
    world.page("develop", "hdf5", *rows)
    world.sync()
    shown = on_terminal(world, "show", "hdf5")
    assert shown.count("build_system=cmake") == 1
    assert "all in develop" in shown
    every = on_terminal(world, "show", "hdf5", "--long")
    for row in rows:
        assert row["hash"] not in shown
        assert f"/{row['hash'][:7]}" in shown
        assert row["hash"] in every
    assert every.count("build_system=cmake") == 2
    assert world.run("show", "hdf5").out.count("build_system=cmake") == 2
