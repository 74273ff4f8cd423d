"""The first step of the judge: a text becomes tokens (RULES 1; 4c for 0.23).

At each place the kinds are tried in their order and the first that matches is taken. What is no
token is refused.
"""

import re
from typing import NamedTuple

from .refused import Refused

__all__ = ["Token", "plain_value", "tokens"]

ID = r"[A-Za-z0-9_][A-Za-z0-9_-]*"
DOTTED = rf"{ID}(?:\.{ID})+"
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
ASSIGN = rf"(?P<virtuals>{ID}(?:,{ID})*)=(?P<package>{DOTTED}|{ID})"
VERSION = r"=?[A-Za-z0-9_][A-Za-z0-9_.-]*\b"
RANGE = rf"(?:{VERSION})?:(?:{VERSION}(?!\s*=))?"
LIST = rf"(?:{RANGE}|{VERSION})(?:\s*,\s*(?:{RANGE}|{VERSION}))*"
REFERENCE = r"(?:git\.[A-Za-z0-9_][A-Za-z0-9_./-]*|[0-9a-f]{40})"
QUOTED = r"""'(?:[^']|(?<=\\)')*'|"(?:[^"]|(?<=\\)")*\""""

BARE = {"1.x": r"[A-Za-z0-9_+*.,:=%^~/\\-]+", "0.23": r"[A-Za-z0-9_+*.,:=~/\\-]+"}


class Token(NamedTuple):
    """A kind, the text and the named parts of it."""

    kind: str
    text: str
    parts: dict[str, str | None]


def _pair(equals: str, dialect: str) -> str:
    return rf"(?P<key>{NAME})(?P<equals>{equals})(?P<value>{BARE[dialect]}|{QUOTED})"


def _kinds(dialect: str) -> list[tuple[str, str]]:
    new = dialect == "1.x"
    kinds = [
        ("open", r"(?P<sigil>\^|%%|%)\[" if new else r"(?P<sigil>\^)\["),
        ("close", rf"\](?:\s*{ASSIGN})?" if new else r"\]"),
        ("sigil", rf"(?P<sigil>\^|%%|%)(?:\s*{ASSIGN})?" if new else r"(?P<sigil>\^)"),
        ("version", rf"@(?P<list>{REFERENCE}={VERSION})"),
        ("version", rf"@(?P<list>{REFERENCE})"),
        ("version", rf"@\s*(?P<list>{LIST})"),
        ("propagated boolean", rf"(?P<sign>\+\+|~~|--)\s*(?P<key>{NAME})"),
        ("boolean", rf"(?P<sign>[+~-])\s*(?P<key>{NAME})"),
        ("propagated pair", _pair(":?==" if new else "==", dialect)),
        ("pair", _pair(":?=" if new else "=", dialect)),
    ]
    if not new:
        kinds.append(("compiler", rf"%\s*(?P<name>{NAME})(?:\s*@\s*(?P<list>{LIST}))?"))
    kinds += [
        ("file name", r"(?:\.|/|[A-Za-z0-9_-]*/)[A-Za-z0-9_./-]*\.(?:json|yaml)"),
        ("name", rf"(?P<dotted>{DOTTED})"),
        ("name", rf"{ID}|\*" if new else ID),
        ("hash", r"/(?P<hash>[A-Za-z0-9_]+)"),
    ]
    return kinds


KINDS = {
    dialect: [(kind, re.compile(pattern)) for kind, pattern in _kinds(dialect)]
    for dialect in ("1.x", "0.23")
}
BLANKS = re.compile(r"\s*")


def tokens(text: str, dialect: str) -> list[Token]:
    """The tokens of a text; `Refused` (syntax) where there is none, and at a file name."""
    found = []
    place = BLANKS.match(text).end()
    while place < len(text):
        tried = ((kind, pattern.match(text, place)) for kind, pattern in KINDS[dialect])
        kind, match = next(((kind, match) for kind, match in tried if match), ("", None))
        if match is None:
            raise Refused("syntax", f"no token at {place}: {text[place : place + 20]!r}")
        if kind == "file name":
            raise Refused("syntax", f"a file name: {match[0]!r}")
        found.append(Token(kind, match[0], match.groupdict()))
        place = BLANKS.match(text, match.end()).end()
    return found


def plain_value(value: str) -> str:
    """A value without its quotes."""
    if value[:1] in ("'", '"'):
        return value[1:-1].replace("\\" + value[0], value[0])
    return value
