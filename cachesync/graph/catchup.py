"""Bringing the graph up to the ledger: in its file for the writer, in memory for everybody."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import IndexUnusableError
from ..ledger import connect, read
from ..system.garbage import garbage_collection
from . import file

if TYPE_CHECKING:
    from .arrays import Graph

__all__ = ["GRAPH_FILE", "catch_up", "current", "kept", "rebuild"]

GRAPH_FILE = "graph"
"""In the directory of the search index, which it is thrown away with."""


def catch_up(db: connect.Connection, state_dir: Path) -> str | None:
    """Bring the file up to the ledger; the caller holds the writer's lock.

    Returns why all of it was made anew, None where it was not. Raises LedgerError where the ledger cannot be
    read; where the file cannot be written it is removed: then everybody reads the ledger.
    """
    path = _path(state_dir)
    with garbage_collection(wanted=False), connect.ledger_errors(state_dir), read.snapshot(db):
        stored, why = _stored(db, path)
        seq = read.last_seq(db)
        if stored is not None and stored.seq == seq:
            return None
        graph = None if stored is None else _brought_up(db, stored)
        if graph is None:
            graph, why = _made(db), why or "what was known of nodes changed"
        _write(db, path, graph, seq)
        return why


def rebuild(db: connect.Connection, state_dir: Path) -> None:
    """Make the file anew; the caller holds the writer's lock."""
    with garbage_collection(wanted=False), connect.ledger_errors(state_dir), read.snapshot(db):
        _write(db, _path(state_dir), _made(db), read.last_seq(db))


def current(db: connect.Connection, state_dir: Path) -> tuple[Graph, str | None]:
    """The graph as the ledger has it now, and why the file did not do; the caller reads in a snapshot.

    A file that is behind is made longer in memory; where that is too much, or there is none that can be
    used, all nodes are read from the ledger.
    """
    with garbage_collection(wanted=False):
        stored, why = _stored(db, _path(state_dir))
        if stored is not None:
            graph = _brought_up(db, stored)
            if graph is not None:
                return graph, None
        return _made(db), why or "much of the graph changed"


def kept(db: connect.Connection, state_dir: Path) -> file.Stored | None:
    """The graph as its file has it, which may be behind; None where there is none that can be used."""
    return _stored(db, _path(state_dir))[0]


def _path(state_dir: Path) -> Path:
    return state_dir / connect.INDEX_DIRECTORY / GRAPH_FILE


def _stored(db: connect.Connection, path: Path) -> tuple[file.Stored | None, str | None]:
    try:
        mark = partial(read.mark, db)
        return file.read(path, ledger=read.identity(db), mark=mark), None
    except IndexUnusableError as error:
        return None, error.message


def _write(db: connect.Connection, path: Path, graph: Graph, seq: int) -> None:
    stamp = file.Stamp(read.identity(db), seq, read.mark(db, seq))
    try:
        file.write(path, graph, stamp)
    except OSError:  # it is made anew each time, until there is room
        with suppress(OSError):
            file.discard(path)


def _made(db: connect.Connection) -> Graph:
    from . import following  # what is up to date, as it mostly is, does without

    return following.made(db)


def _brought_up(db: connect.Connection, stored: file.Stored) -> Graph | None:
    """The graph with all that changed since; None where it has to be made anew."""
    if stored.seq == read.last_seq(db):
        return stored.graph
    from . import following

    return following.brought_up(db, stored)
