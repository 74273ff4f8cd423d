"""What is shown of builds that match: they, and those of their specs and placements that do, asked of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..ledger import connect, read
from ..model import Placement
from . import scan
from .answers import Hit, MatchedSpec

if TYPE_CHECKING:
    from .. import query

__all__ = ["hits"]


def hits(
    db: connect.Connection, node: query.Node, chosen: Sequence[tuple[int, float]]
) -> tuple[Hit, ...]:
    """The hits of some builds that match, with their scores, in their order; the caller reads in a snapshot."""
    described = read.builds(db, [build_id for build_id, _ in chosen])
    names = read.Names(db)
    placed: dict[int, dict[str, list[Placement]]] = {}
    for group in scan.matching_groups(db, node, described, names):
        place = Placement(*names.tags[group.tag_id], names.stacks[group.stacks_id])
        for build_id, spec_hash in zip(group.build_ids, group.hashes, strict=True):
            placed.setdefault(build_id, {}).setdefault(spec_hash, []).append(place)
    return tuple(
        Hit(
            described[build_id],
            score,
            tuple(
                MatchedSpec(spec_hash, tuple(sorted(placements)))
                for spec_hash, placements in sorted(placed[build_id].items())
            ),
        )
        for build_id, score in chosen
    )
