"""What `wait` says: what it waits for, and why that may take long. Talk, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ... import query
from ...errors import LedgerError
from ...ledger.read import SourceAge
from ...search.answers import Answer
from ...search.leftout import asks_pages
from ...search.searcher import Searcher
from .. import paths
from ..display import leftopen, output
from ..options import Globals
from ..remedies import reaching

__all__ = ["Wish", "say_over", "say_start", "span"]

SHOWN = 8
"""Sources that are named."""


class Wish(NamedTuple):
    """What is waited for."""

    text: str
    """The query, as it was written."""
    node: query.Node
    specs: int
    """How many have to match."""
    seconds: float | None
    """For how long at most; None: for ever."""


def say_start(
    wish: Wish,
    searcher: Searcher | None,
    answer: Answer | None,
    fault: LedgerError | None,
    options: Globals,
) -> None:
    """Say what is waited for, what was perhaps meant, how old the sources are and who reads them.

    A `fault` is why the ledger does not answer yet.
    """
    most = "" if wish.seconds is None else f", for {span(wish.seconds)} at most"
    _say_unsaid(wish.node, searcher if answer is not None else None)
    _say(f"waiting for {_named(wish, answer)}{most}")
    if fault is not None:
        _say(reaching(fault.message, options))
    elif searcher is not None and answer is not None:
        if not answer.builds:
            from ...search.respelling import hints
            from ..display import nohit

            with searcher.moment():
                said = hints(searcher, wish.text)
            for text in said:
                _say(text)
            nohit.explain(searcher, wish.node).say()
        _say(_ages(answer.sources, time.time()))
    _say(reaching(_reader(paths.state_dir(options)), options))


def _say_unsaid(node: query.Node, searcher: Searcher | None) -> None:
    """Say what pages will never tell of what is waited for, unless no page is in question."""
    if searcher is not None:
        with searcher.moment() as db:
            if not asks_pages(searcher, db, node):
                return
    leftopen.say_unsaid(node, dependencies=False)


def say_over(wish: Wish, answer: Answer | None) -> None:
    """Say that the time is over."""
    _say(f"not cached after {span(wish.seconds or 0)}: {_named(wish, answer)}")


def span(seconds: float) -> str:
    """A duration in its largest whole unit: `2 h`, `90 min`, `1 day`, `0.3 s`."""
    for unit, size in (("day", 86_400), ("h", 3_600), ("min", 60)):
        count, rest = divmod(seconds, size)
        if count and not rest:
            return f"{count:.0f} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{seconds:g} s"


def _named(wish: Wish, answer: Answer | None) -> str:
    if wish.specs == 1:
        return f"`{wish.text}`"
    there = 0 if answer is None else answer.specs
    return f"{wish.specs:,} specs of `{wish.text}`, {there:,} cached"


def _ages(sources: Sequence[SourceAge], now: float) -> str:
    """One line of all sources."""
    told = [_age(source, now) for source in sources[:SHOWN]]
    more = f", and {len(sources) - SHOWN:,} more" if len(sources) > SHOWN else ""
    return ", ".join(told) + more if told else "there is no source"


def _age(source: SourceAge, now: float) -> str:
    if source.last_success is None:
        told = f"{source.name} was never read completely"
    else:
        told = f"{source.name} is {output.age(now - source.last_success / 1e6)} old"
    bad = source.state not in ("ok", "never")
    return told + (f" ({source.state}{f': {source.error}' if source.error else ''})" if bad else "")


def _reader(state_dir: Path) -> str:
    from ...daemon import runtime

    daemon = runtime.running(state_dir)
    if daemon is None:
        return "no daemon runs: nothing comes until `cachesync sync` or `cachesync run`"
    return f"the daemon (pid {daemon['pid']}) reads what is new"


def _say(text: str) -> None:
    output.print_line(f"cachesync: {text}", to=sys.stderr)
