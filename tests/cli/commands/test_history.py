"""`history`: when something was in which tag."""

import re

import pytest

from tests.support.commands import NEW, OLD, A, D
from tests.support.console import assert_error


def test_history_of_a_package(site):
    """A row for each version in each tag, from when to when, by which stacks."""
    document = site.run("history", "hdf5", "--json").json
    assert document["schema"] == 1
    periods = {(p["tag"], p["version"]): p for p in document["periods"]}
    assert periods.keys() == {
        (OLD, "1.14.5"), (OLD, "1.14.3"), ("develop", "1.14.5"), (NEW, "1.14.5"), (NEW, "1.14.6"),
    }  # fmt: skip
    assert periods[OLD, "1.14.5"]["appeared"]["baseline"] is True
    assert periods[NEW, "1.14.6"]["appeared"]["baseline"] is False
    rolling = periods["develop", "1.14.5"]
    assert (rolling["specs"], rolling["vanished"], rolling["stacks"]) == (1, None, ["e4s", "root"])
    gone = [stay for stay in document["stays"] if stay["vanished"] is not None]
    assert [(stay["hash"], stay["tag"]) for stay in gone] == [(D, "develop")]
    assert gone[0]["vanished"]["seq"] > gone[0]["appeared"]["seq"]


def test_history_of_a_spec(site):
    """Where one hash was, with what became of its stacks."""
    document = site.run("history", "/aaa", "--tag", "develop", "--json").json
    (stay,) = document["stays"]
    assert (stay["stacks"], stay["vanished"]) == (["e4s", "root"], None)
    (restacked,) = stay["restacked"]
    assert (restacked["before"], restacked["stacks"]) == (["root"], ["e4s", "root"])
    text_ = site.run("history", f"/{A}").out
    assert "stacks in develop: +e4s" in text_
    assert "first sync, 20" in text_
    assert re.search(
        r"^develop\t1.14.5\t\S+\t\S+Z\t1", site.run("history", f"/{D}").out, re.MULTILINE
    ) or (
        re.search(
            r"^develop\t1.14.5\tfirst sync, \S+\t\S+Z\t1",
            site.run("history", f"/{D}").out,
            re.MULTILINE,
        )
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("hdf6",), "hdf6 is in no source"),
        (("hdf5", "--tag", "v9"), "nothing is known of hdf5 in v9"),
        (("/xyz9",), "is not a hash"),
        (("/zzz",), "no spec has a hash that begins with zzz"),
    ],
)
def test_history_of_nothing(site, arguments, says):
    """What was never there is status 1, what is no hash 2; with a hint."""
    result = site.run("history", *arguments, status=2 if "not a hash" in says else 1)
    assert_error(result, says)
    assert "hint: " in result.err
