"""A query restricted to what a machine can run."""

from __future__ import annotations

from ..spack import targets
from .tree import And, Node, Term

__all__ = ["runnable"]


def runnable(node: Node, machine: str) -> Node:
    """`node`, and only builds whose target a machine runs: the name of its target, or `host`.

    Raises UsageError, with the nearest name, for a target archspec does not know.
    """
    term = Term("target", ",".join(sorted(targets.runs_on(machine))), spack=True)
    return And((*node.nodes, term)) if isinstance(node, And) else And((node, term))
