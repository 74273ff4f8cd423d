"""What leaves a source with its cache indexes, and what is said where the guard holds it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..config.mirrors import DEFAULT_STACK
from ..ledger.leaving import Due
from ..ledger.outcomes import SourceRow, StatementRow
from ..ledger.write import Writer
from . import telling
from .mirrorsource import Discovered, Statement
from .reading_index import CHUNK_SPECS

__all__ = ["dropped", "held_because", "leaving_specs", "said_of_dropped", "whole_specs"]

MOST_NAMED = 5
"""Of the cache indexes that are let go, and of those in their place."""


def leaving_specs(writer: Writer, row: SourceRow, due: Sequence[Due]) -> set[tuple[int, int]]:
    """Page and id of the specs that no stack of a tag carries when everything due is gone."""
    lost: dict[tuple[int, int], set[str]] = {}
    for one in due:
        lost.setdefault((one.page_id, one.spec_id), set()).add(one.stack)
    carried = {
        (one.page_id, one.spec_id): one.stacks
        for tag in sorted({one.tag for one in due})
        for one in writer.stated(row, tag, [one.hash for one in due if one.tag == tag]).values()
    }
    return {key for key, stacks in lost.items() if stacks.issuperset(carried[key])}


def dropped(
    found: Discovered, recorded: Sequence[StatementRow], gone: Collection[tuple[str, str]]
) -> list[StatementRow]:
    """Of the cache indexes that are recorded those that a source has no longer; `gone` (tag, stack) are."""
    there = {(one.tag, one.stack) for one in found.statements}.difference(gone)
    return [
        known
        for known in recorded
        if (known.tag, known.stack) not in there
        and (found.failure is None or (known.tag, known.stack) in gone)
        and known.tag not in found.kept
    ]


def whole_specs(due: Sequence[Due]) -> Iterator[list[Due]]:
    """What is due, in chunks none of which ends between two stacks of one spec."""
    chunk: list[Due] = []
    for one in due:
        if len(chunk) >= CHUNK_SPECS and one.spec_id != chunk[-1].spec_id:
            yield chunk
            chunk = []
        chunk.append(one)
    if chunk:
        yield chunk


def held_because(held: int, *, gone: int, specs: int) -> str:
    """Why removals are held: the share that the guard saw, with what was `gone` before it."""
    share = f"{held} of {specs} specs would be evicted; none was"
    if gone:
        share = (
            f"{held + gone} of {specs + gone} specs would be evicted;"
            f" {gone} of them were before, {held} stay"
        )
    return f"{share} (`guard:` in the config, or --allow-mass-removal to accept it once)"


def said_of_dropped(dropped: Sequence[StatementRow], instead: Sequence[Statement]) -> str:
    """Which cache indexes are not read any more, and what is read `instead`; empty where there is none."""
    if not dropped:
        return ""
    if not instead:  # they are mirrors by themselves
        names = [
            one.tag if one.stack == DEFAULT_STACK else f"{one.tag}/{one.stack}" for one in dropped
        ]
        return f"; the mirror{'s' if len(names) > 1 else ''} {_listed(names)} would be let go"
    let_go, read = (
        _listed([telling.index_name(one.view, one.tag) for one in some])
        for some in (dropped, instead)
    )
    return f"; {let_go} would be let go, as {read} is read in its place"


def _listed(every: Sequence[str]) -> str:
    names = list(dict.fromkeys(every))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
