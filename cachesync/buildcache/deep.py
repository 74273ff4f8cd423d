"""Records that are nested deeper than a decoder goes, taken out so that the others can be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["DEEP", "without_deep"]

MOST_DEPTH = 64
"""Of braces and brackets; real records have 9 with those around them."""
RECORD_DEPTH = 4
"""Of a record's own brace: the document, `database`, `installs`, the record."""
DEEP = b'"nested too deeply"'
"""What stands in the place of such a record."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]', re.DOTALL)
_OPENING = (b"{", b"[")
_CLOSING = (b"}", b"]")


def without_deep(data: bytes | memoryview) -> bytes:
    """The document with DEEP in the place of every record that is nested too deeply.

    It takes a look at every bracket, a hundred times as long as decoding does: for documents that
    cannot be decoded otherwise.
    """
    pieces: list[bytes | memoryview] = []
    view, kept = memoryview(data), 0
    for start, end in _deep(data):
        pieces += (view[kept:start], DEEP)
        kept = end
    return b"".join((*pieces, view[kept:]))


def _deep(data: bytes | memoryview) -> Iterator[tuple[int, int]]:
    """Where records begin and end that are nested too deeply."""
    depth = start = deepest = 0
    for token in _TOKEN.finditer(data):
        found = token[0][:1]
        if found in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
            if depth == RECORD_DEPTH:
                start, deepest = token.start(), depth
        elif found in _CLOSING:
            depth -= 1
            if depth == RECORD_DEPTH - 1 and deepest > MOST_DEPTH:
                yield start, token.end()
                deepest = depth
