"""A query that is typed as one would say it: which of its words are conditions, and which only join them. Pure.

`is trilinos 16 cached`, `hdf5 or zlib`, `hdf5 without mpi`, `trilinos not develop`. Nothing is decided here that
depends on what there is: whether `without mpi` is a variant that is off is asked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from enum import Enum
from typing import NamedTuple

__all__ = ["LEFT_OUT", "Piece", "Role", "name_in", "paired", "pieces", "written"]


class Role(Enum):
    """What a piece of a query is for."""

    AS_IT_IS = "syntax, quotes, a parenthesis"
    NAME = "the exact name of the package, perhaps with what is asked of it"
    WORD = "a bare word"
    LEFT_OUT = "asks for nothing"
    OR = "between alternatives"
    NOT = "excludes what stands behind it"
    WITHOUT = "asks for something to be off, or not there"
    HERE = "the machine that it is asked on"


LEFT_OUT = frozenset((
    "a", "already", "an", "and", "any", "anything", "anywhere", "are", "at", "available", "be", "binaries", "binary",
    "build", "builds", "built", "but", "by", "cache", "cached", "can", "compatible", "compiled", "compiler", "could", "do",
    "does", "exist", "exists", "find",
    "for", "from", "get", "give", "got", "has", "have", "here", "how", "i", "in", "installed", "is", "it", "latest", "list",
    "machine", "machines", "me", "my", "need", "newest", "of", "on", "our", "package", "packages", "please",
    "prebuilt", "ready", "recent", "run", "running", "runs", "should", "show", "some", "spack", "support", "supporting",
    "supports", "that", "the", "these", "this",
    "there", "to", "under", "us", "use", "using", "version", "versions", "want", "was", "we", "what", "where", "which",
    "will", "with", "would", "yet", "you", "your",
    "&", "&&", "?", "!", ",", ";",
))  # fmt: skip
"""Small words, and such as say only that one looks for a binary."""
_OR = frozenset(("or", "|", "||"))
_NOT = frozenset(("not", "except", "excluding"))
_WITHOUT = frozenset(("without", "no", "lacking"))

_SMALL = (
    (Role.OR, _OR),
    (Role.NOT, _NOT),
    (Role.WITHOUT, _WITHOUT),
    (Role.LEFT_OUT, LEFT_OUT),
)

_CHUNK = re.compile(
    # What stands between quotes belongs to what it touches; parentheses stand alone.
    r"""[()]|(?:"[^"]*"|'(?:[^'\\]|\\.)*'|[^\s"()])+|\S"""
)
_TRAILING = "?!,;"

_UP = frozenset(("above", "greater", "higher", "later", "newer", "up", "upwards"))
_DOWN = frozenset(("below", "earlier", "lower", "older"))
_BOUND = re.compile(r"(?:at (least|most) |(\w+) than )?(\d[\w.]*)(?: (?:or|and) (\w+))?")
_PARTS_OF_BOUND = 3

_THIS = frozenset(("my", "our", "this"))
_MACHINE = frozenset((
    "arch", "architecture", "box", "computer", "cpu", "host", "laptop", "machine", "node", "processor", "system",
    "workstation",
))  # fmt: skip
_RUN = frozenset(("run", "running", "runs", "runnable", "usable", "works"))


class Piece(NamedTuple):
    """One piece of a query."""

    typed: str
    """As it stands in the query; of NOT and WITHOUT with what stands behind."""
    role: Role
    text: str
    """What it asks for: without what ends a sentence; of NOT and WITHOUT what stands behind it."""


def pieces(text: str, words: Collection[str], names: Collection[str]) -> list[Piece]:
    """A query in pieces; `words` are those that are words in its tree, `names` what it names exactly.

    Both are in the tree's spelling: words in lower case.
    """
    first = [_piece(chunk, words, names) for chunk in _CHUNK.findall(text)]
    return _checked(_joined(_with_bounds(_with_this_machine(first))))


def paired(found: list[Piece], is_pair: Callable[[str], bool]) -> list[Piece]:
    """With a word and the number behind it as one word where they belong together: `gcc 12`, `ubuntu 22.04`."""
    pairs: list[Piece] = []
    for piece in found:
        before = pairs[-1] if pairs else None
        if before is not None and before.role is piece.role is Role.WORD:
            text = f"{before.text} {piece.text}"
            if piece.text[:1].isdigit() and is_pair(text):
                pairs[-1] = Piece(f"{before.typed} {piece.typed}", Role.WORD, text)
                continue
        pairs.append(piece)
    return pairs


def written(parts: Iterable[str]) -> str:
    """The text of a query of some pieces."""
    text = ""
    for part in parts:
        glued = not text or text.endswith(("(", " -")) or text == "-" or part == ")"
        text += part if glued else f" {part}"
    return text


def name_in(chunk: str, names: Collection[str]) -> str | None:
    """Which of some exact names a piece of a query begins with, and perhaps is."""
    found = (name for name in names if chunk == name or chunk.startswith(_behind(name)))
    return next(found, None)


def _behind(name: str) -> tuple[str, ...]:
    return tuple(f"{name}{sigil}" for sigil in "@%+~^/")


def _piece(chunk: str, words: Collection[str], names: Collection[str]) -> Piece:
    core = chunk.rstrip(_TRAILING) or chunk
    # Nothing is called `is`: beside spec syntax a first word is taken for a name whatever it is.
    is_word = chunk.lower() in words and chunk != "OR"
    if is_word or chunk in names:
        for role, known in _SMALL:
            if core.lower() in known:
                return Piece(chunk, role, "")
    if name_in(chunk, names) is not None:
        return Piece(chunk, Role.NAME, chunk)
    return Piece(chunk, Role.WORD, core) if is_word else Piece(chunk, Role.AS_IT_IS, chunk)


def _with_this_machine(first: list[Piece]) -> list[Piece]:
    """With `my machine`, `this node`, `runs here` as one piece each, which is the machine that it is asked on."""
    found: list[Piece] = []
    for piece in first:
        before = found[-1] if found else None
        if before is not None and _is_here(before, piece):
            found[-1] = Piece(f"{before.typed} {piece.typed}", Role.HERE, "")
        else:
            found.append(piece)
    return found


def _with_bounds(first: list[Piece]) -> list[Piece]:
    """With `3.30 or newer` and `at least 3.30` as one piece each, which asks for versions from there on."""
    found: list[Piece] = []
    at = 0
    while at < len(first):
        for length in range(_PARTS_OF_BOUND, 0, -1):
            several = first[at : at + length]
            bound = _bound(several) if len(several) == length else None
            if bound is not None:
                found.append(Piece(" ".join(p.typed for p in several), Role.AS_IT_IS, bound))
                at += length
                break
        else:
            found.append(first[at])
            at += 1
    return found


def _bound(several: list[Piece]) -> str | None:
    """The versions that some pieces ask for in words; None where they do not."""
    if any(piece.role in (Role.AS_IT_IS, Role.NAME, Role.HERE) for piece in several):
        return None
    said = _BOUND.fullmatch(" ".join(p.typed.lower().rstrip(_TRAILING) for p in several))
    if said is None:
        return None
    least, before, version, behind = said.groups()
    if before is not None:
        bound = f"@{version}:" if before in _UP else f"@:{version}" if before in _DOWN else None
        return None if bound is None or behind is not None else f"{bound} -version:{version}"
    if least == "least" or behind in _UP:
        return f"@{version}:"
    return f"@:{version}" if least == "most" or behind in _DOWN else None


def _is_here(before: Piece, piece: Piece) -> bool:
    if not {before.role, piece.role} <= {Role.WORD, Role.LEFT_OUT}:
        return False
    first, second = before.typed.lower(), piece.typed.lower().rstrip(_TRAILING)
    return (first in _THIS and second in _MACHINE) or (first in _RUN and second == "here")


def _joined(first: list[Piece]) -> list[Piece]:
    """With what stands behind a `not` or `without` taken into it."""
    found: list[Piece] = []
    rest = iter(first)
    for piece in rest:
        if piece.role not in (Role.NOT, Role.WITHOUT):
            found.append(piece)
            continue
        between = []
        behind = next(rest, None)
        while behind is not None and behind.role is Role.LEFT_OUT:
            between.append(behind)
            behind = next(rest, None)
        found += between
        found += _negated(piece, behind)
    return found


def _negated(piece: Piece, behind: Piece | None) -> list[Piece]:
    if behind is None:
        return [piece._replace(role=Role.AS_IT_IS, text=piece.typed)]  # of nothing: remains a word
    typed = f"{piece.typed} {behind.typed}"
    if behind.text == "(":
        return [Piece(piece.typed, Role.NOT, ""), behind]  # `-(a b)`
    if behind.role is Role.WORD or behind.text[:1] == "+":
        return [Piece(typed, piece.role, behind.text)]
    if behind.role in (Role.AS_IT_IS, Role.NAME) and behind.text[:1] not in ("-", ")"):
        return [Piece(typed, Role.NOT, behind.text)]
    return [piece._replace(role=Role.AS_IT_IS, text=piece.typed), behind]


def _checked(found: list[Piece]) -> list[Piece]:
    """With every `or` that stands between no two alternatives left out."""
    for at, piece in enumerate(found):
        if piece.role is Role.OR and not (
            _is_operand(found[:at][::-1], "(") and _is_operand(found[at + 1 :], ")")
        ):
            found[at] = piece._replace(role=Role.LEFT_OUT)
    return found


def _is_operand(side: list[Piece], end: str) -> bool:
    """Whether the nearest piece on a side, the nearest first, can be an alternative."""
    for piece in side:
        if piece.role is not Role.LEFT_OUT:
            return piece.role is not Role.OR and piece.text not in (end, "OR")
    return False
