"""Which word of a query with Spack's spec syntax is the name of a package.

As in Spack, the name comes first: the first word of the query, unless a spec such as `hdf5@1.14`
names the package already. Alternatives (OR) are judged each on its own, and so is what is excluded;
where a group stands first, the first word of each of its alternatives is a name. A first word that
is quoted, a prefix or fuzzy remains a word, and then nothing is a name. A bare `+mpi` beside spec
syntax is Spack's.
"""

from __future__ import annotations

from ..errors import QueryError
from .items import Excluded, Fixed, Group, Item, Plain, either, together
from .specsyntax import name_of, variant_of
from .tree import And, Node, Not, Term

__all__ = ["resolve"]


def resolve(text: str, alternatives: list[list[Item]], *, is_spec: bool) -> Node:
    """The tree of a query's items; with `is_spec` every alternative is a spec, whatever it says.

    Raises QueryError for a query that names two packages at once.
    """
    return _query(text, alternatives, is_spec=is_spec, is_named=False)


def _query(text: str, alternatives: list[list[Item]], *, is_spec: bool, is_named: bool) -> Node:
    return either(
        [_together(text, items, is_spec=is_spec, is_named=is_named) for items in alternatives]
    )


def _together(text: str, items: list[Item], *, is_spec: bool, is_named: bool) -> Node:
    is_spec = is_spec or any(map(_has_spec, items))
    place = _place(items) if is_spec and not is_named else -1
    nodes: list[Node] = []
    names: set[str] = set()
    for number, item in enumerate(items):
        if isinstance(item, Group):
            is_place = number == place
            node = _query(
                text, item.alternatives, is_spec=is_spec, is_named=is_spec and not is_place
            )
        else:
            node = _one(text, item, is_spec=is_spec, is_name=number == place)
        nodes.append(node)
        names |= _names(node)
        if len(names) > 1:
            raise QueryError(
                f"a query names one package, not {' and '.join(sorted(names))}",
                query=text,
                position=item.position,
                hint="join them with OR, or quote what is a word and no name",
            )
    return together(nodes)


def _place(items: list[Item]) -> int:
    """Where the name stands; -1 where there is none, or a spec holds it."""
    if any(isinstance(item, Fixed) and _names(together(list(item.nodes))) for item in items):
        return -1
    for number, item in enumerate(items):
        if isinstance(item, Group) or (isinstance(item, Fixed) and item.is_word):
            return number
        if isinstance(item, Plain) and item.term.field is None:
            return number
    return -1


def _one(text: str, item: Plain | Fixed | Excluded, *, is_spec: bool, is_name: bool) -> Node:
    if isinstance(item, Fixed):
        return together(list(item.nodes))
    if isinstance(item, Plain):
        if is_name:
            name = name_of(item.text)
            if not name:
                raise QueryError(
                    f"{item.text} is no name of a package, as the first word of a spec is",
                    query=text,
                    position=item.position,
                    length=len(item.text),
                    hint=f'quote it to search for the word: "{item.text}"',
                )
            return together(list(name))
        return variant_of(item.text) or item.term if is_spec else item.term
    inner = item.item
    if isinstance(inner, Group):
        return Not(_query(text, inner.alternatives, is_spec=False, is_named=False))
    return Not(_one(text, inner, is_spec=is_spec, is_name=False))


def _has_spec(item: Item) -> bool:
    if isinstance(item, Group):
        return any(_has_spec(inner) for items in item.alternatives for inner in items)
    if isinstance(item, Excluded):
        return _has_spec(item.item)
    return isinstance(item, Fixed) and item.is_spec


def _names(node: Node) -> set[str]:
    """The packages that the node names, where it is a term or a conjunction."""
    terms = node.nodes if isinstance(node, And) else (node,)
    return {
        term.value
        for term in terms
        if isinstance(term, Term) and term.spack and term.field == "package"
    }
