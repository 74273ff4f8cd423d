"""The cached nodes of a graph in the order of their builds, and what a question found among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from heapq import nsmallest
from itertools import compress, filterfalse
from typing import TYPE_CHECKING

from ..graph.masks import few_of, flags_of, mask_of, planes_of, select

if TYPE_CHECKING:
    from ..graph.arrays import Graph
    from ..graph.masks import Mask
    from .dags import Found

__all__ = ["Counts", "Rows"]

FEW = 2_500
"""Nodes up to which they are put in order; of more the order is gone through."""


class Rows:
    """The cached nodes of a graph in the order of their builds, those that came late at last."""

    def __init__(self, graph: Graph, order: Iterable[int], late: Collection[int]) -> None:
        self.graph = graph
        self.placed = mask_of(graph.placed)
        self.nodes_of: dict[int, list[int]] = {}
        builds = graph.builds
        for node in compress(range(graph.size), graph.placed):
            self.nodes_of.setdefault(builds[node], []).append(node)
        known = [build for build in order if build in self.nodes_of and build not in late]
        self._known = len(known)
        self._order = [*known, *(self.nodes_of.keys() - set(known))]
        self._ranks = [0] * graph.size
        self._firsts = list(range(graph.size))
        further = bytearray(graph.size)
        for rank, build in enumerate(self._order):
            nodes = self.nodes_of[build]
            for node in nodes:
                self._ranks[node] = rank
            for node in nodes[1:]:
                self._firsts[node] = nodes[0]
                further[node] = 1
        self._nodes = [node for build in known for node in self.nodes_of[build]]
        self._further = mask_of(further)

    def called(self, name: str) -> Mask:
        """The nodes called so, but for capitals."""
        names = self.graph.tables.name
        numbers = [number for number, one in enumerate(names) if one.lower() == name]
        return select(self.graph.columns["name"], self._planes, numbers, len(names))

    @cached_property
    def _planes(self) -> tuple[bytes, ...]:
        return planes_of(self.graph.columns["name"])

    def ranks(self, flags: bytes) -> set[int]:
        """The places in the order of the builds of the nodes with a flag, which are few."""
        return set(map(self._ranks.__getitem__, few_of(flags)))

    def late(self, ranks: Iterable[int]) -> set[int]:
        """The builds of some places that came late."""
        return {self._order[rank] for rank in ranks if rank >= self._known}

    def count(self, mask: Mask, specs: int, flags: bytes) -> int:
        """Of how many builds the nodes of a set are, those of `specs` and `flags`."""
        further = flags_of(mask & self._further, self.graph.size)
        firsts = compress(self._firsts, further)
        more = set(filterfalse(flags.__getitem__, firsts))
        return specs - further.count(1) + len(more)

    def first(self, flags: bytes, ranks: Collection[int] | None, enough: int) -> list[int]:
        """The first `enough` builds of the nodes with a flag, or of some places, but those that came late."""
        if ranks is not None:
            some = nsmallest(enough, ranks)
            return [self._order[rank] for rank in some if rank < self._known]
        found: dict[int, None] = {}
        builds = self.graph.builds
        for node in filter(flags.__getitem__, self._nodes):
            found[builds[node]] = None
            if len(found) == enough:
                break
        return list(found)


class Counts(Mapping[int, int]):
    """How many placed specs of each build match, as a graph found; worked out where somebody asks."""

    def __init__(self, found: Found, rows: Rows) -> None:
        self._found = found
        self.rows = rows
        self._mask = found.mask & rows.placed
        self._flags = flags_of(self._mask, rows.graph.size)
        self.specs = self._flags.count(1)
        """Of all builds together."""
        self._ranks = rows.ranks(self._flags) if self.specs <= FEW else None

    def specs_of(self, build_id: int) -> set[int]:
        """The ids of the specs of a build that match."""
        ids, flags = self.rows.graph.spec_ids, self._flags
        return {ids[node] for node in self.rows.nodes_of[build_id] if flags[node]}

    def first(self, enough: int) -> list[int]:
        """The first `enough` builds, but those that came late."""
        return self.rows.first(self._flags, self._ranks, enough)

    @cached_property
    def late(self) -> set[int]:
        """The builds that came late."""
        ranks = self._ranks
        return self.rows.late(self.rows.ranks(self._flags) if ranks is None else ranks)

    def are_called(self, name: str) -> bool | None:
        """Whether all are called so, but for capitals, or none; None where some are."""
        called = self._mask & self.rows.called(name)
        return False if not called else True if called == self._mask else None

    @cached_property
    def all(self) -> dict[int, int]:
        """Each build that matches."""
        return self._found.met()

    @cached_property
    def _size(self) -> int:
        if self._ranks is not None:
            return len(self._ranks)
        return self.rows.count(self._mask, self.specs, self._flags)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return iter(self.all)

    def __getitem__(self, build_id: int) -> int:
        return self.all[build_id]
