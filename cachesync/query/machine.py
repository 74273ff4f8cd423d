"""What a query says of the machine that its answer is for, and a query restricted to what one can run."""

from __future__ import annotations

from ..spack import targets
from .tree import And, Dag, Node, Or, Term

__all__ = ["named", "runnable"]


def runnable(node: Node, machine: str) -> Node:
    """`node`, and only builds whose target a machine runs: the name of its target, or `host`.

    Raises UsageError, with the nearest name, for a target archspec does not know.
    """
    term = Term("target", ",".join(sorted(targets.runs_on(machine))), spack=True)
    return And((*node.nodes, term)) if isinstance(node, And) else And((node, term))


def named(node: Node) -> frozenset[str]:
    """What of `platform`, `os` and `target` a query asks for, itself or in an alternative; not what it excludes."""
    if isinstance(node, Term):
        return frozenset({node.field} if node.field in ("platform", "os", "target") else ())
    if isinstance(node, Dag):
        parts = {"platform": node.spec.platform, "os": node.spec.os, "target": node.spec.target}
        return frozenset(part for part, asked in parts.items() if asked) | named(node.plain)
    if isinstance(node, (And, Or)):
        return frozenset().union(*map(named, node.nodes))
    return frozenset()
