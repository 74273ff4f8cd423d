"""Comparing the ledger with the cache indexes of mirrors as they are now. Nothing is repaired.

What an index says is read as a pass reads it, and compared: which specs it has cached, which it has no
longer, and records that no pass has read yet. What leaves and has not settled is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from ..buildcache import index
from ..buildcache.nodes import nodes
from ..errors import CacheIndexError, SourceError
from ..ledger import log, whole
from ..ledger.connect import Connection
from ..model import Doubt
from ..selection import Selection
from ..sources.base import Failed
from ..sources.mirror.discovered import Statement
from ..sources.mirror.manifests import ManifestSource
from ..sources.mirror.source import Got, MirrorSource
from ..sync import telling
from ..sync.order import dependencies_first

__all__ = ["check_manifests", "check_mirror"]


def check_mirror(
    db: Connection, source: MirrorSource, indexes: Iterable[log.Mirror], selection: Selection
) -> Iterator[str]:
    """Where the cache indexes of a source say something else than the ledger, which has `indexes`."""
    found = source.discover({})
    if found.failure is not None:
        yield f"{source.name}: cannot be compared: {found.failure}"
        return
    there = {(one.tag, one.stack): one for one in found.statements}
    for one in indexes:
        if one.state == "rejected":  # what it says is not in the ledger
            continue
        where = f"{source.name}: {one.url}" + ("" if one.view is None else f" (view {one.view})")
        try:
            statement = there.get((one.tag, one.stack))
            if statement is None:  # no list or file names it any more
                statement = Statement(one.url, one.view, one.tag, one.stack)
            seen = source.read(statement, {})
        except SourceError as error:
            seen = Failed(error.message)
        if isinstance(seen, Failed):
            yield (
                f"{source.name}: cannot be compared: {telling.failure(one.url, one.url, seen.reason)}"
            )
        elif isinstance(seen, Got):
            try:
                split = index.split(memoryview(seen.data))
            except CacheIndexError as error:
                yield f"{where} is broken since the last pass: {error.message}"
            else:
                yield from _compare(db, where, source.name, one, _read(db, split), selection)
                del split
            with suppress(BufferError):  # where something still refers to it, it goes with that
                seen.close()


def check_manifests(
    db: Connection, source: ManifestSource, one: log.Mirror, selection: Selection
) -> Iterator[str]:
    """Where the spec manifests of a mirror, all of which are read, say something else than the ledger."""
    where = f"{source.name}: {one.url} (manifests)"
    (statement,) = source.discover({}).statements
    seen = source.read_manifests(statement, {}, whole.memory(db, source.name, one.tag, one.stack))
    if isinstance(seen, Failed) or seen.failure is not None:
        reason = seen.reason if isinstance(seen, Failed) else seen.failure or ""
        yield f"{source.name}: cannot be compared: {telling.failure(one.url, one.url, reason)}"
    if isinstance(seen, Failed):
        return
    if seen.failure is None:
        placed = whole.placed_by(db, source.name, one.tag, one.stack)
        broken = [refused for refused in seen.refused if refused.hash in placed]
        if broken:
            first = telling.failure(one.url, one.url, broken[0].reason)
            yield f"{where} has {len(broken)} placed specs that are not whole any more; {first}"
        split = index.split(memoryview(seen.data))
        for spec_hash in seen.read:
            if (record := split.records.get(spec_hash)) is not None:
                record.cached = True
        said = _read(db, split)
        said.refused.update(refused.hash for refused in seen.refused)
        yield from _compare(db, where, source.name, one, said, selection)
        del split
    with suppress(BufferError):
        seen.close()


class _Said(NamedTuple):
    """What an index says now."""

    cached: dict[str, str]
    """Hash -> package."""
    refused: set[str]
    unread: int
    """Records that are acceptable, and that no pass has read."""


def _read(db: Connection, split: index.Split) -> _Said:
    told, packages = whole.told_as(db), whole.packages(db)
    new = [
        one for one, record in split.records.items() if (one, index.checksum(record)) not in told
    ]
    refused, unread = {one.hash for one in split.refused}, 0
    for node in dependencies_first(nodes(split, new), new):
        if isinstance(node, index.Refused):
            refused.add(node.hash)
        elif (
            node.doubt is not Doubt.WRONG or node.hash not in packages
        ):  # which is always read again
            unread += 1
            packages[node.hash] = node.build.package
    cached = {
        spec_hash: packages[spec_hash]
        for spec_hash, record in split.records.items()
        if record.cached and spec_hash not in refused
    }
    return _Said(cached, refused, unread)


def _compare(
    db: Connection, where: str, name: str, one: log.Mirror, said: _Said, selection: Selection
) -> Iterator[str]:
    placed = whole.placed_by(db, name, one.tag, one.stack)
    leaving = whole.leaving(db, name, one.tag, one.stack)
    cached = {h for h, package in said.cached.items() if selection.admits(one.tag, package)}
    added, lacking = cached - placed, placed - cached - leaving - said.refused
    if added or lacking:
        yield f"{where} has {len(added)} specs that the ledger does not, lacks {len(lacking)}"
    if back := cached & leaving:
        yield f"{where} has {len(back)} specs that left it before the last pass"
    if said.unread:
        yield f"{where} tells of {said.unread} specs what no pass has read"
