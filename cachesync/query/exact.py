"""A text that is Spack's and nothing else: `--spack 0.23`, and what that Spack's `satisfies` says of it. Pure.

`spack.specparser` reads it. What a page tells of a spec is asked in Spack 0.23's language only, where a
compiler is an attribute, and of a text that asks nothing of dependencies: pages carry none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..errors import QueryError, UsageError
from ..model import NO_COMPILER
from ..spack import specparser
from ..spack.abstract import AbstractSpec, AskedVariant
from ..spack.spectokens import Dialect, SpecTextError
from ..spack.variants import ANY_VALUE
from .grammar import MAX_TERMS, check_text
from .items import together
from .specsyntax import NAMESPACE, named
from .tree import UNJUDGED, Dag, Node, Term

__all__ = ["VERSIONS", "parse_as"]

VERSIONS = ("0.23", "1.x")
"""The Spacks whose language can be named."""

_NEWER = re.compile(r"1(?:\.(?:x|[0-9]+(?:\.[0-9]+)?))?")
_BEFORE = re.compile(r"[a-zA-Z_0-9\-.]*$")
_EVERY = "@:"
_OURS = (
    (re.compile(r"[()]"), "Spack has no parentheses", "they group"),
    (re.compile(r'"'), "Spack has quotes only behind a =", "they make a word"),
    (re.compile(r"[a-zA-Z_0-9\-.]*\*"), "Spack has no * here", "word* is a prefix"),
    (re.compile(r"[a-zA-Z_]+:(?!=)"), "Spack has no fields", "field:value is a condition"),
    (re.compile(r"OR(?![a-zA-Z_0-9\-.@%+~/=])"), "Spack has no OR", "it stands between queries"),
)  # fmt: skip
"""Forms of our own, what to say of them, and what they are for."""
_EXACTLY = re.compile(r"[a-zA-Z_0-9][a-zA-Z_0-9\-.]*:==?")
_OLDER = (*_OURS, (_EXACTLY, "Spack 0.23 has no :=", "it asks for exactly these values"))


def parse_as(version: str, text: str) -> Node:
    """The tree of a text in the language of a Spack, one of `VERSIONS`.

    A spec whose DAG is not known is judged by what a page tells of it, in Spack 0.23's language and where
    nothing is asked of dependencies; it is no hit otherwise. Raises UsageError for a Spack that is not
    known, and QueryError, with the position, for what that Spack does not read as one spec.
    """
    if version != VERSIONS[0] and _NEWER.fullmatch(version) is None:
        raise UsageError(f"--spack takes {' or '.join(VERSIONS)}")
    check_text(text)
    dialect: Dialect = "0.23" if version == VERSIONS[0] else "1.x"
    try:
        spec = specparser.parse(text, dialect)
    except SpecTextError as error:
        raise _refusal(error, text, dialect) from None
    plain: Node = Term(UNJUDGED, text.strip(), spack=True)
    if dialect == "0.23" and not spec.edges and not any(v.propagated for v in spec.variants):
        terms: list[Node] = [*_terms(spec)]
        if len(terms) > MAX_TERMS:
            raise QueryError(f"more than {MAX_TERMS} terms", query=text, position=0)
        plain = together(terms)
    return Dag(spec, dialect, plain, text.strip())


def _refusal(error: SpecTextError, text: str, dialect: Dialect) -> QueryError:
    """An error in a text, which names a form of our own where one stands there."""
    word = _BEFORE.search(text, 0, error.position)
    assert word is not None, "the pattern matches the empty text"
    is_alone = not text[: word.start()].rstrip("(")[-1:].strip()
    for at in (error.position, word.start()) if is_alone else (error.position,):
        for form, message, use in _OURS if dialect == "1.x" else _OLDER:
            found = form.match(text, at)
            if found is not None and found.end() > error.position:
                return QueryError(
                    message, query=text, position=at, length=len(found[0]),
                    hint=f"without --spack {use}",
                )  # fmt: skip
    return QueryError(
        error.message, query=text, position=error.position, length=error.length, hint=error.hint
    )


def _terms(spec: AbstractSpec) -> Iterator[Term]:
    """What a page is asked of a spec that asks nothing of dependencies."""
    if spec.name is not None:
        yield from named(".".join(filter(None, (spec.namespace, spec.name))))
    elif spec.namespace is not None:
        yield Term("variant", f"{NAMESPACE}={spec.namespace}", spack=True)
    if spec.versions not in (None, ":"):
        yield Term("version", spec.versions, spack=True)
    for variant in spec.variants:
        yield Term("variant", _variant(variant), spack=True)
    for field in ("platform", "os", "target", "hash"):
        value = getattr(spec, field)
        if value is not None:
            yield Term(field, value, spack=True)
    if spec.compiler is not None:
        # To Spack `none` is the name of a compiler like any other.
        plain = spec.compiler.removesuffix(_EVERY)
        yield Term("compiler", f"{plain}{_EVERY}" if plain == NO_COMPILER else plain, spack=True)
    for key, tokens in spec.flags:
        yield Term("variant", f"{key}={' '.join(tokens)}", spack=True)


def _variant(asked: AskedVariant) -> str:
    if isinstance(asked.values, bool):
        return ("+" if asked.values else "~") + asked.name
    values = (ANY_VALUE,) if asked.values is None else asked.values
    return f"{asked.name}={','.join(sorted(values))}"
