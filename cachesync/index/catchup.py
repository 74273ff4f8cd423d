"""Bringing the search index up to the ledger, and the graph beside it. The caller holds the writer's lock."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import IndexUnusableError
from ..graph import catchup as graph
from ..ledger import connect, read
from ..ledger.documents import documents
from ..system import child
from ..system.garbage import garbage_collection
from . import writer
from .layout import CURRENT
from .reader import SearchIndex

__all__ = ["Files", "catch_up", "files", "rebuild", "serve"]

WORTH_A_PROCESS = 5_000
"""Builds from which a second process pays for its start (some 200 ms)."""


Files = tuple[tuple[str, int, int, int], ...]
"""Of each file of an index: its name, inode, size in bytes, and when it was written, in nanoseconds."""


def files(state_dir: Path) -> Files:
    """What tells whether an index was touched since; costs next to nothing."""
    root = state_dir / connect.INDEX_DIRECTORY
    found: Files = ()
    for folder in (root, root / CURRENT):
        with suppress(OSError), os.scandir(folder) as entries:
            looked = [(e.name, e.stat(follow_symlinks=False)) for e in entries]
            found += tuple(sorted((n, s.st_ino, s.st_size, s.st_mtime_ns) for n, s in looked))
    return found


def catch_up(db: connect.Connection, state_dir: Path) -> str | None:
    """Index what changed since the index's cursor; everything when it cannot be used.

    Returns why everything was indexed, None when only changes were.
    Raises LedgerError when the index cannot be written.
    """
    why = _catch_up(db, state_dir)
    graph.catch_up(db, state_dir)
    return why


def _catch_up(db: connect.Connection, state_dir: Path) -> str | None:
    root = state_dir / connect.INDEX_DIRECTORY
    with garbage_collection(wanted=False), connect.ledger_errors(state_dir), read.snapshot(db):
        ledger, seq, mark = read.identity(db), read.last_seq(db), partial(read.mark, db)
        try:
            opened = SearchIndex(root, ledger=ledger, mark=mark)
        except IndexUnusableError as error:
            why = error.message
        else:
            behind_from = opened.seq
            opened.close()
            if behind_from == seq:
                return None
            why = "most of it changed"
            touched = read.touched_since(db, behind_from)
            if writer.update(
                root,
                ledger=ledger,
                mark=mark,
                seq=seq,
                touched=touched,
                documents=documents(db, touched),
            ):
                return None
        _rebuild(db, state_dir)
        return why


def rebuild(db: connect.Connection, state_dir: Path) -> None:
    """Build the index anew beside the old one and swap it in, and the graph too."""
    with garbage_collection(wanted=False), connect.ledger_errors(state_dir), read.snapshot(db):
        _rebuild(db, state_dir)
    graph.rebuild(db, state_dir)


def _rebuild(db: connect.Connection, state_dir: Path) -> None:
    build = partial(
        writer.rebuild,
        state_dir / connect.INDEX_DIRECTORY,
        ledger=read.identity(db),
        mark=partial(read.mark, db),
        seq=read.last_seq(db),
    )
    if child.is_worth_it() and read.build_count(db) >= WORTH_A_PROCESS:
        with ExitStack() as started, suppress(_BesideError):  # then without it, below
            more = partial(_beside, db, state_dir, started)
            build(documents=documents(db, half=0), more=more)
            return
    build(documents=documents(db))


class _BesideError(Exception):
    """The process beside did not deliver its half. It costs its speed only."""


def _beside(
    db: connect.Connection, state_dir: Path, started: ExitStack, folder: Path
) -> Callable[[], Any]:
    """Have another process write a segment of half of the builds; returns what waits for it.

    It is ended with `started`, whatever happens to this half.
    """
    try:
        process = child.start(__name__, "serve")
        started.callback(child.end, process)
        child.send((state_dir, folder, read.last_seq(db)), process.stdin)
    except OSError as error:
        raise _BesideError from error

    def segment() -> Any:
        try:
            return child.receive(process.stdout)
        except EOFError as error:
            raise _BesideError from error

    return segment


def serve() -> None:
    """The process beside: one task from standard input, a segment to standard output."""
    state_dir, folder, seq = child.receive(sys.stdin.buffer)
    db = connect.open_reader(state_dir)
    with garbage_collection(wanted=False), read.snapshot(db):
        if read.last_seq(db) == seq:
            segment = writer.write_segment(folder, documents(db, half=1))
            child.send(segment, sys.stdout.buffer)
