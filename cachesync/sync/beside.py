"""Looking at many places in a process beside this one.

A first import spends half its time in reading and parsing, so a large one is read by a second
process while this one lists the rest and writes the ledger. If that process cannot be started, or
is killed, it costs its speed only: this one looks at the rest.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice, tee
from queue import Queue, SimpleQueue
from threading import Thread
from typing import IO, NamedTuple

from ..ledger.outcomes import Good
from ..model import Build, Listed, Page
from ..selection import Selection
from ..sources.base import Source
from ..system import child
from .reading import DIGEST_BYTES, Look, Place, looks

__all__ = ["Looker", "serve"]

WORTH_A_PROCESS = 2_000
"""Places from which a second process pays for its start (some 150 ms)."""
BATCH = 500
"""Looks in one message."""
MAX_WAITING = 12
"""Messages (some 300 kB each) waiting to be taken."""
MAX_SENT = 200_000
"""Listings either end remembers."""


class Looker:
    """Looks at the places it is given, in order; with many of them, in a process beside."""

    def __init__(self, source: Source, selection: Selection) -> None:
        self._source = source
        self._selection = selection
        self._places: list[Place] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._may_start = child.is_worth_it() and source.concurrency == 0

    def offer(self, places: Sequence[Place]) -> None:
        """Take more places; looking at them may begin at once."""
        self._places += places
        if self._process is not None:
            self._send(places)
        elif self._may_start and len(self._places) >= WORTH_A_PROCESS:
            self._may_start = False
            self._start()

    def looks(self) -> Iterator[Look]:
        """Every place offered, looked at, in order. No more can be offered then."""
        seen = 0
        if self._process is not None:
            for look in self._delivered(self._process):
                seen += 1
                yield look
            self.close()
        yield from looks(self._source, self._selection, islice(self._places, seen, None))

    def close(self) -> None:
        """End the process beside, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            child.end(process)

    def _start(self) -> None:
        with suppress(OSError):  # without it everything is read here
            self._process = child.start(__name__, "serve")
            self._send((self._source, self._selection))
            self._send(self._places)

    def _send(self, message: object) -> None:
        if self._process is not None:
            try:
                child.send(message, self._process.stdin)
            except OSError:
                self.close()

    def _delivered(self, process: subprocess.Popen[bytes]) -> Iterator[Look]:
        """As many looks as the process beside delivers."""
        assert process.stdin is not None
        unpacker = _Unpacker(self._places)
        with suppress(EOFError, OSError):  # it ended: what it did not deliver is read here
            process.stdin.close()
            while True:
                yield from unpacker.unpack(child.receive(process.stdout))


def serve() -> None:
    """The process beside: places from standard input, looks at them to standard output."""
    answer(sys.stdin.buffer, sys.stdout.buffer)


def answer(places_from: IO[bytes], looks_to: IO[bytes]) -> None:
    """Look at all that comes, until it ends.

    Receiving and sending have threads of their own: whoever sends places is never kept waiting for
    looks to leave, and looking goes on while nobody takes them yet.
    """
    gc.disable()  # as in the pass itself: many objects, no cycles
    source, selection = child.receive(places_from)
    arriving: SimpleQueue[Sequence[Place] | None] = SimpleQueue()
    leaving: Queue[_Packed | None] = Queue(MAX_WAITING)
    Thread(target=_receive, args=(places_from, arriving), daemon=True).start()
    sender = Thread(target=_deliver, args=(leaving, looks_to))
    sender.start()
    places, looked_at = tee(chain.from_iterable(iter(arriving.get, None)))
    packer = _Packer()
    batch: list[tuple[Place, Look]] = []
    for pair in zip(places, looks(source, selection, looked_at), strict=True):
        batch.append(pair)
        if len(batch) == BATCH:
            leaving.put(packer.pack(batch))
            batch = []
    leaving.put(packer.pack(batch))
    leaving.put(None)
    sender.join()


def _receive(places_from: IO[bytes], arriving: SimpleQueue[Sequence[Place] | None]) -> None:
    with suppress(EOFError):  # who asks is gone, or has asked for everything
        while True:
            arriving.put(child.receive(places_from))
    arriving.put(None)


def _deliver(leaving: Queue[_Packed | None], looks_to: IO[bytes]) -> None:
    for packed in iter(leaving.get, None):
        try:
            child.send(packed, looks_to)
        except OSError:  # nobody is there to take it
            os._exit(1)


