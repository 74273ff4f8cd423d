"""Bringing the search index up to the ledger. The caller holds the writer's lock."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from . import index
from .errors import IndexUnusableError
from .ledger import connect, read

__all__ = ["catch_up", "rebuild"]


def catch_up(db: connect.Connection, state_dir: Path) -> str | None:
    """Index what changed since the index's cursor; everything when it cannot be used.

    Returns why everything was indexed, None when only changes were.
    Raises LedgerError when the index cannot be written.
    """
    root = state_dir / connect.INDEX_DIRECTORY
    with connect.ledger_errors(state_dir), read.snapshot(db):
        ledger, seq, mark = read.identity(db), read.last_seq(db), partial(read.mark, db)
        try:
            opened = index.SearchIndex(root, ledger=ledger, mark=mark)
        except IndexUnusableError as error:
            why = error.message
        else:
            behind_from = opened.seq
            opened.close()
            if behind_from == seq:
                return None
            why = "most of it changed"
            touched = read.touched_since(db, behind_from)
            documents = read.documents(db, touched)
            if index.update(
                root, ledger=ledger, mark=mark, seq=seq, touched=touched, documents=documents
            ):
                return None
        index.rebuild(root, ledger=ledger, mark=mark, seq=seq, documents=read.documents(db))
        return why


def rebuild(db: connect.Connection, state_dir: Path) -> None:
    """Build the index anew beside the old one and swap it in."""
    with connect.ledger_errors(state_dir), read.snapshot(db):
        index.rebuild(
            state_dir / connect.INDEX_DIRECTORY,
            ledger=read.identity(db),
            mark=partial(read.mark, db),
            seq=read.last_seq(db),
            documents=read.documents(db),
        )
