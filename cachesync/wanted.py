"""A list of specs and hashes, a line each, as conditions. Pure.

A line is a hash (`/abc...` or 32 characters), or a query that is a spec to begin with: its first
word is the exact name of a package, never a word that others contain too. `#` begins a comment. The
beginning of a hash is enough.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from . import query
from .errors import QueryError, UsageError

__all__ = ["MAX_BYTES", "MAX_LINES", "Wanted", "parse"]

MAX_BYTES = 16 * 2**20
MAX_LINES = 20_000
LEAST_CHARACTERS = 4
"""Of the beginning of a hash: the million such beginnings are more than there are hashes."""

_COMMENT = re.compile(r"(?:^|\s)#.*")
_HASH = re.compile(r"/([a-z2-7]{1,32})|([a-z2-7]{32})")


class Wanted(NamedTuple):
    """What one line asks for."""

    line: int
    """Counted from 1."""
    text: str
    condition: query.Node
    hash: str | None
    """Where the line is nothing but a hash, or its beginning."""


def parse(data: bytes, *, name: str) -> list[Wanted]:
    """What a list asks for, in its order; `name` is what an error calls it.

    Raises QueryError for a line that is not understood, with its number and the position in it, and
    UsageError for what is no text, for too little of a hash and for what exceeds the bounds above.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} is larger than {MAX_BYTES // 2**20} MiB")
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        at = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{name}: line {at} is not UTF-8") from None
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        wanted = _COMMENT.sub("", line).strip()
        if wanted:
            found.append(_wanted(number, wanted, name))
        if len(found) > MAX_LINES:
            raise UsageError(f"{name} asks for more than {MAX_LINES:,} specs")
    return found


def _wanted(number: int, text: str, name: str) -> Wanted:
    of_hash = _HASH.fullmatch(text)
    if of_hash is not None:
        spec_hash = of_hash[1] or of_hash[2]
        if len(spec_hash) < LEAST_CHARACTERS:
            raise UsageError(
                f"{name}: line {number}: {text} may be too many hashes; {LEAST_CHARACTERS} characters"
                " or more tell which"
            )
        return Wanted(number, text, query.Term("hash", spec_hash), spec_hash)
    try:
        return Wanted(number, text, query.parse(text, is_spec=True), None)
    except QueryError as error:
        raise QueryError(
            f"{name}: line {number}: {error.message}",
            query=error.query,
            position=error.position,
            length=error.length,
            hint=error.hint,
        ) from None
