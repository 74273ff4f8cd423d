"""The known answers: every number of TRUTH.json, through the command line, on the real page sets."""

import hashlib
import json
import random
from pathlib import Path

import pytest

from tests.support.trees import copy_tree, replace_tree
from tests.support.world import SHARED, World

pytestmark = pytest.mark.skipif(
    not (SHARED / "TRUTH.json").exists(),
    reason=f"the page sets and their known answers are not beside the repository ({SHARED})",
)

SHA = "sha256 of sorted hashes joined by newline"


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((SHARED / "TRUTH.json").read_text())


def reorder(path: Path, order: random.Random) -> None:
    """Write the page at `path` anew: the same facts, with specs, stacks, variants and keys shuffled."""
    lines = []
    for line in path.read_text().split("\n"):
        key, _, value = line.partition(": ")
        if key in ("meta", "spec_details"):
            lines.append(f"{key}: {json.dumps(_shuffled(json.loads(value), order))}")
        else:
            lines.append(line)
    path.write_text("\n".join(lines))


def _shuffled(value, order: random.Random):
    if isinstance(value, dict):
        return {key: _shuffled(value[key], order) for key in order.sample(list(value), len(value))}
    if isinstance(value, list):
        return [_shuffled(item, order) for item in order.sample(value, len(value))]
    return value


@pytest.fixture(scope="module")
def synced(tmp_path_factory) -> World:
    """`cache`, copied and synced once."""
    world = World(tmp_path_factory.mktemp("truth"))
    world.pages.rmdir()
    copy_tree(SHARED / "cache", world.pages)
    world.sync()
    return world


def assert_counts(world: World, expected: dict) -> None:
    counted = world.status()["ledger"]
    assert {key: counted[key] for key in ("pages", "placements", "specs")} == {
        key: expected[key] for key in ("pages", "placements", "specs")
    }


@pytest.mark.slow
def test_first_set(synced, truth):
    """After the first set is synced, `status` counts what is known to be in it, and `verify` agrees."""
    assert_counts(synced, truth["cache"])
    tags = synced.run("search", "--json", "--facets", "--limit", "1").json["facets"]["tag"]
    assert sorted(tags) == truth["cache"]["tags"]
    status = synced.status()
    assert status["rejected"] == []
    assert [page["page"] for page in status["skipped"]] == ["adlbx/specs.md"]
    assert "2022" in status["skipped"][0]["reason"]
    synced.verify()


@pytest.mark.slow
def test_queries(synced, truth):
    """Every known query finds exactly the known hashes, through the index and through the ledger."""
    for number, (query, expected) in enumerate(truth["queries on cache"].items()):
        results = synced.search(query)
        hashes = sorted(s["hash"] for build in results["results"] for s in build["specs"])
        assert len(hashes) == len(set(hashes)) == results["specs"] == expected["specs"], query
        assert hashlib.sha256("\n".join(hashes).encode()).hexdigest() == expected[SHA], query
        if number == 0:  # several arguments are one query
            assert synced.found(*query.split()) == hashes


@pytest.mark.slow
def test_first_import_is_a_baseline_of_firsts(synced, truth):
    """The first pass caches every placement once, every hash first once, all as baseline."""
    cached = synced.changes("--kind", "spec.cached")
    assert len(cached) == truth["cache"]["placements"]
    assert sum(change["first"] for change in cached) == truth["cache"]["specs"]
    assert all(change["baseline"] for change in cached)


@pytest.mark.slow
def test_then_the_next_set(synced, truth):
    """Order alone changes nothing; the next set in place changes exactly what is known to differ."""
    seq = synced.seq()
    order = random.Random(1)
    for path in order.sample(sorted(synced.pages.glob("*/*/specs.md")), 800):
        reorder(path, order)
    again = synced.sync()
    assert again["changes"] == {}
    assert again["seq"] == seq

    replace_tree(SHARED / "cache-next", synced.pages)
    passed = synced.sync()
    expected = truth["cache-next"]["changes from cache"]
    changes = synced.changes("--since", seq)
    counts: dict[str, int] = {}
    for change in changes:
        counts[change["kind"]] = counts.get(change["kind"], 0) + 1
    assert passed["changes"] == counts
    counts["spec.cached first"] = sum(change.get("first", False) for change in changes)
    counts["spec.evicted last"] = sum(change.get("last", False) for change in changes)
    refined = counts.pop("spec.refined", 0)  # not counted in TRUTH.json
    assert counts == expected, refined
    assert not any(change.get("baseline") for change in changes)
    assert_counts(synced, truth["cache-next"])
    synced.verify()

    assert synced.found("stack:developer-tools", "tag:develop-2024-10-13") == []
    last = synced.seq()
    idle = synced.sync()
    assert (idle["changes"], idle["seq"]) == ({}, last)
    assert synced.changes("--since", last) == []
    synced.verify()


def test_seed_page(world):
    """The seed page alone: `filelock aarch64` is 2 builds and 7 specs, 4 of gcc and 3 of apple-clang."""
    world.write("develop-2025-03-09/py-filelock", (SHARED / "seed" / "py-filelock.md").read_bytes())
    assert world.sync()["changes"] == {"page.added": 1, "spec.cached": 18}
    answer = world.search("filelock", "aarch64")
    assert (answer["builds"], answer["specs"]) == (2, 7)
    found = {(r["compiler"].partition("@")[0], r["os"], len(r["specs"])) for r in answer["results"]}
    assert found == {("gcc", "ubuntu24.04", 4), ("apple-clang", "sequoia", 3)}
    assert world.status()["ledger"]["builds"] == 6
    one = next(s for r in answer["results"] for s in r["specs"] if s["hash"].startswith("bxjpbzp"))
    assert one["placements"] == [
        {
            "source": str(world.pages),
            "tag": "develop-2025-03-09",
            "stacks": ["ml-linux-aarch64-cpu", "ml-linux-aarch64-cuda", "root"],
        }
    ]
    world.verify()
