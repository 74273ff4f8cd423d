"""What changed, counted: by tag and by package. It asks nothing: see `ledger.tally`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ..ledger.tally import Tally
from ..model import Change, ChangeKind

__all__ = ["Counts", "Summary", "of_change", "summary"]


class Counts(NamedTuple):
    """How many changes there are of something."""

    kinds: dict[ChangeKind, int]
    """In the order of the kinds; none is 0."""
    first: int
    """Of those that cached a spec: how many were the first of their hash."""
    last: int
    """Of those that evicted a spec: how many were the last of their hash."""

    @property
    def changes(self) -> int:
        """All of them."""
        return sum(self.kinds.values())

    @property
    def cached(self) -> int:
        """How many specs came to a tag."""
        return self.kinds.get(ChangeKind.SPEC_CACHED, 0)

    @property
    def evicted(self) -> int:
        """How many specs left a tag."""
        return self.kinds.get(ChangeKind.SPEC_EVICTED, 0)


class Summary(NamedTuple):
    """All changes, and those of each tag and package, the most changed first."""

    whole: Counts
    tags: dict[str, Counts]
    packages: dict[str, Counts]
    """Changes of sources and of delivery targets have neither tag nor package, described nodes no tag."""


def of_change(change: Change) -> Tally:
    """One change as a tally."""
    return Tally(change.tag, change.package, change.kind, change.flag, 1)


def summary(tallies: Iterable[Tally]) -> Summary:
    """What tallies come to."""
    whole: Counter[tuple[ChangeKind, bool]] = Counter()
    tags: dict[str, Counter[tuple[ChangeKind, bool]]] = {}
    packages: dict[str, Counter[tuple[ChangeKind, bool]]] = {}
    for tag, package, kind, flag, count in tallies:
        whole[kind, flag] += count
        for name, by_name in ((tag, tags), (package, packages)):
            if name is not None:
                by_name.setdefault(name, Counter())[kind, flag] += count
    return Summary(_counts(whole), _ordered(tags), _ordered(packages))


def _ordered(by_name: dict[str, Counter[tuple[ChangeKind, bool]]]) -> dict[str, Counts]:
    most_first = sorted(by_name, key=lambda name: (-by_name[name].total(), name))
    return {name: _counts(by_name[name]) for name in most_first}


def _counts(found: Counter[tuple[ChangeKind, bool]]) -> Counts:
    kinds = {kind: found[kind, False] + found[kind, True] for kind in ChangeKind}
    return Counts(
        {kind: count for kind, count in kinds.items() if count},
        found[ChangeKind.SPEC_CACHED, True],
        found[ChangeKind.SPEC_EVICTED, True],
    )
