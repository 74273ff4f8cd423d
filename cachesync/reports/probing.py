"""A sample of what cache indexes name, and what the mirrors really have of it.

What is asked of are pairs of a spec and a mirror. Which of them is a function of the seed, and every
mirror has its share; asked is by several threads, each of one mirror at a time (`net` bounds how many ask
one host). A mirror that does not answer is not asked for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import NamedTuple

from ..errors import CachesyncError
from ..ledger import read
from ..ledger.carrying import Carrying
from ..ledger.connect import Connection
from ..model import Build
from ..sources.mirror.place import Place
from ..sources.mirror.probing import Found, State, probe

__all__ = ["Asked", "Opener", "Pair", "ask", "counts", "pairs", "sample", "worst"]

MOST_AT_ONCE = 16
MOST_FAILURES = 3
"""Of a mirror, one after the other, until it is asked no more."""

Opener = Callable[[str, str], Place]
"""Opens the mirror of a source by the source's name and the mirror's address. Raises CachesyncError."""


class Pair(NamedTuple):
    """A spec, and a mirror that has it by its cache index."""

    hash: str
    build: Build
    source: str
    url: str
    layouts: str


class Asked(NamedTuple):
    """What was found of a pair."""

    pair: Pair
    found: Found


def pairs(db: Connection, carried: Iterable[Carrying]) -> list[Pair]:
    """What may be asked: each spec once of each mirror, whatever views and tags name it there."""
    every: dict[tuple[str, str, str], Carrying] = {}
    for one in carried:
        key = (one.hash, one.source, one.url)
        known = every.get(key)
        layouts = "".join(sorted({*one.layouts, *(known.layouts if known else "")}, reverse=True))
        every[key] = one._replace(layouts=layouts)
    builds = read.builds(db, {one.build_id for one in every.values()})
    return [
        Pair(one.hash, builds[one.build_id], one.source, one.url, one.layouts)
        for one in every.values()
    ]


def sample(
    of: Iterable[Pair], most: int, seed: str, first: Iterable[tuple[str, str, str]] = ()
) -> list[Pair]:
    """At most so many of them (0: all), the same for the same seed; a larger sample holds the smaller.

    Mirrors take turns. `first` are those that are taken before all others: hash, source, url.
    """
    before = set(first)
    mixed = sorted(of, key=lambda one: _digest(seed, one))
    turns: dict[tuple[str, str], int] = {}
    ranked = []
    for number, one in enumerate(mixed):
        turn = turns[one.source, one.url] = turns.get((one.source, one.url), -1) + 1
        is_first = (one.hash, one.source, one.url) in before
        ranked.append((not is_first, turn, number, one))
    ranked.sort(key=lambda row: row[:3])
    return [one for *_, one in ranked[: most or None]]


def _digest(seed: str, one: Pair) -> bytes:
    text = f"{seed}\0{one.hash}\0{one.source}\0{one.url}"
    return hashlib.sha256(text.encode()).digest()


def ask(chosen: Sequence[Pair], opener: Opener) -> list[Asked]:
    """Ask the mirrors; what was found of each pair, in the order given. Raises FetchStoppedError."""
    mirrors = {(one.source, one.url): _Mirror(opener, one.source, one.url) for one in chosen}
    todo: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, Found | Exception]] = SimpleQueue()
    for number in range(len(chosen)):
        todo.put(number)

    def work() -> None:
        while (number := _next(todo)) is not None:
            one = chosen[number]
            try:
                done.put((number, mirrors[one.source, one.url].look(one)))
            except Exception as error:  # raised by who waits
                done.put((number, error))

    # Nobody waits for these threads at the end: one may hang with a file system that does.
    for _ in range(min(MOST_AT_ONCE, len(chosen))):
        Thread(target=work, name="probe", daemon=True).start()
    found: dict[int, Found] = {}
    try:
        while len(found) < len(chosen):
            number, result = done.get()
            if isinstance(result, Exception):
                raise result
            found[number] = result
    finally:
        while _next(todo) is not None:
            pass
    return [Asked(one, found[number]) for number, one in enumerate(chosen)]


def _next(queue: SimpleQueue[int]) -> int | None:
    try:
        return queue.get_nowait()
    except Empty:
        return None


def worst(asked: Iterable[Asked]) -> State:
    """What is to be said of all of them: something is missing, or else unknown, or all is there."""
    states = {one.found.state for one in asked}
    return next((s for s in (State.MISSING, State.UNKNOWN) if s in states), State.THERE)


def counts(asked: Iterable[Asked]) -> Mapping[State, int]:
    """How many are in each state."""
    every = [one.found.state for one in asked]
    return {state: every.count(state) for state in State}


class _Mirror:
    """A mirror that is asked by several threads, until it has failed too often."""

    def __init__(self, opener: Opener, source: str, url: str) -> None:
        self._opener = opener
        self._of = (source, url)
        self._lock = Lock()
        self._place: Place | None = None
        self._failures = 0
        self._refusal: Found | None = None

    def look(self, pair: Pair) -> Found:
        with self._lock:
            if self._refusal is None and self._place is None:
                try:
                    self._place = self._opener(*self._of)
                except CachesyncError as error:
                    self._refusal = Found(State.UNKNOWN, error.message, is_unreachable=True)
            if self._refusal is not None:
                return self._refusal
            assert self._place is not None
            place = self._place
        found = probe(place, pair.build, pair.hash, pair.layouts)
        with self._lock:
            self._failures = self._failures + 1 if found.is_unreachable else 0
            if self._failures >= MOST_FAILURES:
                self._refusal = found
        return found
