"""Which word of a query with Spack's spec syntax is the name of a package.

As in Spack, the name comes first: the first word of the query, unless a spec such as `hdf5@1.14`
names the package already. Alternatives (OR) are judged each on its own, and so is what is excluded;
where a group stands first, the first word of each of its alternatives is a name. A first word that
is quoted, a prefix or fuzzy remains a word, and then nothing is a name. A bare `+mpi` beside spec
syntax is Spack's.
"""

from __future__ import annotations

from ..errors import QueryError
from .conjunction import Conjunction
from .items import Excluded, Fixed, Group, Item, Part, Plain, either, together
from .specsyntax import name_of, variant_of
from .tree import And, Node, Not, Term
from .words import word_of

__all__ = ["resolve"]


def resolve(text: str, alternatives: list[list[Item]], *, is_spec: bool) -> Node:
    """The tree of a query's items; with `is_spec` every alternative is a spec, whatever it says.

    Raises QueryError for a query that names two packages at once, or asks one node for two values.
    """
    return _Naming(text).query(alternatives, is_spec=is_spec, is_named=False, excluded=False)


class _Naming:
    """Goes through the items of one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def query(
        self, alternatives: list[list[Item]], *, is_spec: bool, is_named: bool, excluded: bool
    ) -> Node:  # fmt: skip
        """Any of some alternatives; `excluded` says that what does not match is asked for."""
        return either(
            [
                self._together(items, is_spec=is_spec, is_named=is_named, excluded=excluded)
                for items in alternatives
            ]
        )

    def _together(
        self, items: list[Item], *, is_spec: bool, is_named: bool, excluded: bool
    ) -> Node:  # fmt: skip
        is_spec = is_spec or any(map(_has_spec, items))
        place = _place(items) if is_spec and not is_named else -1
        found = Conjunction(self._text)
        names: set[str] = set()
        for number, item in enumerate(items):
            is_name = number == place
            parts = self._parts(item, is_spec=is_spec, is_name=is_name)
            if parts:
                node = together([term for part in parts for term in part.terms])
            elif isinstance(item, Group):
                node = self.query(
                    item.alternatives, is_spec=is_spec, is_named=is_spec and not is_name,
                    excluded=excluded,
                )  # fmt: skip
            else:
                node = self._one(item, is_spec=is_spec, excluded=excluded)
            names |= _names(node)
            if len(names) > 1:
                raise QueryError(
                    f"a query names one package, not {' and '.join(sorted(names))}",
                    query=self._text,
                    position=item.position,
                    hint="join them with OR, or quote what is a word and no name",
                )
            if parts:
                found.parts(parts)
            else:
                found.node(node, item.position)
        return found.tree(excluded=excluded)

    def _parts(self, item: Item, *, is_spec: bool, is_name: bool) -> tuple[Part, ...]:
        """What an item is of a spec; empty for everything else."""
        if isinstance(item, Fixed):
            return item.parts
        if not isinstance(item, Plain) or not is_spec:
            return ()
        if not is_name:
            part = _variant(item)
            return () if part is None else (part,)
        name = name_of(item.text)
        if not name:
            raise QueryError(
                f"{item.text} is no name of a package, as the first word of a spec is",
                query=self._text,
                position=item.position,
                length=len(item.text),
                hint=f'quote it to search for the word: "{item.text}"',
            )
        return (Part(name, item.position, item.position + len(item.text), is_name=True),)

    def _one(self, item: Item, *, is_spec: bool, excluded: bool) -> Node:
        if isinstance(item, Fixed):
            return together(list(item.nodes))
        if isinstance(item, Plain):
            return word_of(item)
        assert isinstance(item, Excluded), "groups are queries"
        inner = item.item
        if isinstance(inner, Group):
            return Not(
                self.query(inner.alternatives, is_spec=False, is_named=False, excluded=not excluded)
            )
        return Not(self._alone(inner, is_spec=is_spec, excluded=not excluded))

    def _alone(self, item: Plain | Fixed | Excluded, *, is_spec: bool, excluded: bool) -> Node:
        """What stands behind a minus: a conjunction of its own."""
        parts = self._parts(item, is_spec=is_spec, is_name=False)
        if not parts:
            return self._one(item, is_spec=is_spec, excluded=excluded)
        alone = Conjunction(self._text)
        alone.parts(parts)
        return alone.tree(excluded=excluded)


def _variant(item: Plain) -> Part | None:
    """The part of a spec that a bare `+mpi` or `++mpi` is."""
    term = variant_of(item.text)
    if term is None:
        return None
    end = item.position + len(item.text)
    return Part((term,), item.position, end, is_propagated=item.text.startswith("++"))


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
