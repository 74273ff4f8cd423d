"""The cached nodes of a graph in the order of their builds, and what a question found among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from heapq import nsmallest
from itertools import compress, filterfalse, islice
from typing import TYPE_CHECKING

from ..graph.arrays import COLUMNS
from ..graph.masks import few_of, flags_of, mask_of, planes_of, select

if TYPE_CHECKING:
    from ..graph.arrays import Graph
    from ..graph.masks import Mask
    from .dags import Found

__all__ = ["Counts", "Rows"]

FEW = 2_500
"""Nodes up to which they are put in order; of more the order is gone through."""
MOST_WALKED = 12_000
"""Nodes of the order that are gone through, until the ones in question are put in order all the same."""


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
        further, odd = bytearray(graph.size), bytearray(graph.size)
        shapes = list(zip(*(graph.columns[name] for name in COLUMNS), graph.builds, strict=True))
        for rank, build in enumerate(self._order):
            nodes = self.nodes_of[build]
            for node in nodes:
                self._ranks[node] = rank
            for node in nodes[1:]:
                self._firsts[node] = nodes[0]
                further[node] = 1
                odd[node] = shapes[node] != shapes[nodes[0]]
        self._nodes = [node for build in known for node in self.nodes_of[build]]
        self._further = mask_of(further)
        self._odd = mask_of(odd)
        """Those with something else in a column than the first of their build."""

    def called(self, name: str) -> Mask:
        """The nodes called so, but for capitals."""
        names = self.graph.tables.name
        numbers = [number for number, one in enumerate(names) if one.lower() == name]
        return select(self.graph.columns["name"], self._planes, numbers, len(names))

    @cached_property
    def _planes(self) -> tuple[bytes, ...]:
        return planes_of(self.graph.columns["name"])

    def ranks(self, nodes: Iterable[int]) -> set[int]:
        """The places in the order of the builds of some nodes."""
        return set(map(self._ranks.__getitem__, nodes))

    def late(self, ranks: Iterable[int]) -> set[int]:
        """The builds of some places that came late."""
        return {self._order[rank] for rank in ranks if rank >= self._known}

    def count(self, mask: Mask, flags: bytes, *, is_of_themselves: bool) -> int:
        """Of how many builds the nodes of a set are, those of `flags`.

        With `is_of_themselves` those that are alike in all columns are in the set, or none is.
        """
        further = mask & self._further
        whole = (mask ^ further).bit_count()
        if is_of_themselves:
            further &= self._odd
        if not further:
            return whole
        firsts = compress(self._firsts, flags_of(further, self.graph.size))
        return whole + len(set(filterfalse(flags.__getitem__, firsts)))

    def of_first(self, ranks: Collection[int], enough: int) -> list[int]:
        """The first `enough` builds of some places, but those that came late."""
        some = nsmallest(enough, ranks)
        return [self._order[rank] for rank in some if rank < self._known]

    def first(self, flags: bytes, enough: int) -> list[int]:
        """The first `enough` builds of the nodes with a flag, but those that came late."""
        found: dict[int, None] = {}
        builds = self.graph.builds
        for node in filter(flags.__getitem__, islice(self._nodes, MOST_WALKED)):
            found[builds[node]] = None
            if len(found) == enough:
                return list(found)
        return self.of_first(self.ranks(few_of(flags)), enough)


class Counts(Mapping[int, int]):
    """How many placed specs of each build match, as a graph found; worked out where somebody asks."""

    def __init__(self, found: Found, rows: Rows) -> None:
        self._found = found
        self.rows = rows
        few = found.few
        if few is not None:
            few = list(compress(few, map(rows.graph.placed.__getitem__, few)))
        self.specs = self._flags.count(1) if few is None else len(few)
        """Of all builds together."""
        self._ranks: set[int] | None = None
        if self.specs <= FEW:
            self._ranks = rows.ranks(few_of(self._flags) if few is None else few)
        self._few = None if few is None else set(few)

    @cached_property
    def _mask(self) -> Mask:
        return self._found.mask & self.rows.placed

    @cached_property
    def _flags(self) -> bytes:
        return flags_of(self._mask, self.rows.graph.size)

    def specs_of(self, build_id: int) -> set[int]:
        """The ids of the specs of a build that match."""
        ids, nodes = self.rows.graph.spec_ids, self.rows.nodes_of[build_id]
        is_met = self._flags.__getitem__ if self._few is None else self._few.__contains__
        return set(map(ids.__getitem__, filter(is_met, nodes)))

    def first(self, enough: int) -> list[int]:
        """The first `enough` builds, but those that came late."""
        if self._ranks is not None:
            return self.rows.of_first(self._ranks, enough)
        return self.rows.first(self._flags, enough)

    @cached_property
    def late(self) -> set[int]:
        """The builds that came late."""
        ranks = self._ranks
        return self.rows.late(self.rows.ranks(few_of(self._flags)) if ranks is None else ranks)

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
        is_of_themselves = self._found.is_of_themselves
        return self.rows.count(self._mask, self._flags, is_of_themselves=is_of_themselves)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return iter(self.all)

    def __getitem__(self, build_id: int) -> int:
        return self.all[build_id]
