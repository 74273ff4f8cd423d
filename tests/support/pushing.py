"""Pushes into a mirror as Spack makes them, and how long a search takes to find each."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from cachesync import query
from cachesync.search.searcher import Searcher
from tests.support.mirrors import Record, push, record

__all__ = ["in_order", "pushes", "waited_for"]


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


def waited_for(searcher: Searcher, text: str, *, specs: int = 1) -> float:
    """Seconds until a search in this process finds so many specs. Raises AssertionError after a minute."""
    tree = query.parse(text)
    began = time.perf_counter()
    while searcher.search(tree, limit=1).specs < specs:
        if time.perf_counter() - began > 60:
            raise AssertionError(f"{text} is not found")
        time.sleep(0.005)
    return time.perf_counter() - began


def pushes(
    searcher: Searcher, root: Path, count: int, pause: Callable[[], float] = lambda: 0.0
) -> list[float]:
    """Push so many specs, each when the one before was found; the seconds until a search finds it."""
    seconds = []
    for number in range(count):
        one = record(f"pushed-{number % 50}", f"1.{number}")
        push(root, one)
        seconds.append(waited_for(searcher, f"hash:{one.hash}"))
        time.sleep(pause())
    return seconds
