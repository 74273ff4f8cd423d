"""The `-x` of a query that Spack would read as a variant that is off. Pure.

In a query a minus excludes. Who comes from Spack may mean `~x` by it: there the minus behind a spec
turns off the variant whose name follows it, however the text goes on (`-mpi+cxx`). Which of the two
is meant depends on whether the package has such a variant, so the text is all that is known here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from .tree import Node, terms

__all__ = ["Minus", "as_off", "found", "names_of", "packages_of", "without"]

_MINUS = re.compile(
    # Between quotes nothing is an operator. A minus begins a term, and what follows the name must
    # leave it one: no prefix (-mp*), field (-tag:v1), key (-libs=a) or fuzzy word (-numpi~1).
    r"""(?P<quoted>"[^"]*"|'(?:[^'\\]|\\.)*')"""
    r"|(?<![^\s(])(?P<sign>--?)(?P<name>[a-zA-Z_0-9][a-zA-Z_0-9\-.]*)"
    r"(?![a-zA-Z_0-9\-.*:\"]|\s*=|~[0-9]+(?![a-zA-Z_0-9\-.]))"
)


class Minus(NamedTuple):
    """One `-x` of a text."""

    start: int
    name_at: int
    end: int
    name: str
    """Of what would be a variant."""


def found(text: str) -> list[Minus]:
    """Every `-x`, in order, where x could be the name of a variant."""
    return [
        Minus(match.start(), match.start("name"), match.end(), match["name"])
        for match in _MINUS.finditer(text)
        if match["quoted"] is None
    ]


def as_off(text: str, variants: Collection[str]) -> tuple[str, list[str]]:
    """The text with `~x` for every `-x` that names one of some variants, and the names of those.

    In front of everything it is no part of a spec.
    """
    parts, at, off = [], 0, []
    for minus in found(text):
        if minus.name in variants and text[: minus.start].strip(" ("):
            parts += [text[at : minus.start], "~" * (minus.name_at - minus.start), minus.name]
            at = minus.end
            off.append(minus.name)
    return "".join(parts) + text[at:], list(dict.fromkeys(off))


def without(text: str, minus: Minus) -> str | None:
    """The text without one `-x`; None where more of the term follows."""
    after = text[minus.end : minus.end + 1]
    if after and not after.isspace() and after != ")":
        return None
    return text[: minus.start] + text[minus.end :]


def packages_of(node: Node) -> set[str]:
    """What a tree asks for that can be the name of a package: words too."""
    return {
        term.value
        for term, wanted in terms(node)
        if wanted and term.field in (None, "package") and not term.prefix and not term.distance
    }


def names_of(node: Node) -> set[str]:
    """The packages that a tree asks for by their exact names."""
    return {
        term.value
        for term, wanted in terms(node)
        if wanted and term.field == "package" and term.spack
    }
