"""What every way of answering has to say: by plain loops, and by an index that is made anew."""

import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cachesync import query
from cachesync.index.reader import SearchIndex
from cachesync.ledger import connect, read
from cachesync.reports import verify
from cachesync.search.facets import FACETS
from cachesync.search.searcher import Searcher
from tests.support.mirrorsite import sync_indexes
from tests.support.statedsource import Stated
from tests.support.universe import Found, brute_force
from tests.support.world import World

__all__ = [
    "both_states",
    "check_answers",
    "check_field",
    "check_index",
    "hashes_found",
    "naive_facets",
]

ELSEWHERE = ("virtual", "namespace", "mirror", "signed")
"""The facets that a graph or the mirrors are asked for, which are compared elsewhere."""


def naive_facets(found: Found) -> dict[str, dict[str, dict[str, int]]]:
    """The facets of what was found, counted value by value.

    Without those that builds and placements do not name: they have laws of their own
    (`tests/search/test_virtuals.py`, `test_namespaces.py`, `test_mirror_fields.py`).
    """
    counts: dict[str, dict[str, dict[str, int]]] = {n: {} for n in FACETS if n not in ELSEWHERE}
    for build, specs in found.items():
        values = [
            {(n, getattr(build, n)) for n in ("target", "os", "compiler", "version", "package")}
            | {("compiler", compiler) for _, compiler in build.compilers}
            | {("tag", place.tag) for place in places}
            | {("stack", stack) for place in places for stack in place.stacks}
            for places in specs.values()
        ]
        for name, value in set().union(*values):
            count = counts[name].setdefault(value, {"specs": 0, "builds": 0})
            count["specs"] += sum((name, value) in of_spec for of_spec in values)
            count["builds"] += 1
    return counts


def check_answers(state: Path, db, nodes: list[query.Node]) -> None:
    """`Searcher.search` says what brute force says, and counts what it says."""
    searcher = Searcher(state)
    try:
        for node in nodes:
            expected = brute_force(db, node)
            answer = searcher.search(node)
            found = {hit.build: {s.hash: s.placements for s in hit.specs} for hit in answer.hits}
            assert found == expected
            assert (answer.builds, answer.specs) == (
                len(expected), sum(len(specs) for specs in expected.values())
            )  # fmt: skip
            facets = dict(searcher.search(node, limit=1, facets=True).facets)
            for name in ELSEWHERE:
                facets.pop(name)
            assert facets == naive_facets(expected)
            few = searcher.search(node, limit=1)
            assert (few.builds, few.specs) == (answer.builds, answer.specs)
            assert few.hits == answer.hits[:1]
    finally:
        searcher.close()


def both_states(document: Mapping[str, Any], root: Path) -> tuple[Path, Path]:
    """State directories that a cache index was synced into: with a search index, and without."""
    world, bare = World(root), World(root / "bare")
    data = json.dumps(document, separators=(",", ":")).encode()
    sync_indexes(world, {Stated("https://m.example", None, "v1", "root"): data})
    shutil.copytree(world.state, bare.state)
    shutil.rmtree(bare.state / connect.INDEX_DIRECTORY)
    return world.state, bare.state


def hashes_found(searcher: Searcher, text: str) -> frozenset[str]:
    """The specs that a query finds."""
    answer = searcher.search(query.parse(text))
    return frozenset(spec.hash for hit in answer.hits for spec in hit.specs)


def check_field(state: Path, field: str, wanted: Mapping[str, Collection[str]]) -> None:
    """What a field finds by whole values, and does not find excluded; its facet counts the same."""
    searcher = Searcher(state)
    everything = hashes_found(searcher, "")
    for value, found in wanted.items():
        assert hashes_found(searcher, f"{field}:{value}") == found
        assert hashes_found(searcher, f"-{field}:{value}") == everything - frozenset(found)
    facet = searcher.search(query.Everything, facets=True).facets[field]
    assert {value: counted["specs"] for value, counted in facet.items()} == {
        value: len(found) for value, found in wanted.items() if found
    }
    searcher.close()


def check_index(state: Path, db) -> None:
    """The index holds what the ledger says, posting for posting, as a fresh one would."""
    opened = SearchIndex(
        state / connect.INDEX_DIRECTORY,
        ledger=read.identity(db),
        mark=lambda seq: read.mark(db, seq),
    )
    try:
        assert opened.seq == read.last_seq(db)
        assert list(verify.check_index(db, opened)) == []
    finally:
        opened.close()
