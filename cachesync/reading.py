"""From listed entries to outcomes: reading, digesting, parsing. Here, or in a process beside.

A first import spends half its time here, so a large one is read by a second process while this one
writes the ledger. The second process reads what it has to do from its standard input and ends with
it: it cannot outlive this one.
"""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import pickle
import subprocess
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import IO, NamedTuple

from . import diff, pages
from .errors import PageError, PageSkipped
from .ledger.write import Good, KnownLocation, Outcome, Rejected, Same, Skipped
from .model import Build, LocationState
from .sources.base import Changed, Entry, Failed, Gone, Source

__all__ = ["Look", "look_at", "serve"]

WORTH_A_PROCESS = 2_000
"""Pages from which a second process pays for its start (some 150 ms)."""
BATCH = 500
"""Pages in one message."""
PIPE_BYTES = 1 << 20
MAX_SENT = 200_000
"""Builds or sets of stacks either end remembers."""


class Look(NamedTuple):
    """What one look at an entry came to."""

    path: str
    outcome: Outcome | None
    """None when nothing at all is new there, or when it is gone."""
    gone: bool = False
    same: bool = False
    """Whether the content is what it was."""


class _Place(NamedTuple):
    """An entry to look at, with what is known of it."""

    path: str
    listed_as: str
    signature: str | None
    digest: bytes | None


class _Task(NamedTuple):
    source: Source
    selection: diff.Selection
    places: list[_Place]


def look_at(
    source: Source,
    entries: Sequence[Entry],
    known: Mapping[str, KnownLocation],
    selection: diff.Selection,
) -> Iterator[Look]:
    """Look at every entry, in order."""
    nothing = KnownLocation(None, None, LocationState.GOOD, None)
    places = [
        _Place(entry.path, entry.signature, *known.get(entry.path, nothing)[:2])
        for entry in entries
    ]
    task = _Task(source, selection, places)
    if len(entries) < WORTH_A_PROCESS or (os.cpu_count() or 1) < 2:
        yield from _looks(task)
        return
    seen = 0
    # A process that cannot be started, or is killed, costs its speed only: the rest is done here.
    for look in _looks_beside(task):
        seen += 1
        yield look
    yield from _looks(task._replace(places=places[seen:]))


def _looks(task: _Task) -> Iterator[Look]:
    parser = pages.PageParser()
    for place in task.places:
        yield _look(parser, task, place)


def _look(parser: pages.PageParser, task: _Task, place: _Place) -> Look:
    path = place.path
    content = task.source.read(path, place.listed_as)
    if isinstance(content, Gone):
        return Look(path, None, gone=True)
    if isinstance(content, Failed):
        return Look(path, Rejected(path, f"fault: {content.reason}", None, content.reason))
    signature = content.signature if content.settled else None
    digest = hashlib.blake2b(content.data, digest_size=16).digest()
    if place.digest == digest:
        news = Same(path, signature) if signature != place.signature else None
        return Look(path, news, same=True)
    return Look(path, _parse(parser, task.selection, path, content, signature, digest))


def _parse(
    parser: pages.PageParser,
    selection: diff.Selection,
    path: str,
    content: Changed,
    signature: str | None,
    digest: bytes,
) -> Outcome:
    try:
        page = parser.parse(content.data)
    except PageSkipped as skipped:
        return Skipped(path, signature, digest, skipped.message)
    except PageError as error:
        return Rejected(path, signature, digest, error.message)
    if not selection.admits(page.tag, page.package):
        reason = f"the page of {page.package} in {page.tag} is not selected by the config"
        return Skipped(path, signature, digest, reason)
    warnings = (*_misplaced(path, page.tag, page.package), *pages.disagreements(page))
    return Good(path, signature, digest, page._replace(meta=None), warnings)


def _misplaced(path: str, tag: str, package: str) -> tuple[str, ...]:
    parts = path.split("/")
    if len(parts) >= 3 and parts[-3:-1] == [tag, package]:
        return ()
    return (f"the page says tag {tag} and package {package}, its path says otherwise",)


# -- the process beside


