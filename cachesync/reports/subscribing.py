"""Subscriptions for what is missing, as text for the configuration. Pure.

A query has bounds, so that hashes are spread over several subscriptions. What is written here is
read by `config` as it stands; the target is a placeholder that works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .. import query
from ..query.printing import show
from ..yamlguard import quoted

__all__ = ["HASHES_A_QUERY", "queries_for", "yaml_of"]

HASHES_A_QUERY = 100
"""Below both bounds of a query: 200 terms, and 10,000 characters of which a hash takes some 41."""

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_HEADER = """\
# What is missing as of now: save it as a file of subscriptions.d, beside the configuration of
# cachesync, with the target that you want in place of logger, and have the daemon reload it.
subscriptions:
"""


def queries_for(
    hashes: Sequence[str], conditions: Iterable[query.Node], within: Sequence[query.Node]
) -> Iterator[str]:
    """Queries that together match every hash and every condition; `within` holds for each."""
    for start in range(0, len(hashes), HASHES_A_QUERY):
        some = [query.Term("hash", h) for h in hashes[start : start + HASHES_A_QUERY]]
        yield _text([some[0] if len(some) == 1 else query.Or(tuple(some))], within)
    for condition in conditions:
        yield _text(condition.nodes if isinstance(condition, query.And) else [condition], within)


def _text(nodes: Sequence[query.Node], within: Sequence[query.Node]) -> str:
    every: list[query.Node] = [*nodes]
    for node in within:
        every += node.nodes if isinstance(node, query.And) else [node]
    return show(every[0] if len(every) == 1 else query.And(tuple(every)))


def yaml_of(queries: Sequence[str], *, name: str, first: bool) -> str:
    """The subscriptions with some queries, as YAML.

    With `first` only hashes are told of that no source had before; without it every tag counts.
    """
    if not queries:
        return "# Nothing is missing.\nsubscriptions: []\n"
    base = _NOT_A_NAME.sub("-", name).strip("-")[:60] or "missing"
    lines = [_HEADER]
    for number, text in enumerate(queries, 1):
        lines.append(f"  - name: {quoted(f'{base}-{number}')}\n")
        lines.append(f"    query: {quoted(text)}\n")
        if not first:
            lines.append("    first: false\n")
        lines.append('    targets:\n      - {type: command, argv: ["logger", "-t", "cachesync"]}\n')
    return "".join(lines)
