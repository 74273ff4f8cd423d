"""When a dirty part of a source is looked at: after it has been quiet, at the latest after a cap.

Pure: no clock, no I/O; the time is passed in as seconds of a clock that never goes back. A part is
a prefix of page paths: a package (`develop/hdf5/`), a tag (`develop/`) or everything (an empty
string). A flood collapses: too many packages of a tag become the tag, too many tags become
everything, so that memory is bounded whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush, heapreplace

__all__ = ["EVERYTHING", "Debouncer", "covers"]

EVERYTHING = ""
MOST_PACKAGES = 200
"""Dirty packages of one tag; one more and the tag is dirty."""
MOST_TAGS = 100
"""Tags that are dirty or hold a dirty package; one more and everything is dirty."""


def covers(prefix: str, other: str) -> bool:
    """Whether looking at `prefix` looks at all of `other` as well."""
    return other.startswith(prefix)


class _Burst:
    """The events of one prefix since it was last given out."""

    __slots__ = ("first", "last")

    def __init__(self, first: float, last: float) -> None:
        self.first = first
        self.last = last


class Debouncer:
    """Dirty prefixes, each held until it rests; owned by one thread.

    `quiet_seconds` after its last event a prefix is due, at the latest `cap_seconds` after its
    first one; `part_cap_seconds` where it is not everything, if that is less.
    """

    def __init__(
        self,
        *,
        quiet_seconds: float,
        cap_seconds: float,
        part_cap_seconds: float | None = None,
        most_packages: int = MOST_PACKAGES,
        most_tags: int = MOST_TAGS,
    ) -> None:
        self._quiet = quiet_seconds
        self._cap = cap_seconds
        self._part_cap = min(cap_seconds, part_cap_seconds or cap_seconds)
        self._most_packages = most_packages
        self._most_tags = most_tags
        self._tags: dict[str, dict[str, _Burst]] = {}
        """Bursts by tag and prefix; no burst of one tag, or of all, covers another."""
        self._due: list[tuple[float, str]] = []
        """A heap with one item for each burst, never later than the burst is due."""

    def __len__(self) -> int:
        """How many prefixes are held."""
        return len(self._due)

    def add(self, prefix: str, now: float) -> None:
        """Note an event below `prefix`; what lies deeper than a package counts for the package.

        Raises ValueError for a prefix that neither is empty nor ends in `/`.
        """
        if prefix and not prefix.endswith("/"):
            raise ValueError(f"not a prefix: {prefix!r}")
        tag, package = _parts(prefix)
        if EVERYTHING in self._tags:
            tag = package = EVERYTHING
        held = self._tags.setdefault(tag, {})
        if tag in held:
            package = tag
        burst = held.get(package)
        if burst is not None:
            burst.last = max(burst.last, now)
            return
        held[package] = _Burst(now, now)
        heappush(self._due, (self._due_at(package, held[package]), package))
        self._collapse(tag, package)

    def due(self, now: float) -> tuple[str, ...]:
        """The prefixes that are due, in order; they are held no longer."""
        ready = []
        while (first := self.next_due()) is not None and first <= now:
            prefix = heappop(self._due)[1]
            tag = _parts(prefix)[0]
            del self._tags[tag][prefix]
            if not self._tags[tag]:
                del self._tags[tag]
            ready.append(prefix)
        return tuple(sorted(ready))

    def next_due(self) -> float | None:
        """When the next prefix is due if nothing more happens to it; None while nothing is dirty."""
        while self._due:
            noted, prefix = self._due[0]
            actual = self._due_at(prefix, self._tags[_parts(prefix)[0]][prefix])
            if actual <= noted:
                return noted
            heapreplace(self._due, (actual, prefix))
        return None

    def _due_at(self, prefix: str, burst: _Burst) -> float:
        cap = self._cap if prefix == EVERYTHING else self._part_cap
        return min(burst.last + self._quiet, burst.first + cap)

    def _collapse(self, tag: str, package: str) -> None:
        """Let the new `package` of `tag`, or what has become too much, swallow what it covers."""
        if package == EVERYTHING or len(self._tags) > self._most_tags:
            self._tags = {EVERYTHING: {EVERYTHING: _merged(self._bursts())}}
        elif package == tag or len(self._tags[tag]) > self._most_packages:
            self._tags[tag] = {tag: _merged(self._tags[tag].values())}
        else:
            return
        self._due = [
            (self._due_at(prefix, burst), prefix)
            for held in self._tags.values()
            for prefix, burst in held.items()
        ]
        heapify(self._due)

    def _bursts(self) -> Iterator[_Burst]:
        for held in self._tags.values():
            yield from held.values()


def _parts(prefix: str) -> tuple[str, str]:
    """The tag's prefix and the package's; the tag's twice for a tag, both empty for everything."""
    tag, slash, rest = prefix.partition("/")
    package = rest.partition("/")[0]
    tag += slash
    return tag, f"{tag}{package}/" if package else tag


def _merged(bursts: Iterable[_Burst]) -> _Burst:
    """One burst from the first event of all to the last."""
    every = list(bursts)
    return _Burst(min(burst.first for burst in every), max(burst.last for burst in every))
