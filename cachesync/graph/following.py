"""The graph made of the ledger, or brought up to it from one that is behind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..ledger import connect, graphrows
from ..model import Build
from ..spack import targets
from .arrays import Graph
from .file import Stored
from .making import NOTHING, News, extended

__all__ = ["brought_up", "made"]

WORTH_ADDING = 0.2
"""Up to this part of the nodes are added to the others; with more all are read anew."""
FEW_NODES = 1000
"""So many are always added."""


def made(db: connect.Connection) -> Graph:
    """The graph of everything that the ledger has."""
    return extended(NOTHING, _news(db, None), targets.known_ancestors)


def brought_up(db: connect.Connection, stored: Stored) -> Graph | None:
    """The graph with all that changed since; None where it has to be made anew."""
    changed = graphrows.since(db, stored.seq)
    graph = stored.graph
    known = changed.described | changed.refined
    if not known.isdisjoint(graph.spec_ids):
        return None
    if len(changed.described) > max(FEW_NODES, WORTH_ADDING * graph.size):
        return None
    unknown = graph.tables.unknown
    if unknown and graphrows.of_hashes(db, unknown):
        return None
    now = graphrows.placed(db, changed.placed | changed.described)
    news = _news(db, changed.described)
    return extended(
        graph, news._replace(placed=now, gone=changed.placed - now), targets.known_ancestors
    )


def _news(db: connect.Connection, spec_ids: set[int] | None) -> News:
    """What the ledger has of some specs, or of all; and that none is gone."""
    nodes = graphrows.nodes(db, spec_ids)
    return News(
        nodes,
        graphrows.builds_of(db, {build_id for _, build_id, _, _ in nodes}),
        graphrows.details_of(db, {details_id for _, _, details_id, _ in nodes}),
        graphrows.kinds(db),
        graphrows.placed(db) if spec_ids is None else set(),
        set(),
        partial(_builds, db),
        partial(graphrows.of_hashes, db),
    )


def _builds(db: connect.Connection, spec_ids: set[int]) -> Mapping[int, tuple[Build, bool]]:
    build_ids = graphrows.build_ids(db, spec_ids)
    builds = graphrows.builds_of(db, set(build_ids.values()))
    placed = graphrows.placed(db, spec_ids)
    return {
        spec_id: (builds[build_id], spec_id in placed) for spec_id, build_id in build_ids.items()
    }
