"""Conditions of a query that pages cannot answer, whatever a spec was built with. Pure.

A page lists variants, and no compiler flags, no `dev_path=`, no `commit=`: a condition on them is met
by no build, which says nothing of the binaries. Nor does it name the repository of a package: what
it tells of counts as `builtin`. Whoever answers a query says so with it.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model import NO_COMPILER
from ..spack.variants import FLAGS
from .tree import UNJUDGED, And, Dag, Everything, Judged, Node, Not, Term, terms

__all__ = [
    "Unsaid",
    "conditions",
    "opened",
    "sentence",
    "unsaid",
    "with_no_compiler",
    "without_unsaid",
]

_NEVER_TOLD = {
    **dict.fromkeys(FLAGS, "compiler flags"),
    "dev_path": "dev_path",
    "commit": "commits",
    "namespace": "namespaces",
}
_NO_BUILD = "no build of theirs meets it, which says nothing of what is cached"
_BUILTIN = "what they tell of counts as builtin"


class Unsaid(NamedTuple):
    """A condition that pages cannot answer."""

    condition: Term
    subject: str
    """What pages never tell."""


def unsaid(node: Node) -> tuple[Unsaid, ...]:
    """The conditions of a tree, wanted or excluded, that pages cannot answer, each once."""
    found = [
        Unsaid(term, subject) for term, _ in terms(node) if (subject := _subject(term)) is not None
    ]
    return tuple(dict.fromkeys(found))


def sentence(found: Unsaid, text: str) -> str:
    """What there is to say of a condition, which `text` is as it is typed."""
    then = _BUILTIN if found.subject == "namespaces" else _NO_BUILD
    return f"pages do not say what `{text}` asks: they never tell {found.subject}, and {then}"


def conditions(node: Node) -> tuple[Node, ...]:
    """What must hold together for a tree to match a page."""
    if isinstance(node, Dag):
        return conditions(node.plain)
    if not isinstance(node, And):
        return (node,)
    return tuple(one for child in node.nodes for one in conditions(child))


def without_unsaid(node: Node) -> Node:
    """What is left of a tree without those of its conditions that pages cannot answer."""
    every = conditions(node)
    left = tuple(one for one in every if not _is_unsaid(one))
    return node if len(left) == len(every) else And(left)


def opened(node: Node) -> Node:
    """What a page is asked where nothing is asked that pages cannot answer: its specs are in question.

    At least that: what an exclusion of such a condition leaves is not looked at.
    """
    if isinstance(node, (Dag, Judged)):
        return opened(node.plain)
    if isinstance(node, Term):
        return node if _subject(node) is None else Everything
    if isinstance(node, Not):
        is_told = all(_subject(term) is None for term, _ in terms(node))
        return node if is_told else Everything
    return type(node)(tuple(map(opened, node.nodes)))


def with_no_compiler(node: Node) -> Node | None:
    """The same question of builds whose pages name no compiler, in place of what it asks of one.

    None where nothing is asked of the compiler, or where such builds are asked for.
    """
    every = conditions(node)
    left = tuple(one for one in every if not _is_of_compiler(one))
    if len(left) == len(every):
        return None
    asked = [term for one in every if _is_of_compiler(one) for term, _ in terms(one)]
    if any(_is_met_by_none(term) for term in asked):
        return None
    return And((Term("compiler", NO_COMPILER, spack=True), *left))


def _is_met_by_none(term: Term) -> bool:
    return NO_COMPILER.startswith(term.value) if term.prefix else term.value == NO_COMPILER


def _is_of_compiler(node: Node) -> bool:
    """Whether a condition wants a compiler, or one of some, and nothing else."""
    found = [*terms(node)]
    return bool(found) and all(wanted and term.field == "compiler" for term, wanted in found)


def _is_unsaid(node: Node) -> bool:
    subjects = [_subject(term) for term, _ in terms(node)]
    return bool(subjects) and None not in subjects


def _subject(term: Term) -> str | None:
    if term.field == UNJUDGED:
        return "dependencies"
    if term.field != "variant":
        return None
    return _NEVER_TOLD.get(term.value.lstrip("+~").partition("=")[0].removesuffix(":"))
