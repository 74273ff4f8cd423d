"""Much of everything in one tree: bounded in memory and time."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hostile import GOOD, PLACES, Site, sync_hostile
from tests.support.rig import (
    spec,
)


def put_large(path: Path, rows: int, make: Callable[[int], str], *, head: str, tail: str) -> None:
    with open(path, "w") as file:
        file.write(head)
        file.writelines(make(number) for number in range(rows))
        file.write(tail)


HEAD = '---\ntitle: "victim"\nlayout: cache\ncategories: [package, develop]\nspec_details: ['

TAIL = json.dumps(spec("last")) + "]\n---"


def assert_bounded(site: Site, specs: int, *, seconds: float) -> None:
    """The page is taken as a whole or rejected with a reason, in bounded time and memory."""
    rejected = sync_hostile(site, seconds=seconds)
    if rejected:
        assert list(rejected) == [PLACES[1]]
        assert site.state.hashes("package:victim") == GOOD
    else:
        done = site.state.run("search", "--limit", "1", "--json", "package:victim")
        assert done.status == 0, done
        assert done.json["specs"] == specs
        assert done.seconds < 10


def put_many(site: Site, count: int, fields: Callable[[int], dict[str, list[str]]]) -> None:
    """A page of so many specs, the last of which is the one that was there; `fields` by number."""
    put_large(
        site.tree.path("develop", "victim"), count,
        lambda n: json.dumps(spec("much", n, **fields(n))) + ", ",
        head=HEAD, tail=TAIL,
    )  # fmt: skip


def test_a_hundred_thousand_specs_in_one_page(site):
    """A page far larger than any real one is read in bounded time and memory."""
    put_many(site, 100_000, lambda n: {"versions": [f"1.{n % 500}"]})
    assert_bounded(site, 100_001, seconds=40)
    assert site.state.rejected() == {}


MANY = [20_000, pytest.param(100_000, marks=pytest.mark.soak)]


@pytest.mark.parametrize("many", MANY)
def test_many_different_builds_in_one_page(site, many):
    """The same where no two specs have a build in common."""
    put_many(site, many, lambda n: {"variants": [f"x={n}"]})
    assert_bounded(site, many + 1, seconds=60 * many / 100_000 + 5)


@pytest.mark.parametrize("many", MANY)
def test_many_stacks_over_many_specs(site, many):
    """Every spec is in a stack of its own."""
    put_many(site, many, lambda n: {"stacks": [f"stack-{n}"]})
    assert_bounded(site, many + 1, seconds=60 * many / 100_000 + 5)


def test_a_hundred_thousand_stacks_of_one_spec(site):
    """One spec is in more stacks than there are."""
    stacks = [f"stack-{n}" for n in range(100_000)]
    site.tree.write("develop", "victim", [spec("victim", 0), spec("victim", 1, stacks=stacks)])
    assert_bounded(site, 2, seconds=30)


def test_a_hundred_thousand_variants_of_one_spec(site):
    """One spec has more variants than there are."""
    variants = [f"v{n}=x" for n in range(100_000)]
    site.tree.write("develop", "victim", [spec("victim", 0, variants=variants)])
    assert_bounded(site, 1, seconds=30)


def test_many_specs_with_many_stacks_of_their_own(site):
    """Stack lists that are each as long as they may be, and of which no two are equal."""
    put_many(site, 2_000, lambda n: {"stacks": [f"s{n}-{m}" for m in range(1500)]})
    assert_bounded(site, 2_001, seconds=60)


def block_row(number: int) -> str:
    row = spec("much", number, versions=[f"1.{number % 500}"])
    return (
        f"- compiler: {row['compiler']}\n  hash: {row['hash']}\n  os: {row['os']}\n"
        f"  platform: linux\n  stacks:\n  - e4s\n  - root\n  target: aarch64\n  variants:\n"
        f"  - +mpi\n  versions:\n  - '{row['versions'][0]}'\n"
    )


BLOCK_HEAD = "---\ntitle: victim\ncategories: [package, develop]\nspec_details:\n"


@pytest.mark.parametrize(
    "mib", [pytest.param(3, id="3 MiB"), pytest.param(31.9, id="32 MiB", marks=pytest.mark.soak)]
)
def test_a_large_page_in_block_yaml(site, mib):
    """A page just below the limit in the slowest form there is: bounded time and memory."""
    rows = int(mib * 2**20 / len(block_row(499)))
    put_large(site.tree.path("develop", "victim"), rows, block_row, head=BLOCK_HEAD, tail="---\n")
    assert_bounded(site, rows, seconds=60)


FILLINGS = {
    "empty lists": ("[", "[],", "]"),
    "nulls": ("[", "~,", "]"),
    "lines": ("[", "x,\n", "]"),
    "one long text": ('"', "abcdefgh", '"'),
    "comments": ("[] #", "#\n#", ""),
    "empty rows": ("[", "{},", "{}]"),
    "keys": ("{", "? ,", "}"),
    "anchors": ("[", "&a x,", "]"),
}


@pytest.mark.soak
@pytest.mark.parametrize("name", FILLINGS)
def test_a_page_full_of_nothing(site, name):
    """32 MiB of the smallest values there are: bounded time and memory."""
    before, filling, after = FILLINGS[name]
    head = f"---\ntitle: victim\ncategories: [package, develop]\nspec_details: {before}"
    rows = (2**25 - 1000) // len(filling)
    put_large(
        site.tree.path("develop", "victim"), rows, lambda _: filling, head=head, tail=f"{after}\n---\n"
    )  # fmt: skip
    rejected = sync_hostile(site, seconds=60)
    assert site.state.hashes("package:victim") == GOOD or not rejected
