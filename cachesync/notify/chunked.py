"""The body of a captured request that was sent in chunks (RFC 9112, 7.1). Pure.

What is captured may have passed through an editor or a log: a line may end in a bare line feed, and
what stands behind the last chunk is not looked at, trailers included: none of them is signed.
"""

from __future__ import annotations

import re

__all__ = ["ChunkError", "decoded", "is_chunked"]

MOST_LINE_BYTES = 4096
"""Of the line before a chunk: its size, and extensions that nobody reads."""
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")


class ChunkError(ValueError):
    """Chunks that are not whole, or none."""


def is_chunked(encoding: str) -> bool:
    """Whether a `Transfer-Encoding` is `chunked` alone. Raises ChunkError for any other."""
    codings = [coding.strip().lower() for coding in encoding.split(",") if coding.strip()]
    if codings in ([], ["identity"]):
        return False
    if codings != ["chunked"]:
        raise ChunkError(f"a body with Transfer-Encoding: {encoding} is not read")
    return True


def decoded(body: bytes) -> bytes:
    """What the chunks of `body` hold together.

    A body that does not begin with the size of a chunk is returned as it is: many a receiver notes
    the headers as they came, and the body as it took it. Raises ChunkError for chunks that end
    early, or are not as long as they say.
    """
    if _SIZE.match(body, 0, MOST_LINE_BYTES) is None:
        return body
    parts: list[bytes] = []
    at, chunk = 0, 1
    while True:
        line = _SIZE.match(body, at, at + MOST_LINE_BYTES)
        if line is None:
            return _end(body, at, chunk, parts)
        size = int(line[1], 16)
        if size == 0:
            return b"".join(parts)
        data = body[line.end() : line.end() + size]
        if len(data) < size:
            raise ChunkError(
                f"the body ends early: chunk {chunk:,} has {len(data):,} of {size:,} bytes"
            )
        parts.append(data)
        at = _after(body, line.end() + size, chunk)
        chunk += 1


def _after(body: bytes, at: int, chunk: int) -> int:
    """Where the line goes on that ends the data of a chunk at `at`."""
    for end in (b"\r\n", b"\n"):
        if body.startswith(end, at):
            return at + len(end)
    if body[at:] in (b"", b"\r"):
        raise ChunkError(f"the body ends early: after chunk {chunk:,}, without a last one")
    raise ChunkError(f"chunk {chunk:,} of the body is longer than the size before it")


def _end(body: bytes, at: int, chunk: int, parts: list[bytes]) -> bytes:
    """What stands where no size does: at the very end a last chunk whose line was trimmed."""
    rest = body[at:]
    if rest.rstrip(b"\r") == b"0":
        return b"".join(parts)
    if len(rest) < MOST_LINE_BYTES and b"\n" not in rest:
        raise ChunkError(f"the body ends early: after chunk {chunk - 1:,}, without a last one")
    raise ChunkError(f"chunk {chunk:,} of the body does not begin with its size")
