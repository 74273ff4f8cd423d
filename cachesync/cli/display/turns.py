"""Which of very many lines are shown: each that they are of has its turn."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

__all__ = ["chosen"]

_T = TypeVar("_T")


def chosen(items: Sequence[_T], most: int, by: Callable[[_T], Hashable]) -> list[_T]:
    """At most `most` of them in their order: the first of each group, then the second of each, and so on."""
    seen: dict[Hashable, int] = {}
    rounds = []
    for place, item in enumerate(items):
        group = by(item)
        seen[group] = seen.get(group, -1) + 1
        rounds.append((seen[group], place))
    return [items[place] for place in sorted(place for _, place in sorted(rounds)[:most])]