class _Packed(NamedTuple):
    """A batch of looks as it crosses the pipe: a build or a set of stacks once, then its number."""

    afresh: bool
    """Whether numbers begin at 0 again."""
    builds: list[Build]
    """Those that were not sent before."""
    stacks: list[tuple[str, ...]]
    looks: list[Look]
    """Pages without their specs."""
    sizes: list[int]
    """Specs of each look."""
    hashes: str
    numbers: bytes
    """For each hash the numbers of its build and its stacks, 32 bits each."""


class _Packer:
    """The sending end: knows what was sent. Objects that are sent are kept, so ids stay theirs."""

    def __init__(self) -> None:
        self._builds: dict[int, tuple[int, Build]] = {}
        self._stacks: dict[int, tuple[int, tuple[str, ...]]] = {}

    def pack(self, looks: Sequence[Look]) -> _Packed:
        afresh = len(self._builds) > MAX_SENT or len(self._stacks) > MAX_SENT
        if afresh:
            self.__init__()  # type: ignore[misc]
        builds, stack_lists = self._builds, self._stacks
        sent = len(builds), len(stack_lists)
        bare: list[Look] = []
        sizes: list[int] = []
        hashes: list[str] = []
        numbers = array("I")
        append = numbers.append
        for look in looks:
            outcome = look.outcome
            if not isinstance(outcome, Good):
                bare.append(look)
                sizes.append(0)
                continue
            specs = outcome.page.specs
            for build, stacks in specs.values():
                append(builds.setdefault(id(build), (len(builds), build))[0])
                append(stack_lists.setdefault(id(stacks), (len(stack_lists), stacks))[0])
            hashes.extend(specs)
            sizes.append(len(specs))
            bare.append(
                look._replace(outcome=outcome._replace(page=outcome.page._replace(specs={})))
            )
        return _Packed(
            afresh,
            [build for _, build in islice(builds.values(), sent[0], None)],
            [stacks for _, stacks in islice(stack_lists.values(), sent[1], None)],
            bare, sizes, "".join(hashes), bytes(numbers),
        )  # fmt: skip


class _Unpacker:
    """The receiving end."""

    def __init__(self) -> None:
        self._builds: list[Build] = []
        self._stacks: list[tuple[str, ...]] = []

    def unpack(self, packed: _Packed) -> Iterator[Look]:
        if packed.afresh:
            self.__init__()  # type: ignore[misc]
        self._builds += packed.builds
        self._stacks += packed.stacks
        text, numbers = packed.hashes, array("I", packed.numbers)
        hashes = [text[start : start + 32] for start in range(0, len(text), 32)]
        listed = zip(
            map(self._builds.__getitem__, numbers[::2]),
            map(self._stacks.__getitem__, numbers[1::2]),
            strict=True,
        )
        specs = zip(hashes, listed, strict=True)
        for look, size in zip(packed.looks, packed.sizes, strict=True):
            if size and isinstance(look.outcome, Good):
                page = look.outcome.page._replace(specs=dict(islice(specs, size)))
                look = look._replace(outcome=look.outcome._replace(page=page))  # noqa: PLW2901
            yield look


def _looks_beside(task: _Task) -> Iterator[Look]:
    """As many looks as the process beside delivers, in order."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt is this process's to handle
        )
    except OSError:
        return
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(OSError):
            fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            pickle.dump(task, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            process.stdin.close()
            unpacker = _Unpacker()
            while True:
                yield from unpacker.unpack(pickle.load(process.stdout))  # noqa: S301 - our own process's
        except (EOFError, OSError, pickle.UnpicklingError):
            return
        finally:
            process.kill()


def serve() -> None:
    """The process beside: one task from standard input, looks in batches to standard output."""
    answer(sys.stdin.buffer, sys.stdout.buffer)


def answer(task_from: IO[bytes], looks_to: IO[bytes]) -> None:
    """Read one task, write its looks in batches."""
    gc.disable()  # as in the pass itself: many objects, no cycles
    task: _Task = pickle.load(task_from)  # noqa: S301 - from the process that started this one
    packer = _Packer()
    batch: list[Look] = []
    for look in _looks(task):
        batch.append(look)
        if len(batch) == BATCH:
            _send(packer.pack(batch), looks_to)
            batch = []
    _send(packer.pack(batch), looks_to)


def _send(packed: _Packed, looks_to: IO[bytes]) -> None:
    pickle.dump(packed, looks_to, protocol=pickle.HIGHEST_PROTOCOL)
    looks_to.flush()
