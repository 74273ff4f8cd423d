"""A query narrowed by fields that were given apart from its text. Pure.

Each field must hold beside the query; of several values of one field one is enough.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import QueryError, UsageError
from .grammar import parse
from .items import either, together
from .languages import parse_in
from .tree import Everything, Node

__all__ = ["Given", "Narrowed", "narrowed"]

Given = Sequence[tuple[str, str]]
"""Fields and their values, as the language takes them behind `field:`."""

# What ends a value, or makes the field a key of Spack's.
_ODD = re.compile(r'[\s()]|^[="]')


class Narrowed(NamedTuple):
    """The whole query."""

    text: str
    """In the query language; of Spack's language what was typed."""
    node: Node
    fields: str
    """What was given apart, in the query language."""


def narrowed(text: str, given: Given, spack: str | None = None) -> Narrowed:
    """A query with what was given apart, in the language of a Spack where one is named.

    Raises QueryError for what the language does not have, UsageError for a value that is empty or cannot be written.
    """
    node = parse_in(spack, text)
    if not given:
        return Narrowed(text, node, "")
    by_field: dict[str, list[str]] = {}
    for field, value in given:
        by_field.setdefault(field, []).append(_condition(field, value))
    groups = {field: list(dict.fromkeys(conditions)) for field, conditions in by_field.items()}
    fields = " ".join(
        conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"
        for conditions in groups.values()
    )
    beside = [either(list(map(parse, conditions))) for conditions in groups.values()]
    whole = together([node, *beside])
    if spack is not None:
        return Narrowed(text, whole, fields)
    if node == Everything and not text.strip():
        return Narrowed(fields, whole, fields)
    return Narrowed(_written(text, fields, whole), whole, fields)


def _condition(field: str, value: str) -> str:
    if not value.strip():
        raise UsageError(f"--{field} takes a value of the field {field}")
    if value.startswith("--"):  # nothing is called so
        raise UsageError(f"--{field} takes a value, and {value} is an option")
    if not _ODD.search(value):
        return f"{field}:{value}"
    if '"' in value:
        raise UsageError(f"--{field} {value}: no value has a quote in it")
    return f'{field}:"{value}"'


def _written(text: str, fields: str, whole: Node) -> str:
    """The text that reads as the whole: alternatives, and what would take a field for its own, in parentheses."""
    beside = f"{text} {fields}"
    try:
        if parse(beside) == whole:
            return beside
    except QueryError:  # too much of it, or what stands at its end would take more
        parse(f"({text}) {fields}")
    return f"({text}) {fields}"
