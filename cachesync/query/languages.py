"""Which language a query is written in: cachesync's own, or that of a Spack. Pure."""

from __future__ import annotations

from .grammar import parse
from .tree import Node

__all__ = ["parse_in"]


def parse_in(spack: str | None, text: str) -> Node:
    """The tree of a query, in the language of a Spack where one is named (`exact.VERSIONS`).

    Raises QueryError, with the position, and UsageError for a Spack that is not known.
    """
    if spack is None:
        return parse(text)
    from .exact import parse_as

    return parse_as(spack, text)
