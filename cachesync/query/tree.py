"""What a query is once it is read: a tree of terms. Plain values; see `meaning` for what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..spack import variants

if TYPE_CHECKING:
    from ..spack.abstract import AbstractSpec

__all__ = [
    "ALL_FIELDS",
    "BUILD_FIELDS",
    "FIELDS",
    "OF_DAGS",
    "OF_KEYS",
    "OF_MIRRORS",
    "PLACEMENT_FIELDS",
    "UNJUDGED",
    "VIRTUAL",
    "And",
    "Dag",
    "Everything",
    "Judged",
    "Node",
    "Not",
    "Or",
    "Term",
    "Verdicts",
    "as_pages",
    "asks_mirrors",
    "each_dag",
    "each_judged",
    "is_met_by_all",
    "required",
    "terms",
    "wanted_variants",
    "wants",
    "with_dags",
]

BUILD_FIELDS = ("package", "version", "compiler", "os", "platform", "target", "variant")
PLACEMENT_FIELDS = ("stack", "tag", "source")
FIELDS = (*BUILD_FIELDS, *PLACEMENT_FIELDS, "hash")
VIRTUAL = "virtual"
"""A field that only a DAG tells of, and the dialect that such fields are a language of (`spack.nodetest.RULES`)."""
OF_DAGS = (VIRTUAL, "namespace")
"""The fields that only indexes tell of; each asks as that dialect does."""
OF_MIRRORS = ("mirror", "signed")
"""The fields of mirrors, which placements do not name: whoever asks a ledger puts placements in their place."""
ALL_FIELDS = (*FIELDS, *OF_DAGS, *OF_MIRRORS)
OF_KEYS = ("os", "platform", "target", *OF_DAGS, *OF_MIRRORS)
"""Fields that are keys of a spec as well, or may be: `target:=x86_64_v3` is Spack's `target=x86_64_v3`."""
UNJUDGED = "dependency"
"""The field, which nobody can write, of a condition that only a DAG tells of; its value is Spack's syntax."""


class Term(NamedTuple):
    """One condition. `field` is None for a bare word; the `value` of a word or field is in lower case."""

    field: str | None
    value: str
    prefix: bool = False
    distance: int = 0
    """Of a bare word: how many edits a value may be away (`word~1`)."""
    spack: bool = False
    """A condition in Spack's spec syntax: `value` is what stands after the sigil or before it, as
    written (`1.12:1.14`, `gcc@12:`, `+mpi`, `libs=shared`), and means what it means to Spack."""


def wanted_variants(term: Term) -> tuple[str, ...]:
    """The variants, in normal form, that a word or field is met by, or their beginnings of a prefix.

    Of `variant:++mpi` also `+mpi`: no variant is called `+mpi`, to Spack two signs ask for `mpi`, and
    hand it on to dependencies.
    """
    text = term.value
    found = [text]
    if term.field == "variant" and text[:2] == "++" and not term.prefix:
        found.append(text[1:])
    if "=" in text:
        found.append(variants.beginning(text))
        if not term.prefix:
            found.append(variants.normal(text))
    return tuple(dict.fromkeys(found))


class Not(NamedTuple):
    """What does not match `node`."""

    node: Node


class And(NamedTuple):
    """What matches every node; with none, everything."""

    nodes: tuple[Node, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, And) and self.nodes == other.nodes

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(("And", self.nodes))


class Or(NamedTuple):
    """What matches any node."""

    nodes: tuple[Node, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Or) and self.nodes == other.nodes

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(("Or", self.nodes))


class Dag(NamedTuple):
    """What is asked of what a spec depends on, and what is asked where that is not known."""

    spec: AbstractSpec
    """The root's edges, flags, namespace, and those of its variants that are asked of all below it; nothing else."""
    dialect: str
    """The Spack whose language it is in, and whose `satisfies` it means: `1.x` or `0.23`; `own`, or `virtual`
    of a field."""
    plain: Node
    """What a spec is judged by whose DAG is not known: that of a page. No edge with `^` is met there."""
    text: str
    """What asks for it, in one form: that of `spec` before Spack makes one edge of several."""


