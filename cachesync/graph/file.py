"""How the graph lies in a file, whole and proved whole, or not at all.

First a line with the checksum of all that follows, then one of JSON: whose it is (the ledger's identity,
the cursor), and how long each array is; then the arrays as they are in memory, and the tables as JSON.
The file is replaced at once and never written to, so who has it open goes on reading what was.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import IndexUnusableError
from .arrays import Graph, Tables

__all__ = ["SCHEMA", "Mark", "Stamp", "Stored", "discard", "read", "write"]

SCHEMA = 2
"""Raised when what is stored changes: a file with another number is made anew."""
MOST_DIGITS = 16
MOST_HEAD = 1 << 16
_FORMAT = [SCHEMA, sys.byteorder, array("I").itemsize]

Mark = Callable[[int], str | None]
"""What tells the change with a seq from any other that had its number; None when there is none."""


class Stamp(NamedTuple):
    """Whose graph it is, and of when."""

    ledger: str
    seq: int
    mark: str | None


class Stored(NamedTuple):
    """A graph that was read, and the cursor that it stands at."""

    seq: int
    graph: Graph


def write(path: Path, graph: Graph, stamp: Stamp) -> None:
    """Replace the file at once. Raises OSError."""
    arrays = {
        "spec_ids": graph.spec_ids,
        **{f"column {name}": column for name, column in graph.columns.items()},
        **{name: getattr(graph, name) for name in _ARRAYS},
    }
    parts = [graph.placed, *(numbers.tobytes() for numbers in arrays.values())]
    parts += [
        json.dumps(found, separators=(",", ":"), check_circular=False).encode()
        for found in graph.tables
    ]
    kinds = ["", *(numbers.typecode for numbers in arrays.values())]
    names = ["placed", *arrays, *Tables._fields]
    head = {
        "format": _FORMAT,
        "stamp": stamp,
        "parts": [
            (name, kind, len(part))
            for name, kind, part in zip(
                names, kinds + [""] * len(Tables._fields), parts, strict=True
            )
        ],
    }
    parts.insert(0, json.dumps(head).encode() + b"\n")
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    beside = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(beside, "wb") as file:
            file.write(b"%d\n" % checksum)
            file.writelines(parts)
        beside.chmod(0o644)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


_ARRAYS = (
    "builds", "starts", "children", "kinds", "back_starts", "back_downs", "parents", "back_kinds",
)  # fmt: skip


def read(path: Path, *, ledger: str, mark: Mark) -> Stored:
    """The graph in a file, proved whole and of this ledger. Raises IndexUnusableError, and nothing else."""
    try:
        return _read(path, ledger, mark)
    except IndexUnusableError:
        raise
    except FileNotFoundError:
        raise IndexUnusableError("there is no graph") from None
    except Exception as error:  # what is damaged may raise anything
        raise IndexUnusableError(f"the graph cannot be read ({type(error).__name__})") from error


def _read(path: Path, ledger: str, mark: Mark) -> Stored:
    with open(path, "rb") as file:
        said, first = file.readline(MOST_DIGITS), file.readline(MOST_HEAD)
        checksum = zlib.crc32(first)
        head: dict[str, Any] = json.loads(first)
        found: dict[str, Any] = {}
        for name, kind, length in head["parts"]:
            data = file.read(length)
            checksum = zlib.crc32(data, checksum)
            found[name] = array(kind, data) if kind else data
        if said != b"%d\n" % checksum or file.read(1):
            raise IndexUnusableError("the graph is damaged (a checksum does not match)")
    if head["format"] != _FORMAT:
        raise IndexUnusableError("the graph was written by another version of cachesync")
    stamp = Stamp(*head["stamp"])
    if stamp.ledger != ledger:
        raise IndexUnusableError("the graph belongs to another ledger")
    if mark(stamp.seq) != stamp.mark:
        raise IndexUnusableError("the graph is of another past of the ledger")
    return Stored(stamp.seq, _graph(found))


def _graph(found: dict[str, Any]) -> Graph:
    columns = {
        name.removeprefix("column "): found.pop(name)
        for name in list(found)
        if name.startswith("column ")
    }
    tables = Tables(*(json.loads(found.pop(name)) for name in Tables._fields))
    return Graph(columns=columns, tables=tables, **found)


def discard(path: Path) -> None:
    """Remove it."""
    path.unlink(missing_ok=True)