class _Packed(NamedTuple):
    """A batch of looks as it crosses the pipe: what repeats is sent once, then its number."""

    afresh: bool
    """Whether numbers begin at 0 again."""
    builds: list[Build]
    """Those that were not sent before; so for the next two."""
    stacks: list[tuple[str, ...]]
    listed: bytes
    """Of each listing the numbers of its build and of its stacks."""
    total: int
    """How many looks there are."""
    special: dict[int, Look]
    """Those that say more than that a page is good and lies where it says; without specs."""
    digests: bytes
    """Of the pages of the others."""
    sizes: bytes
    """Specs of each look."""
    hashes: str
    numbers: bytes
    """Of each hash the number of its listing. All numbers are unsigned, of 32 bits."""


class _Packer:
    """The sending end: knows what was sent. Objects that are sent are kept, so ids stay theirs."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._builds: dict[int, tuple[int, Build]] = {}
        self._stacks: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._listed: dict[int, tuple[int, Listed]] = {}

    def pack(self, looked: Sequence[tuple[Place, Look]]) -> _Packed:
        afresh = len(self._listed) > MAX_SENT
        if afresh:
            self._forget()
        known, builds, stack_lists = self._listed, self._builds, self._stacks
        before = len(builds), len(stack_lists)
        listed, numbers, sizes = array("I"), array("I"), array("I")
        special: dict[int, Look] = {}
        digests: list[bytes] = []
        hashes: list[str] = []
        for position, (place, look) in enumerate(looked):
            good = look.outcome
            if not isinstance(good, Good):
                special[position] = look
                sizes.append(0)
                continue
            if good.warnings or good.signature != place.listed_as:
                bare = good._replace(page=good.page._replace(specs={}))
                special[position] = look._replace(outcome=bare)
            else:
                digests.append(good.digest)
            specs = good.page.specs
            sizes.append(len(specs))
            hashes += specs
            for pair in specs.values():
                found = known.get(id(pair))
                if found is None:
                    build, stacks = pair
                    listed.append(builds.setdefault(id(build), (len(builds), build))[0])
                    listed.append(stack_lists.setdefault(id(stacks), (len(stack_lists), stacks))[0])
                    found = known[id(pair)] = (len(known), pair)
                numbers.append(found[0])
        return _Packed(
            afresh,
            [build for _, build in islice(builds.values(), before[0], None)],
            [stacks for _, stacks in islice(stack_lists.values(), before[1], None)],
            listed.tobytes(), len(looked), special, b"".join(digests), sizes.tobytes(),
            "".join(hashes), numbers.tobytes(),
        )  # fmt: skip


class _Unpacker:
    """The receiving end; `places` are those that were sent."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = iter(places)
        self._forget()

    def _forget(self) -> None:
        self._builds: list[Build] = []
        self._stacks: list[tuple[str, ...]] = []
        self._listed: list[Listed] = []

    def unpack(self, packed: _Packed) -> Iterator[Look]:
        if packed.afresh:
            self._forget()
        builds = packed.builds  # in place: what arrived goes as soon as it is known by other words
        for number, build in enumerate(builds):
            builds[number] = build._replace(variants=tuple(map(sys.intern, build.variants)))
        self._builds += builds
        builds.clear()
        self._stacks += packed.stacks
        pairs = array("I", packed.listed)
        self._listed += zip(
            map(self._builds.__getitem__, pairs[::2]),
            map(self._stacks.__getitem__, pairs[1::2]),
            strict=True,
        )
        text = packed.hashes
        hashes = [text[start : start + 32] for start in range(0, len(text), 32)]
        listed = map(self._listed.__getitem__, array("I", packed.numbers))
        specs = zip(hashes, listed, strict=True)
        digests = (
            packed.digests[start : start + DIGEST_BYTES]
            for start in range(0, len(packed.digests), DIGEST_BYTES)
        )
        sizes = array("I", packed.sizes)
        for position, place in enumerate(islice(self._places, packed.total)):
            some = dict(islice(specs, sizes[position]))
            look = packed.special.get(position)
            if look is None:
                # A page that does not lie where it says would have a warning.
                tag, package = place.path.split("/")[-3:-1]
                page = Page(tag, package, some, None)
                good = Good(place.path, place.listed_as, next(digests), page, ())
                look = Look(place.path, good)
            elif isinstance(look.outcome, Good):
                page = look.outcome.page._replace(specs=some)
                look = look._replace(outcome=look.outcome._replace(page=page))
            yield look
