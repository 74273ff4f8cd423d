"""Which specs of a query are placed in some tags: what comparing tags, and checking files, asks."""

from __future__ import annotations

from collections.abc import Collection

from . import query
from .ledger import connect, read

__all__ = ["matching_in"]


def matching_in(
    db: connect.Connection, node: query.Node, tag_ids: Collection[int]
) -> dict[int, set[str]]:
    """Build id -> the hashes of its specs with a placement in some tags that matches `node`."""
    names = read.Names(db)
    placed = list(read.placements_in(db, tag_ids))
    described = read.builds(db, {build_id for build_id, _, _, _ in placed})
    residues = {build_id: query.residue(node, build) for build_id, build in described.items()}
    by_hash = any(query.may_be_hash(term) for term, _ in query.terms(node))
    verdicts: dict[tuple[query.Node, int, int, str], bool] = {}
    found: dict[int, set[str]] = {}
    for build_id, spec_hash, tag_id, stacks_id in placed:
        rest = residues[build_id]
        if not isinstance(rest, bool):
            key = (rest, tag_id, stacks_id, spec_hash if by_hash else "")
            verdict = verdicts.get(key)
            if verdict is None:
                source, tag = names.tags[tag_id]
                verdict = verdicts[key] = query.matches_where(
                    rest, key[3], source=source, tag=tag, stacks=names.stacks[stacks_id]
                )
            rest = verdict
        if rest:
            found.setdefault(build_id, set()).add(spec_hash)
    return found
