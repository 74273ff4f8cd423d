"""Reading the cache indexes of a source: some at a time where it allows that, their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import SourceError
from ..ledger.outcomes import StatementRow
from ..sources.base import Failed
from .mirrorsource import Answer, MirrorSource, Statement

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["closed", "reads"]

_Pair = tuple[Statement, StatementRow]


def reads(
    source: MirrorSource,
    pairs: Iterable[_Pair],
    memory: Callable[[StatementRow], Mapping[str, str]],
) -> Generator[tuple[Statement, StatementRow, Answer], None, None]:
    """What each cache index says, in order. No more wait to be taken than are read at one time.

    What is taken is to be closed by who takes it.
    """
    if source.concurrency == 0:
        for statement, known in pairs:
            yield statement, known, _read(source, statement, memory(known))
        return
    from concurrent.futures import ThreadPoolExecutor

    under_way: deque[tuple[_Pair, Future[Answer]]] = deque()
    with ThreadPoolExecutor(source.concurrency, thread_name_prefix="mirror") as pool:
        try:
            for statement, known in pairs:
                reading = pool.submit(_read, source, statement, memory(known))
                under_way.append(((statement, known), reading))
                if len(under_way) > source.concurrency:
                    pair, reading = under_way.popleft()
                    yield *pair, reading.result()
            while under_way:
                pair, reading = under_way.popleft()
                yield *pair, reading.result()
        finally:
            for _, reading in under_way:
                if not reading.cancel() and reading.exception() is None:
                    closed(reading.result())


def closed(seen: object) -> None:
    """Let go of what was read."""
    close = getattr(seen, "close", None)
    if close is not None:
        with suppress(BufferError):  # where something refers to a mapped file, it goes with that
            close()


def _read(source: MirrorSource, statement: Statement, memory: Mapping[str, str]) -> Answer:
    try:
        return source.read(statement, memory)
    except SourceError as error:
        return Failed(error.message, is_passing=True)
