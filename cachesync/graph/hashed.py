"""Which nodes have a hash that begins so, and which hash a node has: only the ledger tells. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import compress
from typing import NamedTuple

from .arrays import Graph

__all__ = ["Hashes", "beginning", "hashes_of"]

DIGITS = 32
"""What a digit of a hash may be."""
HASHES_FOR_ONE = 4
"""As many specs are found by their hashes as it costs to ask one for its hash."""


class Hashes(NamedTuple):
    """What the ledger is asked of hashes."""

    beginning: Callable[[str], Iterable[int]]
    """The ids of the specs whose hash begins so."""
    of: Callable[[Collection[int]], Mapping[int, str]]
    """The hashes of specs by id."""


def beginning(
    graph: Graph, hashes: Hashes, text: str, among: Collection[int] | None = None
) -> list[int]:
    """The nodes whose hash begins so, in order; those `among` a few, where they are given."""
    if among is not None and len(among) * HASHES_FOR_ONE * DIGITS ** len(text) < graph.size:
        known = hashes_of(graph, hashes, among)
        return [node for node in among if known[node].startswith(text)]
    nodes = {node for one, node in graph.tables.unknown.items() if one.startswith(text)}
    found = hashes.beginning(text)
    if among is None:
        return sorted(nodes | _nodes_of(graph, found))
    ids = dict(zip(map(graph.spec_ids.__getitem__, among), among, strict=True))
    return sorted(nodes.intersection(among).union([ids[one] for one in found if one in ids]))


def _nodes_of(graph: Graph, spec_ids: Iterable[int]) -> set[int]:
    """The nodes of those of some specs that have any."""
    known, found, others = graph.spec_ids, set(), set()
    for one in spec_ids:
        at = bisect_left(known, one)  # as good as always in order
        if at < graph.size and known[at] == one:
            found.add(at)
        else:
            others.add(one)
    if others:
        found.update(compress(range(graph.size), map(others.__contains__, known)))
    return found


def hashes_of(graph: Graph, hashes: Hashes, nodes: Collection[int]) -> dict[int, str]:
    """The hashes of some nodes."""
    unknown = {node: one for one, node in graph.tables.unknown.items()}
    ids = {node: graph.spec_ids[node] for node in nodes}
    known = hashes.of(set(ids.values()) - {0})
    return {node: known[spec_id] if spec_id else unknown[node] for node, spec_id in ids.items()}
