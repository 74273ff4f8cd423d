"""A query tree as text that reads as the same tree.

A package's exact name and a variant's `+` mean what they mean only beside spec syntax, so they are
written in a form that says so by itself (`hdf5@:`, `mpi=true`) unless spec syntax stands beside
them. Where a tree has spec syntax its words are quoted: an unquoted one could be taken for a name.
"""

from __future__ import annotations

import re

from .specsyntax import VALUE
from .tree import And, Everything, Node, Not, Or, Term, terms

__all__ = ["show"]

_SIMPLE_WORD = re.compile(r"[\w.,][\w.,\-]*")
_SIMPLE_VALUE = re.compile(r"[\w.,@~][\w.,@~=\-+]*")
_EVERYTHING = "@:"
_SIGILS = {"version": "@", "compiler": "%", "hash": "/"}
_VERSION_LIKE = re.compile(r"[a-zA-Z0-9_=:](?![\w.\-]*[=:])")


def show(node: Node) -> str:
    """The text of a tree that `parse` made; `parse` makes the same tree of it again."""
    if node == Everything:
        return ""
    return _Printer(quoting=any(term.spack for term, _ in terms(node))).any_of(node)


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
        beside = explicit or any(map(_is_name, node.nodes))
        text = ""
        for number, child in enumerate(node.nodes):
            piece = self._one(child, beside=beside)
            after_name = number > 0 and _is_name(node.nodes[number - 1])
            if after_name and piece[0] in "@+~%/":
                text += piece
                continue
            if after_name and (number > 1 or not explicit or text == "OR"):
                text += "@:"
            text += f" ({piece})" if _absorbs(text, piece) else f" {piece}" if text else piece
        return f"{text}@:" if _is_name(node.nodes[-1]) else text

    def _one(self, node: Node, *, beside: bool) -> str:
        if isinstance(node, Term):
            if not node.spack:
                return self._word(node)
            return _name_or_spec(node, beside=beside)
        if isinstance(node, Not):
            inner = self._one(node.node, beside=False)
            return f"-({inner})" if isinstance(node.node, Not) else f"-{inner}"
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


def _is_name(node: Node) -> bool:
    return isinstance(node, Term) and node.spack and node.field == "package"


def _says_so_itself(node: Node) -> bool:
    """Whether the node is spec syntax wherever it stands."""
    return (
        isinstance(node, Term) and node.spack and node.field != "package" and node.value[0] != "+"
    )


def _absorbs(text: str, piece: str) -> bool:
    """Whether what stands last would read the next piece as its own."""
    if text[-1:] == ":":
        return _VERSION_LIKE.match(piece) is not None
    return piece[0] == "@" and bool(text)


def _name_or_spec(term: Term, *, beside: bool) -> str:
    if term.field == "package":
        return term.value if beside else f"{term.value}@:"
    if term.field == "variant":
        return _variant(term.value, beside=beside)
    sigil = _SIGILS.get(term.field or "", f"{term.field}=")
    return f"{sigil}{term.value}"


def _variant(text: str, *, beside: bool) -> str:
    name, _, value = text.partition("=")
    if text[0] == "~":
        return text if not text[1:].isdecimal() else f"{text[1:]}=false"  # x~1 is fuzzy
    if text[0] == "+":
        return text if beside else f"{text[1:]}=true"
    if VALUE.fullmatch(value) and value[0] != "=":
        return text
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'
