"""How the graph lies in a file, whole and proved whole, or not at all.

First a line of JSON: whose it is (the ledger's identity, the cursor), where the arrays begin, and a
checksum of all that follows; then the arrays as they are in memory, and the tables as JSON. The file is
replaced at once and never written to, so who has it open goes on reading what was.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import zlib
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import IndexUnusableError
from .arrays import Graph, Tables

__all__ = ["SCHEMA", "Mark", "Stamp", "Stored", "discard", "read", "write"]

SCHEMA = 1
"""Raised when what is stored changes: a file with another number is made anew."""
MOST_HEAD = 1 << 20
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
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    head = {
        "format": _FORMAT,
        "stamp": stamp,
        "checksum": checksum,
        "parts": [
            (name, kind, len(part))
            for name, kind, part in zip(
                names, kinds + [""] * len(Tables._fields), parts, strict=True
            )
        ],
    }
    beside = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(beside, "wb") as file:
            file.write(json.dumps(head).encode() + b"\n")
            file.writelines(parts)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


_ARRAYS = (
    "starts", "children", "kinds", "back_starts", "back_downs", "parents", "back_kinds",
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
        first = file.readline(MOST_HEAD)
        head: dict[str, Any] = json.loads(first)
        if head["format"] != _FORMAT:
            raise IndexUnusableError("the graph was written by another version of cachesync")
        stamp = Stamp(*head["stamp"])
        if stamp.ledger != ledger:
            raise IndexUnusableError("the graph belongs to another ledger")
        if mark(stamp.seq) != stamp.mark:
            raise IndexUnusableError("the graph is of another past of the ledger")
        parts: list[tuple[str, str, int]] = head["parts"]
        if os.fstat(file.fileno()).st_size != len(first) + sum(length for _, _, length in parts):
            raise IndexUnusableError("the graph is damaged (its length is not what it says)")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            if zlib.crc32(memoryview(mapped)[len(first) :]) != head["checksum"]:
                raise IndexUnusableError("the graph is damaged (a checksum does not match)")
            return Stored(stamp.seq, _graph(mapped, len(first), parts))


def _graph(mapped: mmap.mmap, at: int, parts: list[tuple[str, str, int]]) -> Graph:
    found: dict[str, Any] = {}
    for name, kind, length in parts:
        data = mapped[at : at + length]
        at += length
        if kind:
            found[name] = array(kind)
            found[name].frombytes(data)
        else:
            found[name] = data if name == "placed" else json.loads(data)
    columns = {
        name.removeprefix("column "): found.pop(name)
        for name in list(found)
        if name.startswith("column ")
    }
    tables = Tables(*(found.pop(name) for name in Tables._fields))
    return Graph(columns=columns, tables=tables, **found)


def discard(path: Path) -> None:
    """Remove it."""
    path.unlink(missing_ok=True)
