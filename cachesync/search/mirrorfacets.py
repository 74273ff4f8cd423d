"""How many specs and builds of a result there are in each mirror, and how many are signed where that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ..ledger import connect, mirrors, read

if TYPE_CHECKING:
    from ..ledger.mirrors import Mirror
    from .scan import Group

__all__ = ["counted"]

_Specs = dict[str, int]
"""The builds of some specs, by hash."""


def counted(
    db: connect.Connection, names: read.Names, groups: Iterable[Group], build_ids: Collection[int]
) -> dict[str, dict[str, list[int]]]:
    """The facets of mirrors, of some placements and of all placed specs of some builds.

    The caller reads in a snapshot.
    """
    by_place: dict[tuple[str, str], list[Mirror]] = {}
    for one in mirrors.mirrors(db):
        by_place.setdefault((one.source, one.tag), []).append(one)
    placed: dict[tuple[int, int], _Specs] = {}
    for group in groups:
        specs = placed.setdefault((group.tag_id, group.stacks_id), {})
        specs.update(zip(group.hashes, group.build_ids, strict=True))
    for build_id, spec_hash, tag_id, stacks_id, _ in read.placements_of(db, build_ids):
        placed.setdefault((tag_id, stacks_id), {})[spec_hash] = build_id
    carried: dict[Mirror, _Specs] = {}
    for (tag_id, stacks_id), specs in placed.items():
        stacks = names.stacks[stacks_id]
        for one in by_place.get(names.tags[tag_id], ()):
            if one.stack in stacks:
                carried.setdefault(one, {}).update(specs)
    by_url: dict[str, _Specs] = {}
    signed: dict[str, _Specs] = {}
    known = mirrors.known_signatures(db)
    for one, specs in carried.items():
        by_url.setdefault(one.url, {}).update(specs)
        for is_signed, some in _by_signature(db, one, specs, is_known=one.id in known).items():
            signed.setdefault("yes" if is_signed else "no", {}).update(some)
    return {"mirror": _counts(by_url), "signed": _counts(signed)}


def _by_signature(
    db: connect.Connection, mirror: Mirror, specs: _Specs, *, is_known: bool
) -> dict[bool, _Specs]:
    """The specs in a mirror whose manifests are signed, and are not; of registries none are."""
    if mirror.is_registry:
        return {False: specs}
    found: dict[bool, _Specs] = {}
    for spec_hash, is_signed in mirrors.signed_hashes(db, mirror.id) if is_known else ():
        if spec_hash in specs:
            found.setdefault(is_signed, {})[spec_hash] = specs[spec_hash]
    return found


def _counts(values: dict[str, _Specs]) -> dict[str, list[int]]:
    return {value: [len(specs), len(set(specs.values()))] for value, specs in values.items()}
