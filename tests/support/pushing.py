"""Pushes into a mirror as Spack makes them, and how long a search takes to find each."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from cachesync import query
from cachesync.buildcache import layout, specmanifest
from cachesync.search.searcher import Searcher
from tests.support.mirrors import Record, push, record

__all__ = ["Push", "copied", "in_order", "made", "pushes", "streamed", "waited_for"]


class Push(NamedTuple):
    """A spec that is not pushed yet."""

    hash: str
    manifest: Path
    """Where its manifest comes to lie."""
    write: Callable[[], object]
    """Its blobs, then its manifest."""


def made(root: Path, count: int, *, packages: int = 50) -> Iterator[Push]:
    """Pushes of specs of our own, of so many packages."""
    for number in range(count):
        one = record(f"pushed-{number % packages}", f"1.{number}")
        name = f"{one.name}-1.{number}-{one.hash}{specmanifest.SUFFIX}"
        where = root / specmanifest.DIRECTORY / one.name / name
        yield Push(one.hash, where, partial(push, root, one))


def copied(root: Path, mirror: Path) -> Iterator[Push]:
    """Pushes of all specs of another mirror of layout 3, whoever wrote it."""
    for manifest in sorted((mirror / specmanifest.DIRECTORY).glob(f"*/*{specmanifest.SUFFIX}")):
        data = manifest.read_bytes()
        named = specmanifest.parse(data)
        blobs = [one for one in (named.tarball, named.spec) if one is not None]
        ways = [layout.blob_path(one.checksum_algorithm, one.checksum) for one in blobs]
        writes = [(root / way, (mirror / way).read_bytes()) for way in ways]
        where = root / manifest.relative_to(mirror)
        found = specmanifest.hash_of(manifest.name)
        assert found is not None
        yield Push(found, where, partial(_put_all, [*writes, (where, data)]))


def in_order(root: Path, one: Record) -> Iterator[Callable[[], object]]:
    """The writes of a push one by one: blobs first, and the manifest in two halves."""
    made = root.with_name("made")
    manifest = push(made, one)
    for file in sorted((made / "blobs").rglob("*")):
        if file.is_file():
            yield partial(_put, root / file.relative_to(made), file.read_bytes())
    data = manifest.read_bytes()
    where = root / manifest.relative_to(made)
    yield partial(_put, where, data[: len(data) // 2])
    yield partial(_put, where, data)


def _put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _put_all(writes: Iterable[tuple[Path, bytes]]) -> None:
    for file, data in writes:
        _put(file, data)


def waited_for(searcher: Searcher, text: str, *, specs: int = 1) -> float:
    """Seconds until a search in this process finds so many specs. Raises AssertionError after a minute."""
    tree = query.parse(text)
    began = time.perf_counter()
    while searcher.search(tree, limit=1).specs != specs:
        if time.perf_counter() - began > 60:
            raise AssertionError(f"{text} is not found")
        time.sleep(0.005)
    return time.perf_counter() - began


def pushes(
    searcher: Searcher, some: Iterable[Push], pause: Callable[[], float] = lambda: 0.0
) -> list[float]:
    """Push each when the one before was found; the seconds from the end of a push until a search finds it."""
    seconds = []
    for one in some:
        one.write()
        seconds.append(waited_for(searcher, f"hash:{one.hash}"))
        time.sleep(pause())
    return seconds


def streamed(
    searcher: Searcher, some: Iterable[Push], pause: Callable[[], float]
) -> tuple[list[float], float]:
    """Push one after the other, waiting for none; the seconds until each is found, and those of all pushes."""
    told: SimpleQueue[tuple[str, float] | None] = SimpleQueue()

    def push_all() -> None:
        for one in some:
            one.write()
            told.put((one.hash, time.perf_counter()))
            time.sleep(pause())
        told.put(None)

    began = time.perf_counter()
    pusher = threading.Thread(target=push_all)
    pusher.start()
    waiting: dict[str, float] = {}
    seconds: list[float] = []
    pushing: float | None = None
    while pushing is None or waiting:
        while pushing is None and not told.empty():
            pushed = told.get()
            if pushed is None:
                pushing = time.perf_counter() - began
            else:
                waiting[pushed[0]] = pushed[1]
        found = [
            one for one in waiting if searcher.search(query.parse(f"hash:{one}"), limit=1).specs
        ]
        seconds += [time.perf_counter() - waiting.pop(one) for one in found]
        if waiting and time.perf_counter() - min(waiting.values()) > 60:
            raise AssertionError(f"{sorted(waiting)} are not found")
        time.sleep(0.005)
    pusher.join()
    return seconds, pushing
