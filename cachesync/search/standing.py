"""What a process that goes on keeps of a ledger, to answer by the graph alone: the order of builds, what it showed.

Builds that changed since the order was made are put in anew each time, so it is as good as new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import compress
from typing import TYPE_CHECKING

from ..ledger import connect, read
from ..model import Build, Placement
from .answers import Hit, MatchedSpec
from .rows import Counts, Rows

if TYPE_CHECKING:
    from ..graph.arrays import Graph
    from .dags import Found

__all__ = ["Standing"]

MOST_LATE = 1_000
"""Builds changed since the order was made beyond which it is made anew."""
MOST_SHOWN = 4_000
"""Builds of which is kept what was shown."""
Order = Callable[[Collection[int], int], list[int]]
"""Builds of equal score in their order, at least the first so many (0: all); see `ranking.tied`."""


class Standing:
    """Of one ledger; `at` says of which moment, the caller reads in a snapshot."""

    def __init__(self, db: connect.Connection, order: Order) -> None:
        self._db = db
        self._tied = order
        self._order: list[int] = []
        self._made_at = -1
        self._seq = -1
        self._late: set[int] = set()
        self._shown: dict[int, tuple[Build, tuple[int, ...], tuple[MatchedSpec, ...]]] = {}
        self._places: dict[tuple[int, int], Placement] = {}
        self._names: read.Names | None = None
        self._rows: Rows | None = None

    def at(self, seq: int, graph: Graph) -> Rows:
        """The nodes of a graph in the order of their builds, at a moment."""
        if seq != self._seq:
            self._shown.clear()
            self._places.clear()
            self._names = None
            late = read.touched_since(self._db, self._made_at) if self._order else set()
            if not self._order or len(late) > MOST_LATE or seq < self._made_at:
                self._order = self._tied(read.all_build_ids(self._db), 0)
                self._made_at, late = seq, set()
                self._rows = None
            self._late, self._seq = late, seq
        if self._rows is None or self._rows.graph is not graph:
            self._rows = Rows(graph, self._order, self._late)
        return self._rows

    def counts(self, found: Found, seq: int) -> Counts:
        """The builds of what was found."""
        return Counts(found, self.at(seq, found.graph))

    def first(self, counts: Counts, enough: int) -> list[int]:
        """At least the first `enough` of the builds that match."""
        found = counts.first(enough)
        late = counts.late if self._late else ()
        return self._tied({*found, *late}, enough) if late else found

    def hits(self, counts: Counts, chosen: list[tuple[int, float]]) -> tuple[Hit, ...]:
        """What is shown of builds that match."""
        self._show([build_id for build_id, _ in chosen])
        found = []
        for build_id, score in chosen:
            build, spec_ids, specs = self._shown[build_id]
            is_met = counts.specs_of(build_id).__contains__
            found.append(Hit(build, score, tuple(compress(specs, map(is_met, spec_ids)))))
        return tuple(found)

    def _show(self, build_ids: Collection[int]) -> None:
        if len(self._shown) > MOST_SHOWN:
            self._shown.clear()
        new = [build_id for build_id in build_ids if build_id not in self._shown]
        if not new:
            return
        names = self._names = self._names or read.Names(self._db)
        places: dict[int, dict[tuple[str, int], list[Placement]]] = {one: {} for one in new}
        for build_id, spec_hash, tag_id, stacks_id, spec_id in read.placements_of(self._db, new):
            place = self._places.get((tag_id, stacks_id))
            if place is None:
                place = Placement(*names.tags[tag_id], names.stacks[stacks_id])
                self._places[tag_id, stacks_id] = place
            places[build_id].setdefault((spec_hash, spec_id), []).append(place)
        for build_id, build in read.builds(self._db, new).items():
            placed_of = places[build_id]
            keys = sorted(placed_of)
            specs = [MatchedSpec(key[0], tuple(sorted(placed_of[key]))) for key in keys]
            self._shown[build_id] = build, tuple([spec_id for _, spec_id in keys]), tuple(specs)
