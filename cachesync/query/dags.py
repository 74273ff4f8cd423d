"""What stands behind `^` and `%` in a query, as one node of its tree. Pure.

As in Spack 1.x `^x` hangs from the root, `%x` from what stands before it, and attributes in spec
syntax belong to the node whose sigil or name came last. Words, fields, exclusions and parentheses
are none of that and always ask the root.

Pages tell of no dependencies. Of them is asked what was asked before there were any: `%gcc@12` of the
compiler they name, and what stands behind it of the spec itself. `^x` cannot be judged: no page is a
hit for it, and none is where it is excluded.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import QueryError
from ..spack.abstract import AbstractEdge, AbstractSpec
from ..spack.specedges import Edge, translated
from ..spack.specedges import Node as Growing
from ..spack.specnode import NodeReader
from ..spack.spectext import head
from ..spack.spectokens import Kind, SpecTextError, Token
from ..spack.variants import FLAGS
from .items import Part, together
from .specsyntax import pair
from .tree import UNJUDGED, Dag, Everything, Node, Or, Term

__all__ = ["Folding"]

_NOTHING = "(@:)"
_SHOWN = 60
"""Characters of what is asked that a hint repeats."""
_BETWEEN = re.compile(r"\s*,\s*")


class Folding:
    """Takes the parts of one conjunction that ask for dependencies, in their order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root = self._current = Growing(AbstractSpec())
        self._root_reader = NodeReader("1.x")
        self._root_terms: list[Term] = []
        self._root_pieces: list[str] = []
        self._edge: Edge | None = None
        self._reader = self._root_reader
        self._groups: list[_Group] = []
        self._is_first = False
        """Whether nothing was asked yet of what the edge leads to."""

    def at_root(self, part: Part) -> None:
        """What is asked of the root and no column tells: its flags, its namespace, a variant of all below it.

        Raises QueryError where it is asked for twice.
        """
        self._root_terms += part.terms
        self._root_pieces.append(self._said(part, alone=True))
        self._give(self._root_reader, part)

    def open(self, part: Part) -> None:
        """A `^` or `%`.

        Raises QueryError where what came before it cannot be asked for.
        """
        self._close()
        edge = self._edge = part.edge
        assert edge is not None, "the part opens an edge"
        self._reader = NodeReader("1.x")
        if part.name is not None:
            kind = Kind.QUALIFIED if "." in part.name else Kind.NAME
            self._reader.name(Token(kind, part.name, part.start))
        edge.end = part.end
        self._is_first = True
        piece = f"{head(edge.frozen(), is_named=part.name is not None)}{part.name or '*'}"
        if edge.sigil == "%" and self._current is not self._root:
            self._groups[-1].pieces.append(piece)
            return
        is_told = edge.sigil == "%" and bool(part.terms)
        self._groups.append(_Group([piece], list(part.terms) if is_told else None))

    def attribute(self, part: Part) -> None:
        """What stands behind a `^` or `%`.

        Raises QueryError where it is asked for twice, or cannot be.
        """
        assert self._edge is not None, "an edge is open"
        group = self._groups[-1]
        is_at_name = part.start == self._edge.end and not part.terms
        self._edge.end = part.end
        piece = self._said(part)
        if is_at_name:
            group.pieces[-1] += piece
        else:
            if self._is_first and part.terms and piece[0] == "@":
                # A word stands between: without one it would be the compiler's to pages too.
                group.pieces.append(_NOTHING)
            group.pieces.append(piece)
        self._is_first = False
        if group.terms is not None:
            group.terms.extend(part.terms)
        self._give(self._reader, part)

    def dag(self, *, excluded: bool) -> Dag:
        """The node of the tree; `excluded` says that the tree asks for what it does not match.

        Raises QueryError for edges that exclude each other.
        """
        self._close()
        asked = self._root_reader.spec()
        spec = _placeless(self._root.frozen())._replace(
            variants=asked.variants, flags=asked.flags, namespace=asked.namespace
        )
        found: list[Node] = list(self._root_terms)
        for group in self._groups:
            if group.terms is not None:
                found += group.terms
                continue
            term = Term(UNJUDGED, group.text, spack=True)
            found.append(Or((term, Everything)) if excluded else term)
        text = " ".join((*self._root_pieces, *(group.text for group in self._groups)))
        return Dag(spec, "own", together(found), text)

    def _said(self, part: Part, *, alone: bool = False) -> str:
        """A part in the one form in which it is written; `alone` in one that nothing makes a word of."""
        text = "".join(self._text[part.start : part.end].split())
        if part.pair is not None:
            name, value, is_exact = part.pair
            sign = ":" * is_exact + "=" * (1 + part.is_propagated)
            return pair(name, sign, _listed(name, value))
        if alone:
            return f"{text[2:]}=={'true' if text[0] == '+' else 'false'}"
        return text

    def _give(self, reader: NodeReader, part: Part) -> None:
        token = self._token(part)
        try:
            if part.pair is not None:
                name, value, is_exact = part.pair
                reader.pair(token, name, _listed(name, value), is_exact=is_exact)
            elif token.kind is Kind.HASH and reader.has_hash:
                raise token.error("a node has one hash")
            else:
                reader.attribute(token)
        except SpecTextError as error:
            if error.hint is None and len(token.text) <= _SHOWN:
                error.hint = f"{token.text} before the ^ or % asks the package itself"
            raise self._refusal(error) from None

    def _token(self, part: Part) -> Token:
        text = self._text[part.start : part.end]
        if part.pair is not None:
            kind = Kind.PROPAGATED_PAIR if part.is_propagated else Kind.PAIR
        elif text[0] in "+~":
            kind = Kind.PROPAGATED_SWITCH if text[1:2] == text[0] else Kind.SWITCH
        else:
            kind = Kind.VERSION if text[0] == "@" else Kind.HASH
        return Token(kind, text, part.start)

    def _close(self) -> None:
        """Add the edge that is open to the node it hangs from."""
        edge = self._edge
        if edge is None:
            return
        self._edge = None
        edge.text = self._text[edge.start : edge.end]
        edge.node = Growing(self._reader.spec())
        try:
            if self._reader.later:
                raise self._reader.later[0]
            if edge.sigil == "^":
                self._current = edge.node
                self._root.add(edge, "1.x")
            else:
                edge.node.spec = translated(edge.node.spec)
                self._current.add(edge, "1.x")
        except SpecTextError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: SpecTextError) -> QueryError:
        return QueryError(
            error.message, query=self._text, position=error.position, length=error.length,
            hint=error.hint,
        )  # fmt: skip


class _Group(NamedTuple):
    """A `^` with all that hangs from it, or a `%` of the root."""

    pieces: list[str]
    """What is written, in one form."""
    terms: list[Term] | None
    """What pages are asked; None for what they cannot tell."""

    @property
    def text(self) -> str:
        return " ".join(self.pieces)


def _listed(name: str, value: str) -> str:
    """A value without blanks beside its commas; in compiler flags they stay."""
    return value if name in FLAGS else ",".join(_BETWEEN.split(value))


def _placeless(spec: AbstractSpec) -> AbstractSpec:
    """A spec that is equal to every other that asks for the same in the same order."""
    return spec._replace(edges=tuple(map(_placeless_edge, spec.edges)))


def _placeless_edge(edge: AbstractEdge) -> AbstractEdge:
    when = None if edge.when is None else _placeless(edge.when)
    return edge._replace(spec=_placeless(edge.spec), when=when, start=0, end=0)
