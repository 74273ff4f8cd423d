"""The tokens of Spack's spec syntax: a text cut into pieces, in the language of Spack 1.x or of 0.23. Pure.

The kinds are those of `SpecTokens` in Spack's `spec_parser.py`; at each place they are tried in the
order in which they stand here, and the first that matches is taken. White space separates tokens and
is none. What is no token is refused: nothing is passed over.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Literal, NamedTuple

__all__ = [
    "MAX_LENGTH",
    "MAX_TOKENS",
    "Dialect",
    "Kind",
    "Refused",
    "SpecTextError",
    "Token",
    "assigned",
    "tokens",
    "tokens_of_edge",
]

Dialect = Literal["1.x", "0.23"]
Refused = Literal["syntax", "count", "evaluation"]
"""Spack raises when it reads the text; the text is not exactly one spec; Spack reads it and raises
when it judges by it."""

MAX_LENGTH = 10_000
"""Characters of a text."""
MAX_TOKENS = 500

_ID = r"[a-zA-Z_0-9][a-zA-Z_0-9\-]*"
_DOTTED = rf"{_ID}(?:\.{_ID})+"
_NAME = r"[a-zA-Z_0-9][a-zA-Z_0-9\-.]*"
_ASSIGN = rf"{_ID}(?:,{_ID})*=(?:{_DOTTED}|{_ID})"
_GIT = r"(?:git\.[a-zA-Z_0-9][a-zA-Z_0-9./\-]*|[A-Fa-f0-9]{40})"
_VERSION = r"=?[a-zA-Z0-9_][a-zA-Z_0-9\-.]*\b"
_RANGE = rf"(?:{_VERSION})?:(?:{_VERSION}(?!\s*=))?"
_LIST = rf"(?:{_RANGE}|{_VERSION})(?:\s*,\s*(?:{_RANGE}|{_VERSION}))*"
_QUOTED = r"""'(?:[^']|(?<=\\)')*'|"(?:[^"]|(?<=\\)")*\""""
_FILE = r"(?:\.|/|[a-zA-Z0-9_\-]*/)[a-zA-Z0-9_\-./]*(?:\.json|\.yaml)"


class Kind(Enum):
    """What a token is; the order is that in which they are tried."""

    EDGE_OPEN = "edge_open"
    EDGE_CLOSE = "edge_close"
    SIGIL = "sigil"
    VERSION = "version"
    PROPAGATED_SWITCH = "propagated_switch"
    SWITCH = "switch"
    PROPAGATED_PAIR = "propagated_pair"
    PAIR = "pair"
    COMPILER = "compiler"
    FILE = "file"
    QUALIFIED = "qualified"
    NAME = "name"
    HASH = "hash"


def _forms(dialect: Dialect) -> dict[Kind, str]:
    newer = dialect == "1.x"
    bare = r"[a-zA-Z_0-9\-+*.,:=%^~/\\]+" if newer else r"[a-zA-Z_0-9\-+*.,:=~/\\]+"
    colon = ":?" if newer else ""
    return {
        Kind.EDGE_OPEN: r"(?:\^|%%|%)\[" if newer else r"\^\[",
        Kind.EDGE_CLOSE: rf"\](?:\s*{_ASSIGN})?" if newer else r"\]",
        Kind.SIGIL: rf"(?:\^|%%|%)(?:\s*{_ASSIGN})?" if newer else r"\^",
        Kind.VERSION: rf"@(?:{_GIT}={_VERSION}|{_GIT}|\s*{_LIST})",
        Kind.PROPAGATED_SWITCH: rf"(?:\+\+|~~|--)\s*{_NAME}",
        Kind.SWITCH: rf"[~+\-]\s*{_NAME}",
        Kind.PROPAGATED_PAIR: rf"{_NAME}{colon}==(?:{bare}|{_QUOTED})",
        Kind.PAIR: rf"{_NAME}{colon}=(?:{bare}|{_QUOTED})",
        Kind.COMPILER: r"(?!)" if newer else rf"%\s*{_NAME}(?:\s*@\s*{_LIST})?",
        Kind.FILE: _FILE,
        Kind.QUALIFIED: _DOTTED,
        Kind.NAME: rf"{_ID}|\*" if newer else _ID,
        Kind.HASH: r"/[a-zA-Z_0-9]+",
    }


@lru_cache(maxsize=2)
def _pattern(dialect: Dialect) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{k.value}>{form})" for k, form in _forms(dialect).items()))


@lru_cache(maxsize=2)
def _plain_sigil(dialect: Dialect) -> re.Pattern[str]:
    """A sigil that opens no brackets: the one form that is asked for often, and compiled soon."""
    forms = _forms(dialect)
    return re.compile(f"(?!{forms[Kind.EDGE_OPEN]})(?:{forms[Kind.SIGIL]})")


