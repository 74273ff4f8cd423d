"""A query tree as text that reads as the same tree.

A package's exact name and a variant's `+` mean what they mean only beside spec syntax, so they are
written in a form that says so by itself (`hdf5@:`, `mpi=true`) unless spec syntax stands beside
them. Where a tree has spec syntax its words are quoted: an unquoted one could be taken for a name.
"""

from __future__ import annotations

import re

from .specsyntax import pair
from .tree import UNJUDGED, VIRTUAL, And, Dag, Everything, Judged, Node, Not, Or, Term

__all__ = ["show"]

_SIMPLE_WORD = re.compile(r"[\w.,][\w.,\-]*")
_SIMPLE_VALUE = re.compile(r"[\w.,@~][\w.,@~=\-+]*")
_EVERYTHING = "@:"
_OPEN = Term("version", ":", spack=True)
_SIGILS = {"version": "@", "compiler": "%", "hash": "/", UNJUDGED: ""}
_VERSION_LIKE = re.compile(r"[a-zA-Z0-9_=:](?!(?:[a-zA-Z_0-9.\-]*[a-zA-Z_0-9])?[=:])")


def show(node: Node) -> str:
    """The text of a tree that `parse` made; `parse` makes the same tree of it again."""
    if node == Everything:
        return ""
    return _Printer(quoting=_has_spec(node)).any_of(node)


def _has_spec(node: Node) -> bool:
    """Whether a tree is written with spec syntax; a conjunction of nothing is."""
    if isinstance(node, Dag):
        return not _is_field(node)
    if isinstance(node, Term):
        return node.spack
    if isinstance(node, Not):
        return _has_spec(node.node)
    assert not isinstance(node, Judged), "nobody writes what was answered"
    return not node.nodes or any(map(_has_spec, node.nodes))


class _Printer:
    """Writes one tree."""

    def __init__(self, *, quoting: bool) -> None:
        self._quoting = quoting

    def any_of(self, node: Node) -> str:
        if isinstance(node, Or):
            return " OR ".join(self._all_of(child) for child in node.nodes)
        return self._all_of(node)

    def _all_of(self, node: Node) -> str:
        if not isinstance(node, And):
            return self._one(node, beside=False)
        if not node.nodes:
            return _EVERYTHING
        explicit = any(map(_says_so_itself, node.nodes))
        names = sum(map(_is_name, node.nodes))
        beside = explicit or names > 0
        text = ""
        before: Node | None = None
        is_below = has_dag = False
        for number, child in enumerate(node.nodes):
            if (is_below and _is_attribute(child)) or (has_dag and _has_edges(child)):
                # Behind a dependency it would be asked of that.
                text, before = f"{text} ({self._one(child, beside=False)})", None
                continue
            has_dag = has_dag or _has_edges(child)
            was_below = is_below
            is_below = _has_edges(child) or (is_below and not _is_name(child))
            piece = self._one(child, beside=beside)
            if _is_name(before):
                if piece[0] in "@+~%/^":
                    text, before = text + piece, child
                    continue
                if number > 1 or names > 1 or not explicit or text == "OR":
                    text, before = f"{text}@:", _OPEN
            absorbed = _absorbs(before, piece)
            if absorbed:
                piece = f"({self._one(child, beside=False)})"
                is_below = was_below and not _has_edges(child)
            text += f" {piece}" if text else piece
            # Nothing continues what is in parentheses, and a name says so there by itself.
            before = None if absorbed else child
        return f"{text}@:" if _is_name(before) else text

    def _one(self, node: Node, *, beside: bool) -> str:
        if isinstance(node, Dag):
            return node.text
        if isinstance(node, Term):
            if not node.spack:
                return self._word(node)
            return _name_or_spec(node, beside=beside)
        if isinstance(node, Not):
            inner = self._one(node.node, beside=False)
            return f"-({inner})" if isinstance(node.node, (Not, Dag)) else f"-{inner}"
        return f"({self.any_of(node)})"

    def _word(self, term: Term) -> str:
        if term.distance:
            return f"{term.value}~{term.distance}"
        star = "*" * term.prefix
        if term.field is None:
            plain = not self._quoting and _SIMPLE_WORD.fullmatch(term.value)
            return f"{term.value}{star}" if plain else f'"{term.value}"{star}'
        value = term.value
        if term.field == "compiler":
            value = value.replace("@", "@=", 1)  # reading takes the first away
        elif term.field == "variant" and value[0] == "+":
            return f'{term.field}:"{value}"{star}'
        simple = _SIMPLE_VALUE.fullmatch(value)
        return f"{term.field}:{value}{star}" if simple else f'{term.field}:"{value}"{star}'


def _is_name(node: Node | None) -> bool:
    return isinstance(node, Term) and node.spack and node.field == "package"


def _is_field(node: Node) -> bool:
    """Whether what is asked of DAGs is a field, which is no spec syntax."""
    return isinstance(node, Dag) and node.dialect == VIRTUAL


def _has_edges(node: Node) -> bool:
    """Whether a node is written with `^` or `%`."""
    return isinstance(node, Dag) and node.dialect != VIRTUAL


def _is_attribute(node: Node) -> bool:
    """Whether a node is written so that it belongs to the package that stands before it."""
    return _has_edges(node) or (isinstance(node, Term) and node.spack and node.field != "package")


def _says_so_itself(node: Node) -> bool:
    """Whether the node is spec syntax wherever it stands."""
    return _has_edges(node) or (
        isinstance(node, Term) and node.spack and node.field != "package" and node.value[0] != "+"
    )


def _absorbs(before: Node | None, piece: str) -> bool:
    """Whether what stands before it would read a piece as its own.

    An open range takes a version for its end, and a compiler takes versions; a key's value takes nothing.
    """
    if isinstance(before, Not):
        before = before.node
    if isinstance(before, Dag):
        return before.text[-1] == ":" and _VERSION_LIKE.match(piece) is not None
    if isinstance(before, Term) and before.spack and before.field in ("version", "compiler"):
        if before.value[-1] == ":" and _VERSION_LIKE.match(piece) is not None:
            return True
        return piece[0] in "@,"
    return False


def _name_or_spec(term: Term, *, beside: bool) -> str:
    if term.field == "package":
        return term.value if beside else f"{term.value}@:"
    if term.field == "variant":
        return _variant(term.value, beside=beside)
    sigil = _SIGILS.get(term.field or "", f"{term.field}=")
    return f"{sigil}{term.value}"


def _variant(text: str, *, beside: bool) -> str:
    name, equals, value = text.partition("=")
    if text[0] == "~":
        return text if not text[1:].isdecimal() else f"{text[1:]}=false"  # x~1 is fuzzy
    if text[0] == "+":
        return text if beside else f"{text[1:]}=true"
    is_exact = name[-1] == ":"
    return pair(name.removesuffix(":"), ":" * is_exact + equals, value)
