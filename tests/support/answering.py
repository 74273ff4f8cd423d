"""What every way of answering has to say: by plain loops, and by an index that is made anew."""

from pathlib import Path

from cachesync import query
from cachesync.index.reader import SearchIndex
from cachesync.ledger import connect, read
from cachesync.reports import verify
from cachesync.search.facets import FACETS
from cachesync.search.searcher import Searcher
from tests.support.universe import Found, brute_force

__all__ = ["check_answers", "check_index", "hashes_found", "naive_facets"]

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


def hashes_found(searcher: Searcher, text: str) -> frozenset[str]:
    """The specs that a query finds."""
    answer = searcher.search(query.parse(text))
    return frozenset(spec.hash for hit in answer.hits for spec in hit.specs)


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
