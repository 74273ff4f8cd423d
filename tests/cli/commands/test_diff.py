"""`diff`: what is in one tag and not in another."""

import pytest

from tests.support.commands import NEW, OLD, A, B, C, D, E
from tests.support.console import assert_error, on_terminal


def test_diff(site):
    """Builds and specs only in one and in both, and what is newer, as a program reads it."""
    document = site.run("diff", OLD, NEW, "--json").json
    assert document["schema"] == 1
    assert document["a"] == [{"source": "site", "tag": OLD}]
    assert document["builds"] == {"only_a": 2, "only_b": 1, "both": 1}
    assert document["specs"] == {"only_a": 2, "only_b": 2, "both": 1}
    assert {(b["package"], *b["only_a"]) for b in document["only_a"]} == {("hdf5", B), ("zlib", C)}
    assert [b["only_b"] for b in document["only_b"]] == [[E]]
    (changed,) = document["changed"]
    assert (changed["only_a"], changed["only_b"], changed["both"]) == ([], [D], [A])
    assert document["newer"] == [
        {"package": "hdf5", "platform": "linux", "os": "ubuntu24.04", "target": "aarch64",
         "a": "1.14.3", "b": "1.14.6"}
    ]  # fmt: skip
    assert document["older"] == []


def test_diff_the_other_way_round(site):
    """A and B change places, and newer becomes older."""
    there = site.run("diff", OLD, NEW, "--json").json
    back = site.run("diff", NEW, f"site/{OLD}", "--json").json
    assert (back["builds"]["only_a"], back["builds"]["only_b"]) == (1, 2)
    assert back["older"] == [{**s, "a": s["b"], "b": s["a"]} for s in there["newer"]]
    same = site.run("diff", OLD, OLD, "--json").json
    assert (same["only_a"], same["only_b"], same["changed"]) == ([], [], [])


def test_diff_of_what_matches(site):
    """A query narrows both sides."""
    document = site.run("diff", OLD, NEW, "target:aarch64", "hdf5", "--json").json
    assert (document["query"], document["specs"]) == (
        "target:aarch64 hdf5", {"only_a": 1, "only_b": 1, "both": 0},
    )  # fmt: skip
    spack = site.run("diff", OLD, NEW, "hdf5@1.14.6:", "--json").json
    assert spack["specs"] == {"only_a": 0, "only_b": 1, "both": 0}
    options = site.run("diff", OLD, NEW, "hdf5", "--target", "aarch64", "--json").json
    assert options == {**document, "query": "hdf5 target:aarch64"}
    excluded = site.run("diff", OLD, NEW, "-hdf5", "--json").json
    assert excluded["specs"] == {"only_a": 1, "only_b": 0, "both": 0}


def test_diff_for_people_and_pipes(site):
    """Tables with titles on a terminal; in a pipe one table whose first column says what it is."""
    shown = on_terminal(site, "diff", OLD, NEW)
    for part in (f"only in {OLD}: 2 builds", f"only in {NEW}: 1 build", "1.14.3 -> 1.14.6"):
        assert part in shown
    lines = [line.split("\t") for line in site.run("diff", OLD, NEW).out.splitlines()]
    assert [line[0] for line in lines] == [
        "CHANGE", "only_a", "only_a", "only_b", "changed", "newer",
    ]  # fmt: skip
    assert {len(line) for line in lines} == {8}


@pytest.mark.parametrize(
    ("arguments", "status", "says", "hint"),
    [
        ((OLD, "develp"), 1, "no tag develp", "did you mean develop?"),
        (("other/develop", NEW), 1, "no tag other/develop", "did you mean"),
        ((OLD, NEW, "hdf5 ^"), 2, "^ needs the name of a package", ""),
        ((OLD,), 2, "Missing argument", ""),
    ],
)
def test_what_cannot_be_compared(site, arguments, status, says, hint):
    """Tags that are not there are status 1, queries that are not understood 2."""
    result = site.run("diff", *arguments, status=status)
    assert_error(result, says)
    assert hint in result.err
