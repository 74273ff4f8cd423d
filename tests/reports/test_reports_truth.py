"""diff, history and check against the raw pages of real tags, by loops that know nothing of cachesync."""

import json
import random
from pathlib import Path

import pytest

from tests.support.locks import entry, lock, text
from tests.support.trees import copy_tree, replace_tree
from tests.support.world import SHARED, World, hash_of

pytestmark = pytest.mark.skipif(
    not (SHARED / "cache-next").exists(),
    reason=f"the page sets are not beside the repository ({SHARED})",
)


def specs(root: Path, tag: str) -> dict[str, dict]:
    """Hash -> row (with its package) of every page of a tag, from the JSON line alone."""
    found = {}
    for path in (root / tag).glob("*/specs.md"):
        lines = path.read_text().splitlines()
        (rows,) = (line.partition(": ")[2] for line in lines if line.startswith("spec_details: "))
        (title,) = (
            line.partition(": ")[2].strip('"') for line in lines if line.startswith("title: ")
        )
        for row in json.loads(rows):
            found[row["hash"]] = {**row, "package": title}
    return found


def identity(row: dict) -> tuple:
    """What specs that differ only by hash have in common."""
    keys = ("package", "compiler", "os", "platform", "target")
    return *(row[key] for key in keys), row["versions"][0], tuple(sorted(row["variants"]))


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    """The first page set, synced."""
    world = World(tmp_path_factory.mktemp("truth"))
    world.pages.rmdir()
    copy_tree(SHARED / "cache", world.pages)
    world.sync()
    return world


@pytest.mark.parametrize(
    ("a", "b"),
    [("develop-2024-10-06", "develop-2024-10-13"), ("v0.23.0", "develop-2025-03-09"),
     ("develop", "develop")],
)  # fmt: skip
def test_diff_of_real_tags(world, a, b):
    """Specs and builds only in one and in both are those of plain sets; the mirror image mirrors."""
    here, there = specs(world.pages, a), specs(world.pages, b)
    document = world.run("diff", a, b, "--json").json
    assert document["specs"] == {
        "only_a": len(here.keys() - there.keys()),
        "only_b": len(there.keys() - here.keys()),
        "both": len(here.keys() & there.keys()),
    }
    builds = [{identity(row) for row in side.values()} for side in (here, there)]
    assert document["builds"] == {
        "only_a": len(builds[0] - builds[1]),
        "only_b": len(builds[1] - builds[0]),
        "both": len(builds[0] & builds[1]),
    }
    listed = {h for part in ("only_a", "changed") for one in document[part] for h in one["only_a"]}
    assert listed == here.keys() - there.keys()
    narrowed = world.run("diff", a, b, "target:aarch64", "--json").json["specs"]
    arm = [{h for h, row in side.items() if row["target"] == "aarch64"} for side in (here, there)]
    assert (narrowed["only_a"], narrowed["both"]) == (len(arm[0] - arm[1]), len(arm[0] & arm[1]))


@pytest.mark.parametrize("seed", range(3))
def test_check_of_real_hashes(world, seed):
    """A lock over some of a tag's specs and some that are nowhere: coverage is what sets say."""
    choice = random.Random(seed)
    cached = specs(world.pages, "develop-2024-10-13")
    chosen = choice.sample(sorted(cached), 200) + [hash_of(n) for n in range(60)]
    choice.shuffle(chosen)
    entries = [
        entry(h, "x", link=chosen[n + 1 : n + 1 + choice.randrange(4)], target="x86_64_v3")
        for n, h in enumerate(chosen)
    ]
    path = world.root / f"spack-{seed}.lock"
    path.write_bytes(text(lock(chosen[:5], *entries)))
    other = specs(world.pages, "develop-2024-10-06")
    for tag, there in (("develop-2024-10-13", cached), ("develop-2024-10-06", other)):
        document = world.run("check", path, "--tag", tag, "--json", status=1).json
        expected = len(set(chosen) & there.keys())
        assert (document["total"]["cached"], document["total"]["missing"]) == (
            expected, 260 - expected,
        )  # fmt: skip
        depends = {e["hash"]: [d["hash"] for d in e.get("dependencies", ())] for e in entries}
        for root in document["roots"]:
            reached, waiting = set(), [root["hash"]]
            while waiting:
                if (one := waiting.pop()) not in reached:
                    reached.add(one)
                    waiting += depends[one]
            assert root["total"] == len(reached)
            assert root["cached"] == len(reached & there.keys())


def test_history_across_two_page_sets(world):
    """After the second page set: what appeared and vanished is the difference of the pages."""
    before = {
        t.name: specs(world.pages, t.name) for t in world.pages.iterdir() if t.name != "adlbx"
    }
    replace_tree(SHARED / "cache-next", world.pages)
    world.sync("--allow-mass-removal")
    after = {t.name: specs(world.pages, t.name) for t in world.pages.iterdir() if t.name != "adlbx"}
    every = {row["package"] for tag in (*before.values(), *after.values()) for row in tag.values()}
    for package in random.Random(1).sample(sorted(every), 12):
        stays = world.run("history", package, "--json").json["stays"]
        lasting = {(s["tag"], s["hash"]) for s in stays if s["vanished"] is None}
        gone = {(s["tag"], s["hash"]) for s in stays if s["vanished"] is not None}
        new = {(s["tag"], s["hash"]) for s in stays if not s["appeared"]["baseline"]}

        def placed(tags, package=package):
            return {
                (t, h)
                for t, rows in tags.items()
                for h, r in rows.items()
                if r["package"] == package
            }

        assert lasting == placed(after)
        assert gone == placed(before) - placed(after)
        assert new == placed(after) - placed(before)
        stacks = {(s["tag"], s["hash"]): s["stacks"] for s in stays if s["vanished"] is None}
        assert all(sorted(set(after[t][h]["stacks"])) == found for (t, h), found in stacks.items())