_SPACE = re.compile(r"\s*")
_ASSIGNED = re.compile(rf"({_ID}(?:,{_ID})*)=({_DOTTED}|{_ID})")


class SpecTextError(ValueError):
    """A text that Spack refuses; `position` counts characters from 0, `length` is at least 1."""

    def __init__(
        self, message: str, position: int, *, length: int = 1, hint: str | None = None,
        kind: Refused = "syntax",
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.message = message
        self.position = position
        self.length = max(1, length)
        self.hint = hint
        self.kind: Refused = kind

    def moved(self, by: int) -> SpecTextError:
        """The same error of a text in which this one's begins `by` characters further on."""
        return SpecTextError(
            self.message, self.position + by, length=self.length, hint=self.hint, kind=self.kind
        )


class Token(NamedTuple):
    """A piece of a text."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the text goes on."""
        return self.start + len(self.text)

    def error(self, message: str, *, hint: str | None = None) -> SpecTextError:
        """An error that points at the token."""
        return SpecTextError(message, self.start, length=len(self.text), hint=hint)


def assigned(token: Token) -> tuple[tuple[str, ...], Token | None]:
    """The virtual packages and the name in `%c,cxx=gcc`, or behind a `]`; none where there is none."""
    found = _ASSIGNED.search(token.text)
    if found is None:
        return (), None
    kind = Kind.QUALIFIED if "." in found[2] else Kind.NAME
    return tuple(found[1].split(",")), Token(kind, found[2], token.start + found.start(2))


def tokens(text: str, dialect: Dialect) -> list[Token]:
    """The tokens of a text.

    Raises SpecTextError for a text that is too long, and for what is no token.
    """
    if len(text) > MAX_LENGTH:
        raise SpecTextError(f"the spec is longer than {MAX_LENGTH:,} characters", 0)
    found: list[Token] = []
    at = _space(text, 0)
    while at < len(text):
        token = _token(text, at, dialect)
        found.append(token)
        if len(found) > MAX_TOKENS:
            raise SpecTextError(f"more than {MAX_TOKENS} parts in one spec", at)
        at = _space(text, token.end)
    return found


def tokens_of_edge(text: str, start: int, dialect: Dialect) -> list[Token]:
    """The tokens that open an edge: one sigil, or all from the bracket behind it to that which closes it.

    Raises SpecTextError for what is no token.
    """
    match = _plain_sigil(dialect).match(text, start)
    if match is not None:
        return [Token(Kind.SIGIL, match[0], start)]
    found = [_token(text, start, dialect)]
    while found[0].kind is Kind.EDGE_OPEN and found[-1].kind is not Kind.EDGE_CLOSE:
        at = _space(text, found[-1].end)
        if at == len(text):
            break
        found.append(_token(text, at, dialect))
    return found


def _token(text: str, at: int, dialect: Dialect) -> Token:
    match = _pattern(dialect).match(text, at)
    if match is None:
        raise _no_token(text, at, dialect)
    assert match.lastgroup is not None, "every form is a group"
    return Token(Kind(match.lastgroup), match[0], at)


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None, "the pattern matches the empty text"
    return match.end()


_NEEDS = {
    "@": "@ needs a version",
    "+": "+ needs the name of a variant",
    "~": "~ needs the name of a variant",
    "-": "- needs the name of a variant",
    "/": "/ needs the beginning of a hash",
    "%": "% needs the name of a package",
    "=": "= needs a name before it and a value behind it, side by side",
    ".": "a name does not begin or end with a dot",
    ":": "no version stands before :",
}
_QUOTES = "'\""
_BEHIND_PERCENT = re.compile(r"%\s*[a-zA-Z_0-9\-.,]+$")


def _no_token(text: str, at: int, dialect: Dialect) -> SpecTextError:
    """What to say of a place where no token begins."""
    found = text[at]
    if found == "=":
        return _no_pair(text, at, dialect)
    if found in _QUOTES:
        return SpecTextError("Spack has quotes only behind a =", at)
    if found == ":":
        return SpecTextError(_NEEDS[found], at, hint="a range is written @1.12:1.14")
    if dialect == "0.23" and text.startswith("%[", at):
        return SpecTextError("Spack 0.23 has no [] behind %", at, length=2)
    return SpecTextError(_NEEDS.get(found, f"Spack does not read {found} here"), at)


def _no_pair(text: str, at: int, dialect: Dialect) -> SpecTextError:
    """What to say of a = that no token holds."""
    behind = text[at + 1 : at + 2]
    if behind and behind in _QUOTES:
        return SpecTextError("the quote is not closed", at + 1)
    if dialect == "0.23" and _BEHIND_PERCENT.search(text, 0, at):
        return SpecTextError("Spack 0.23 has no virtuals behind %", at)
    hint = None
    if behind.strip("=[](){} \t\n") and not behind.isalnum():
        hint = f"quote a value that begins with {behind}"
    return SpecTextError(_NEEDS["="], at, hint=hint)