class Verdicts(Protocol):
    """What a graph says of specs: compared by identity."""

    @property
    def says_all(self) -> bool:
        """Whether it knows of every spec that a cache index told of."""

    def of(self, spec_id: int) -> bool | None:
        """Whether a spec, by the ledger's id, is what is asked for; None where its DAG is not known."""


class Judged(NamedTuple):
    """A `Dag` once a graph was asked. Nobody writes one, and it holds for one moment of the ledger."""

    verdicts: Verdicts
    plain: Node
    """As of the `Dag`."""


Node = Term | Not | And | Or | Dag | Judged
Everything = And(())


def as_pages(node: Node) -> Node:
    """A tree with what pages are judged by in place of what is asked of DAGs, conjunctions opened."""
    if isinstance(node, (Dag, Judged)):
        return node.plain
    if isinstance(node, Term):
        return node
    if isinstance(node, Not):
        return Not(as_pages(node.node))
    children = tuple(map(as_pages, node.nodes))
    if isinstance(node, Or):
        return Or(children)
    flat: list[Node] = []
    for child in children:
        flat.extend(child.nodes if isinstance(child, And) else (child,))
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def terms(node: Node) -> Iterator[tuple[Term, bool]]:
    """Every term of a tree, and whether it is wanted (true) or excluded; of a DAG those for pages."""
    if isinstance(node, (Dag, Judged)):
        yield from terms(node.plain)
    elif isinstance(node, Term):
        yield node, True
    elif isinstance(node, Not):
        for term, wanted in terms(node.node):
            yield term, not wanted
    else:
        for child in node.nodes:
            yield from terms(child)


def asks_mirrors(node: Node) -> bool:
    """Whether a tree has fields of mirrors."""
    return any(term.field in OF_MIRRORS for term, _ in terms(node))


def is_met_by_all(node: Node) -> bool:
    """Whether a tree asks for nothing: it has no condition, or an alternative that has none."""
    if isinstance(node, (Dag, Judged)):
        return False
    if isinstance(node, Or):
        return any(map(is_met_by_all, node.nodes))
    return isinstance(node, And) and all(map(is_met_by_all, node.nodes))


def wants(node: Node) -> bool:
    """Whether a tree asks for something to be there, and not only for what shall not be."""
    if isinstance(node, Or):
        return all(map(wants, node.nodes))
    if isinstance(node, And):
        return any(map(wants, node.nodes))
    return isinstance(node, (Term, Dag, Judged))


def required(node: Node, field: str) -> list[Term]:
    """Terms of a field that whatever matches the tree satisfies, all of them; perhaps not every one."""
    if isinstance(node, Term):
        return [node] if node.field == field else []
    if isinstance(node, And):
        return [term for child in node.nodes for term in required(child, field)]
    return []  # of a DAG nothing: what pages are asked is not asked of others


def each_dag(node: Node) -> Iterator[Dag]:
    """Every part of a tree that asks of DAGs and was not answered."""
    if isinstance(node, Dag):
        yield node
    elif isinstance(node, Not):
        yield from each_dag(node.node)
    elif isinstance(node, (And, Or)):
        for child in node.nodes:
            yield from each_dag(child)


def with_dags(node: Node, made: Callable[[Dag], Node]) -> Node:
    """The tree with something else in place of each part that asks of DAGs."""
    if isinstance(node, Dag):
        return made(node)
    if isinstance(node, Not):
        return Not(with_dags(node.node, made))
    if isinstance(node, (And, Or)):
        return type(node)(tuple(with_dags(child, made) for child in node.nodes))
    return node


def without_pages(node: Node) -> Node:
    """The tree as it is judged where no page tells of anything: a graph that says all is not gone beyond."""
    if isinstance(node, Judged):
        return Judged(node.verdicts, Or(())) if node.verdicts.says_all else node
    if isinstance(node, Not):
        return Not(without_pages(node.node))
    if isinstance(node, (And, Or)):
        return type(node)(tuple(map(without_pages, node.nodes)))
    return node


def each_judged(node: Node) -> Iterator[Judged]:
    """Every part of a tree that a graph answered."""
    if isinstance(node, Judged):
        yield node
    elif isinstance(node, Not):
        yield from each_judged(node.node)
    elif isinstance(node, (And, Or)):
        for child in node.nodes:
            yield from each_judged(child)
