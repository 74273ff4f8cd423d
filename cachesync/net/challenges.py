"""What a server asks for before it answers: the challenges of a 401, and the answer to a plain one. Pure.

Forms: RFC 9110, 11.6.1 (WWW-Authenticate), RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Challenge", "basic", "challenges"]

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf'[\s,]*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(rf"[\s,]*({_WORD})(?:\s+[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$)))?(?=[\s,]|$)")
_ESCAPED = re.compile(r"\\(.)")


class Challenge(NamedTuple):
    """One way in which a server may be told who asks."""

    scheme: str
    """In lower case, as are the names of its parameters."""
    parameters: Mapping[str, str]


def challenges(header: str) -> tuple[Challenge, ...]:
    """What a header WWW-Authenticate holds, or several of them joined by commas.

    It ends where it is not understood.
    """
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while True:
        parameter = _PARAMETER.match(header, at) if found else None
        if parameter is not None:
            name, quoted, bare = parameter.groups()
            value = bare if quoted is None else _ESCAPED.sub(r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
            at = parameter.end()
            continue
        scheme = _SCHEME.match(header, at)
        if scheme is None:
            return tuple(Challenge(*one) for one in found)
        found.append((scheme[1].lower(), {}))
        at = scheme.end()


def basic(username: str, password: str) -> str:
    """The value of Authorization, or Proxy-Authorization, for a user."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
