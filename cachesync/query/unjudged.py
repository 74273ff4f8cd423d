"""What of a query cannot be judged of a spec whose DAG is not known. Pure.

A page tells no dependencies: no spec of which only pages are known meets a condition on them, wanted
or excluded. Whoever answers a query says how many builds that leaves open.
"""

from __future__ import annotations

from .tree import UNJUDGED, And, Dag, Everything, Node, Not, Or, Term, each_dag, terms

__all__ = ["opened", "questions", "reason"]


def questions(node: Node) -> tuple[str, ...]:
    """The conditions of a tree that only DAGs answer, as they are typed, each once."""
    found = (term.value for term, _ in terms(node) if term.field == UNJUDGED)
    return tuple(dict.fromkeys(found)) if next(each_dag(node), None) is not None else ()


def opened(dag: Dag) -> Node:
    """What a spec whose DAG is not known has to meet for the DAG to decide whether it is meant.

    The `plain` of the DAG without what pages cannot tell. Of a text in a Spack's own language, of which
    they are asked nothing, it is the name of the package.
    """
    if dag.dialect != "own" and isinstance(dag.plain, Term) and dag.spec.name is not None:
        return Term("package", dag.spec.name, spack=True)
    return _opened(dag.plain)


def _opened(node: Node) -> Node:
    if isinstance(node, Term):
        return Everything if node.field == UNJUDGED else node
    if isinstance(node, Not):
        return Not(_opened(node.node))
    assert isinstance(node, (And, Or)), "pages are asked of no DAG"
    if isinstance(node, Or) and any(
        isinstance(n, Term) and n.field == UNJUDGED for n in node.nodes
    ):
        return Or(())  # it is excluded, and would not be if the DAG did not have it
    return type(node)(tuple(map(_opened, node.nodes)))


def reason(builds: int, undecided: int = 0) -> str:
    """Why builds could not be judged; of `undecided` of them the DAG is known, and says too little."""
    every = "it" if builds == 1 else "them"
    causes = (
        ("only pages tell of", builds - undecided, ", and pages tell no dependencies"),
        ("no index says which version of the virtual package is provided to", undecided, ""),
    )
    return "; ".join(
        f"{says} {every if number == builds else f'{number:,} of them'}{more}"
        for says, number, more in causes
        if number
    )
