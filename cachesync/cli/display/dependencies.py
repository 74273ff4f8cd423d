"""Specs as nodes: one as Spack prints it, the tree of what it depends on, and what depends on it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from ...documents import build_document
from ...ledger.dag import Known
from ...ledger.described import Graph
from ...model import Edge, EdgeKind
from ...spack import dag, printed
from . import output, terminal
from .tables import NARROW

__all__ = ["State", "document", "form", "print_dependents", "print_tree", "state"]

SHOWN_LINES = 1_000
DEEPEST = 40
"""Beyond so many edges from the root lines are not set in further."""
INDENT = 4
NARROW_INDENT = 2
SHORT_HASH = 7
DOTS = "..."
_ENDS = re.compile(r"(?<=[^\s+~]) |(?<=\w)[+~]")
_NAME_ENDS = re.compile(r"(?<=\w)[@=,]")
_STYLES = {"cached": "green", "external": "cyan", "missing": "red"}


class State(StrEnum):
    """How a spec can be had."""

    CACHED = "cached"
    EXTERNAL = "external"
    MISSING = "missing"


def state(known: Known | None) -> State:
    """Cached where it is placed anywhere; an external is no binary of a cache."""
    if known is not None and known.is_cached:
        return State.CACHED
    is_external = known is not None and known.told is not None and known.told.details.external
    return State.EXTERNAL if is_external else State.MISSING


def form(known: Known) -> str:
    """A spec as Spack prints it, with its compilers."""
    if known.told is None:
        return printed.spec(known.build)
    details, edges = known.told
    compilers = printed.compilers(known.build, edges)
    return f"{printed.spec(known.build, details)} {compilers}".rstrip()


# -- for people


def print_tree(graph: Graph) -> None:
    """What a spec depends on, a line each, and how much of it is cached."""
    tree = dag.tree(graph.root, _edges_of(graph), most=SHOWN_LINES)
    for line in tree.lines:
        _print_line(graph, line.node, line.kind, line.depth)
    left = "" if tree.is_whole and graph.is_whole else "; there are more (--depth, --json)"
    print(f"{_count(graph.nodes.get(line.node) for line in tree.lines)}{left}")


def print_dependents(graph: Graph) -> None:
    """What depends directly on a spec, a line each, below that spec."""
    ordered = _in_order(graph, [node for node in graph.nodes if node != graph.root])
    _print_line(graph, graph.root, EdgeKind((), ()), 0)
    for node in ordered[:SHOWN_LINES]:
        _print_line(graph, node, _kind_to_root(graph, node), 0)
    if len(ordered) > SHOWN_LINES:
        print(f"... and {len(ordered) - SHOWN_LINES:,} more (--json lists all)")
    print(f"needed by {_count(graph.nodes[node] for node in ordered)}")


def _print_line(graph: Graph, node: str, kind: EdgeKind, depth: int) -> None:
    known = graph.nodes.get(node)
    said = state(known)
    letters = "".join(one[0] if one in kind.types else " " for one in dag.ALL_TYPES)
    title = "nothing else is known of it" if known is None else form(known)
    if depth:
        title = f"^{','.join(kind.virtuals)}{'=' if kind.virtuals else ''}{title}"
    head = f"{said:<9} /{node[:SHORT_HASH]}  [{letters}]  "
    title = output.visible(title)
    if sys.stdout.isatty():
        lines = _on_terminal(head, title, depth, terminal.width())
    else:
        lines = [f"{head}{' ' * INDENT * min(depth, DEEPEST)}{title}"]
    print(terminal.paint(said, _STYLES[said]) + "\n".join(lines)[len(said) :])


def _on_terminal(head: str, title: str, depth: int, room: int) -> list[str]:
    """A line of a tree, less set in where its name would not fit; on a narrow terminal two lines."""
    if room < NARROW:
        indent = min(NARROW_INDENT * (depth + 1), room // 3)
        return [head.rstrip(), f"{' ' * indent}{_fitted(title, room - indent)}"]
    least = len(_ENDS.split(title, 1)[0]) + len(DOTS)
    indent = max(0, min(INDENT * min(depth, DEEPEST), room - len(head) - least))
    return [f"{head}{' ' * indent}{_fitted(title, room - len(head) - indent)}"]


def _fitted(text: str, room: int) -> str:
    """A line, or so much of it as there is room for, up to the end of a word or a variant, and dots."""
    if len(text) <= room:
        return text
    most = room - len(DOTS)
    for wanted in (_ENDS, _NAME_ENDS):
        ends = [found.start() for found in wanted.finditer(text) if found.start() <= most]
        if ends:
            return f"{text[: ends[-1]]}{DOTS}"
    return f"{text[:most]}{DOTS}"


def _count(nodes: Iterable[Known | None]) -> str:
    counts = dict.fromkeys(State, 0)
    for known in nodes:
        counts[state(known)] += 1
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f"{output.number(sum(counts.values()), 'spec')}{f': {said}' if said else ''}"


# -- for programs


def document(graph: Graph) -> dict[str, Any]:
    """The nodes, the root first, and the edges between them."""
    return {
        "root": graph.root,
        "whole": graph.is_whole,
        "nodes": [_node(spec_hash, known) for spec_hash, known in graph.nodes.items()],
        "edges": [
            {"from": node, "to": to, "types": list(kind.types), "virtuals": list(kind.virtuals)}
            for node in graph.nodes
            for to, kind in _edges_of(graph)(node)
        ],
    }


def _node(spec_hash: str, known: Known | None) -> dict[str, Any]:
    found: dict[str, Any] = {"hash": spec_hash, "state": str(state(known))}
    if known is not None:
        found |= {**build_document(known.build), "spec": form(known)}
    return found


# -- edges


def _edges_of(graph: Graph) -> dag.EdgesOf[str]:
    """The edges of a node to others of the graph, in Spack's order: by name, then hash."""

    def edges(node: str) -> list[Edge]:
        return sorted(
            (edge for edge in _edges(graph.nodes, node) if edge[0] in graph.nodes),
            key=lambda edge: _key(graph, edge[0]),
        )

    return edges


def _edges(nodes: Mapping[str, Known | None], node: str) -> Iterator[Edge]:
    known = nodes.get(node)
    if known is not None and known.told is not None:
        yield from known.told.edges


def _in_order(graph: Graph, nodes: Iterable[str]) -> list[str]:
    return sorted(nodes, key=lambda node: _key(graph, node))


def _key(graph: Graph, node: str) -> tuple[str, str]:
    known = graph.nodes[node]
    return ("" if known is None else known.build.package, node)


def _kind_to_root(graph: Graph, node: str) -> EdgeKind:
    return next(kind for to, kind in _edges(graph.nodes, node) if to == graph.root)
