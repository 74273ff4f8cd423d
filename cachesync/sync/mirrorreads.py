"""The cache indexes of a source: their rows, and reading them, some at a time where it allows that, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from .. import net
from ..errors import SourceError
from ..ledger.outcomes import SourceRow, StatementRow
from ..ledger.write import Writer
from ..sources.base import Failed
from .mirrorsource import Answer, MirrorSource, Statement

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["closed", "reads", "rows_of"]

_Pair = tuple[Statement, StatementRow]


def rows_of(
    writer: Writer, source: SourceRow, statements: Sequence[Statement]
) -> list[StatementRow]:
    """The row of each cache index, made or brought up to date."""
    known = {(one.tag, one.stack): one for one in writer.statements(source)}
    found = []
    for statement in statements:
        url, view = net.shown(statement.url), statement.view
        path = url if view is None else f"{url}/v3/manifests/index/{view}/index.manifest.json"
        row = known.get((statement.tag, statement.stack))
        if row is None or (row.url, row.view, row.path) != (url, view, path):
            row = writer.statement(
                source, url=url, view=view, tag=statement.tag, stack=statement.stack, path=path
            )
        found.append(row)
    return found


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
