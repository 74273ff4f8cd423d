"""A list of specs and hashes, a line each, as conditions. Pure.

A line is a hash (`/abc...` or 32 characters), or a query that is a spec to begin with: its first
word is the exact name of a package, never a word that others contain too. `#` begins a comment. The
beginning of a hash is enough.

What stands in the lists of a spack.yaml may be pasted as it is: the dash before an item, the quotes
around it and the comma behind it are YAML's, and no part of the spec. The rest of a spack.yaml is not
read: what it asks for is in its spack.lock.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from .. import query
from ..errors import ListError, QueryError, UsageError
from ..query import minus

__all__ = [
    "MAX_BYTES",
    "MAX_LINES",
    "Wanted",
    "is_spack_yaml",
    "is_yaml",
    "parse",
    "with_variants_off",
]

MAX_BYTES = 16 * 2**20
MAX_LINES = 20_000
LEAST_CHARACTERS = 4
"""Of the beginning of a hash: the million such beginnings are more than there are hashes."""

MOST_PROBLEMS = 100
"""Bad lines that are told one by one: a file that is no list at all has as many as it has lines."""
SHOWN_CHARACTERS = 120
"""Of a bad line among several."""

_MARKERS = ("---", "...")
"""Where a YAML document begins and ends."""
_COMMENT = re.compile(r"(?:^|\s)#.*")
_DASHES = re.compile(r"(?:-\s+)+(?=\S)")
_COMMA = re.compile(r"\s*,$")
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_SPACK_YAML = re.compile(
    rb"^(?:\xef\xbb\xbf)?[\"']?(?:spack|env)[\"']?[ \t]*::?[ \t]*(?:[{#].*)?\r?$", re.MULTILINE
)
_BEGINS_YAML = re.compile(
    rb"(?:[^\S\n]*(?:#[^\n]*)?\n)*[^\S\n]*(?:---|-\s|[\"']?\w+[\"']?\s*:(?:\s|$))"
)
_OF_YAML = re.compile(r"\$|\[|\]|\{|\}|&|[A-Za-z_]+:(?:\s|$)")
_HASH = re.compile(r"/([a-z2-7]{1,32})|([a-z2-7]{32})")


class Wanted(NamedTuple):
    """What one line asks for."""

    line: int
    """Counted from 1."""
    text: str
    condition: query.Node
    hash: str | None
    """Where the line is nothing but a hash, or its beginning."""
    read_as: str | None = None
    """The text of the condition, where that is not how the line is written."""
    off: tuple[str, ...] = ()
    """Variants that a minus turned off."""


def with_variants_off(wanted: Wanted, variants: Collection[str]) -> Wanted:
    """A line in which `-x` is `~x` where x is one of the `variants` that its package can turn off."""
    text, off = minus.as_off(wanted.text, variants)
    if not off:
        return wanted
    try:
        condition = query.parse(text, is_spec=True)
    except QueryError:  # Spack does not read it so
        return wanted
    return wanted._replace(condition=condition, read_as=text, off=tuple(off))


def is_spack_yaml(data: bytes) -> bool:
    """Whether a file that is no JSON is the manifest of an environment: it has a key `spack:`."""
    return _SPACK_YAML.search(data) is not None


def is_yaml(data: bytes) -> bool:
    """Whether what a file begins with is an item or a key of YAML, behind comments."""
    return _BEGINS_YAML.match(data) is not None


def parse(data: bytes, *, name: str) -> list[Wanted]:
    """What a list asks for, in its order, at least one thing; `name` is what an error calls it.

    Raises, with the number of the line, QueryError for a line that is not understood (with the
    position in it), UsageError for one that is no text or has too little of a hash, and ListError
    for several such lines together. Raises UsageError for a list that asks for nothing and for what
    exceeds the bounds above.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} is larger than {MAX_BYTES // 2**20} MiB")
    found = []
    wrong: list[tuple[str, QueryError | UsageError]] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = _COMMENT.sub("", line.decode()).strip()
            if text and text not in _MARKERS:
                found.append(_wanted(number, text))
        except UnicodeDecodeError:
            error_text = f"line {number} is not UTF-8"
            wrong.append((error_text, UsageError(error_text)))
        except (QueryError, UsageError) as error:
            wrong.append((f"line {number}: {error.message}", error))
        if len(found) + len(wrong) > MAX_LINES:
            raise UsageError(f"{name} asks for more than {MAX_LINES:,} specs")
    if wrong:
        raise _refusal(wrong, name)
    if not found:
        raise UsageError(
            f"{name} has nothing to check",
            hint="a list has a spec or a /hash on each line; was what writes it successful?",
        )
    return found


def _refusal(
    wrong: list[tuple[str, QueryError | UsageError]], name: str
) -> UsageError | QueryError:
    """One error for all bad lines, of which each has its text."""
    if len(wrong) > 1:
        problems = [_problem(text, error) for text, error in wrong[:MOST_PROBLEMS]]
        if len(wrong) > MOST_PROBLEMS:
            problems.append(f"... and {len(wrong) - MOST_PROBLEMS:,} more")
        hints = {error.hint for _, error in wrong}
        return ListError(
            f"{name}: {len(wrong):,} lines are not understood",
            tuple(problems),
            hint=hints.pop() if len(hints) == 1 else None,
        )
    ((text, error),) = wrong
    message = f"{name}: {text}"
    if isinstance(error, UsageError):
        return UsageError(message, hint=error.hint)
    return QueryError(
        message, query=error.query, position=error.position, length=error.length, hint=error.hint
    )


def _problem(text: str, error: QueryError | UsageError) -> str:
    """A bad line among several: what is wrong, and where what is wrong does not tell, the line."""
    if isinstance(error, UsageError):
        return text
    more = "..." if len(error.query) > SHOWN_CHARACTERS else ""
    return f"{text}: {error.query[:SHOWN_CHARACTERS]}{more}"


def _wanted(number: int, line: str) -> Wanted:
    text = _unwrapped(line)
    of_hash = _HASH.fullmatch(text)
    if of_hash is not None:
        spec_hash = of_hash[1] or of_hash[2]
        if len(spec_hash) < LEAST_CHARACTERS:
            raise UsageError(
                f"{text} may be too many hashes; {LEAST_CHARACTERS} characters or more tell which"
            )
        return Wanted(number, text, query.Term("hash", spec_hash), spec_hash)
    try:
        condition = query.parse(text, is_spec=True)
    except QueryError as error:
        if _OF_YAML.match(text):
            error.hint = "of a spack.yaml a list has the specs alone; check its spack.lock"
        raise
    if query.is_met_by_all(condition):
        raise QueryError(
            "this asks for nothing: everything matches it",
            query=text, position=0, length=len(text), hint="name a package",
        )  # fmt: skip
    if not query.wants(condition):
        raise QueryError(
            "this only says what shall not be there",
            query=text, position=0, length=len(text), hint="an item of a YAML list is `- hdf5`, with a blank",
        )  # fmt: skip
    return Wanted(number, text, condition, None)


def _unwrapped(line: str) -> str:
    """The spec in an item of a YAML list, or in quotes; any other line as it is."""
    bare = _COMMA.sub("", _DASHES.sub("", line, count=1) if _DASHES.match(line) else line)
    single = _SINGLE.fullmatch(bare)
    if single is not None:
        return single[1].replace("''", "'").strip() or line
    double = _DOUBLE.fullmatch(bare)
    if double is not None:
        return _ESCAPED.sub(r"\1", double[1]).strip() or line
    return bare or line
