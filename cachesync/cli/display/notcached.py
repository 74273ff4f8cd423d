"""What `history` says of specs that are nodes and were in no tag: what they are, and who names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...ledger import connect, dag, described, read
from ...model import Edge
from . import dependencies, output

__all__ = ["Node", "document", "find", "show"]

SHOWN_NODES = 10
SHOWN_NAMERS = 3


class Node(NamedTuple):
    """A spec that is placed nowhere."""

    hash: str
    known: dag.Known
    needed_by: Sequence[Edge]
    """Who depends directly on it, and what for."""
    names: dict[str, str]
    """The packages of the first of these, by hash."""

    @property
    def types(self) -> list[str]:
        """What it is needed for: build, link, run, test."""
        return sorted({one for _, kind in self.needed_by for one in kind.types})


def find(state_dir: Path, what: str, spec_hash: str | None) -> list[Node]:
    """The nodes that a package or the beginning of a hash names, of those that are not placed, by hash."""
    with connect.ledger_errors(state_dir):
        db = connect.open_reader(state_dir)
        try:
            with read.snapshot(db):
                package = what.lower()
                hashes = described.not_cached(db, package) if spec_hash is None else [spec_hash]
                known = {
                    spec: one
                    for spec, one in dag.known(db, hashes).items()
                    if one.told is not None and not one.is_cached
                }
                needed = dag.dependents(db, known) if known else {}
                shown = [spec for by in needed.values() for spec, _ in by[:SHOWN_NAMERS]]
                names = {spec: one.build.package for spec, one in dag.known(db, shown).items()}
        finally:
            db.close()
    return [Node(spec, known[spec], needed.get(spec, ()), names) for spec in sorted(known)]


def document(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """For programs: `not_cached` of `history --json`."""
    return [
        {
            "hash": node.hash,
            "state": str(dependencies.state(node.known)),
            "spec": dependencies.form(node.known),
            "needed_by": [spec for spec, _ in node.needed_by],
            "types": node.types,
        }
        for node in nodes
    ]


def show(what: str, nodes: Sequence[Node]) -> None:
    """For people."""
    output.print_line(f"{what}: in no tag, as far back as the log goes; cache indexes name it")
    for node in nodes[:SHOWN_NODES]:
        state = dependencies.state(node.known)
        output.print_line(f"  /{node.hash}  {state}  {dependencies.form(node.known)}")
        output.print_line(f"    {_needed(node)}")
    if len(nodes) > SHOWN_NODES:
        output.print_line(f"  ... and {len(nodes) - SHOWN_NODES:,} more (--json lists all)")


def _needed(node: Node) -> str:
    count = len(node.needed_by)
    if not count:
        return "needed by no other"
    first = [f"{node.names.get(spec, '?')} /{spec[:7]}" for spec, _ in node.needed_by]
    more = f" and {count - SHOWN_NAMERS:,} more" if count > SHOWN_NAMERS else ""
    said = f"needed by {output.number(count, 'spec')} ({', '.join(node.types)}): "
    return f"{said}{', '.join(first[:SHOWN_NAMERS])}{more}"
