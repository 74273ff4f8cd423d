"""The query language: text to a tree, and what a tree means. Pure; see CLI.md for the grammar.

A tree is a condition on *placements*: tag, stack and source conditions must hold for the same
placement. `matches` is that meaning, and the only definition of it; an index may answer faster,
never differently. What is not understood is an error with its position, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from . import versions
from .errors import QueryError
from .model import Build

__all__ = [
    "BUILD_FIELDS",
    "FIELDS",
    "PLACEMENT_FIELDS",
    "And",
    "Everything",
    "Node",
    "Not",
    "Or",
    "Term",
    "compiler_values",
    "field_values",
    "matches",
    "matches_build",
    "matches_hash",
    "matches_placement",
    "matches_where",
    "may_be_hash",
    "name_runs",
    "parse",
    "residue",
    "terms",
]

BUILD_FIELDS = ("package", "version", "compiler", "os", "platform", "target", "variant")
PLACEMENT_FIELDS = ("stack", "tag", "source")
FIELDS = (*BUILD_FIELDS, *PLACEMENT_FIELDS, "hash")

_FIELD = re.compile(r"([A-Za-z_]+):")
_BARE = re.compile(r'[^\s"]*')
# What Spack's spec syntax will use, in a bare word and in a version.
_RESERVED = re.compile(r"[@%=^/()~:]|(?<=[^+])\+")
_RESERVED_VERSION = re.compile(r"[:,]")

MAX_LENGTH = 10_000
MAX_TERMS = 200
MIN_HASH_WORD = 5
"""Characters from which a bare word may be the beginning of a hash."""


class Term(NamedTuple):
    """One condition. `field` is None for a bare word; `value` is in lower case."""

    field: str | None
    value: str
    prefix: bool = False


class Not(NamedTuple):
    """What does not match `node`."""

    node: Node


class And(NamedTuple):
    """What matches every node; with none, everything."""

    nodes: tuple[Node, ...]


class Or(NamedTuple):
    """What matches any node."""

    nodes: tuple[Node, ...]


Node = Term | Not | And | Or
Everything = And(())


def parse(text: str) -> Node:
    """The tree of a query; `And(())` for an empty one.

    Raises QueryError, with the position, for what the language does not have (yet).
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"the query is longer than {MAX_LENGTH:,} characters", query=text[:60], position=0
        )
    nodes: list[Node] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        node, position = _term(text, position)
        nodes.append(node)
        if len(nodes) > MAX_TERMS:
            raise QueryError(f"more than {MAX_TERMS} terms", query=text, position=position - 1)
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))


def _term(text: str, start: int) -> tuple[Node, int]:
    position = start
    excluded = text[position] == "-"
    position += excluded
    field = _field(text, position)
    if field is not None:
        position += len(field) + 1
    value, end, quoted = _value(text, position)
    prefix = False
    if not quoted:
        prefix = value.endswith("*")
        value = value.removesuffix("*")
    elif text[end : end + 1] == "*":
        prefix, end = True, end + 1
    if end < len(text) and not text[end].isspace():
        raise QueryError("expected a space", query=text, position=end)
    if not quoted:
        _refuse_reserved(text, position, value, field)
    if not value:
        raise QueryError(
            _empty(field, excluded=excluded, prefix=prefix), query=text, position=position
        )
    if field is None and value[0] == "+" and not quoted:
        field = "variant"
    node: Node = _make_term(field, value.lower(), prefix=prefix)
    return (Not(node) if excluded else node), end


def _field(text: str, position: int) -> str | None:
    name = _FIELD.match(text, position)
    if name is None:
        return None
    field = name[1].lower()
    if field not in FIELDS:
        from difflib import get_close_matches

        close = get_close_matches(field, FIELDS, n=1)
        raise QueryError(
            f"no field is called {name[1]}",
            query=text,
            position=position,
            length=len(field),
            hint=f"did you mean {close[0]}:?" if close else "fields: " + ", ".join(FIELDS),
        )
    return field


def _value(text: str, position: int) -> tuple[str, int, bool]:
    if text[position : position + 1] == '"':
        end = text.find('"', position + 1)
        if end < 0:
            raise QueryError("the quote is not closed", query=text, position=position)
        return text[position + 1 : end], end + 1, True
    match = _BARE.match(text, position)
    assert match is not None, "the pattern matches the empty text"
    return match[0], match.end(), False


def _refuse_reserved(text: str, position: int, value: str, field: str | None) -> None:
    star = value.find("*")
    if star >= 0:
        raise QueryError("* stands at the end of a word only", query=text, position=position + star)
    if field is None and value == "OR":
        raise QueryError(
            "OR is reserved for a later release",
            query=text, position=position, length=2, hint='quote it to search for the word: "OR"',
        )  # fmt: skip
    pattern = _RESERVED if field is None else _RESERVED_VERSION
    reserved = pattern.search(value) if field in (None, "version", "compiler") else None
    if reserved is not None:
        raise QueryError(
            f"{reserved[0]} is reserved for Spack's spec syntax, in a later release",
            query=text,
            position=position + reserved.start(),
            hint="use a field, such as version:1.14, compiler:gcc@12.3.0 or variant:~mpi,"
            " or quote the word",
        )


def _empty(field: str | None, *, excluded: bool, prefix: bool) -> str:
    if prefix:
        return "a prefix needs at least one character before *"
    if field is not None:
        return f"{field}: needs a value"
    return "- needs something to exclude" if excluded else "an empty word"


def _make_term(field: str | None, value: str, *, prefix: bool) -> Term:
    if field == "compiler":
        value = _plain_compiler(value)
    return Term(field, value, prefix)


def terms(node: Node) -> Iterator[tuple[Term, bool]]:
    """Every term of a tree, and whether it is wanted (true) or excluded."""
    if isinstance(node, Term):
        yield node, True
    elif isinstance(node, Not):
        for term, wanted in terms(node.node):
            yield term, not wanted
    else:
        for child in node.nodes:
            yield from terms(child)


def required(node: Node, field: str) -> list[Term]:
    """Terms of a field that whatever matches the tree satisfies, all of them; perhaps not every one."""
    if isinstance(node, Term):
        return [node] if node.field == field else []
    if isinstance(node, And):
        return [term for child in node.nodes for term in required(child, field)]
    return []


# -- what the values of a build are, for the predicate here and for an index alike


def name_runs(package: str) -> set[str]:
    """The parts of a package name and every run of consecutive parts, in lower case.

    `py-scikit-learn` gives `py`, `scikit`, `learn`, `py-scikit`, `scikit-learn` and itself.
    """
    parts = re.split(r"[-_.]", package.lower())
    found = {package.lower()}
    offset = 0
    starts = []
    for part in parts:
        starts.append((offset, offset + len(part)))
        offset += len(part) + 1
    text = package.lower()
    for first in range(len(parts)):
        for last in range(first, min(len(parts), first + 12)):
            found.add(text[starts[first][0] : starts[last][1]])
    found.discard("")
    return found


def _plain_compiler(value: str) -> str:
    return value.replace("@=", "@", 1)


def compiler_values(compiler: str) -> tuple[str, ...]:
    """What `compiler:` matches: the name, and the name with the version (written `name@version`)."""
    plain = _plain_compiler(compiler.lower())
    name = plain.partition("@")[0]
    return (name,) if name == plain else (name, plain)


def field_values(build: Build, field: str) -> tuple[str, ...]:
    """The whole values, in lower case, that `field:value` compares with, for a build's fields."""
    if field == "compiler":
        return compiler_values(build.compiler)
    if field == "variant":
        return tuple(variant.lower() for variant in build.variants)
    value: str = getattr(build, field)
    return (value.lower(),)


# -- meaning


def matches(
    node: Node, build: Build, spec_hash: str, *, source: str, tag: str, stacks: tuple[str, ...]
) -> bool:
    """Whether the placement of a spec with `build` and `spec_hash` satisfies `node`."""
    rest = residue(node, build)
    if isinstance(rest, bool):
        return rest
    return matches_where(rest, spec_hash, source=source, tag=tag, stacks=stacks)


def residue(node: Node, build: Build) -> Node | bool:
    """What of `node` still depends on the spec and its placement once the build is known."""
    if isinstance(node, Term):
        if matches_build(node, build):
            return True
        return node if node.field is None or node.field not in BUILD_FIELDS else False
    if isinstance(node, Not):
        inner = residue(node.node, build)
        return not inner if isinstance(inner, bool) else Not(inner)
    decisive = isinstance(node, Or)
    rest = []
    for child in node.nodes:
        left = residue(child, build)
        if not isinstance(left, bool):
            rest.append(left)
        elif left is decisive:
            return decisive
    if not rest:
        return not decisive
    return rest[0] if len(rest) == 1 else type(node)(tuple(rest))


def matches_where(
    node: Node, spec_hash: str, *, source: str, tag: str, stacks: tuple[str, ...]
) -> bool:
    """Whether a spec and its placement satisfy a residue."""
    if isinstance(node, Term):
        return matches_hash(node, spec_hash) or matches_placement(
            node, source=source, tag=tag, stacks=stacks
        )
    if isinstance(node, Not):
        return not matches_where(node.node, spec_hash, source=source, tag=tag, stacks=stacks)
    verdicts = (
        matches_where(child, spec_hash, source=source, tag=tag, stacks=stacks)
        for child in node.nodes
    )
    return any(verdicts) if isinstance(node, Or) else all(verdicts)


def matches_build(term: Term, build: Build) -> bool:
    """Whether the build alone satisfies the term."""
    if term.field is None:
        if any(_fits(term, run) for run in name_runs(build.package)):
            return True
        return any(_matches_field(term, build, field) for field in BUILD_FIELDS)
    return term.field in BUILD_FIELDS and _matches_field(term, build, term.field)


def _matches_field(term: Term, build: Build, field: str) -> bool:
    if field == "version" and not term.prefix:
        return versions.contains(term.value, build.version.lower())
    if field == "compiler" and term.field is None:
        term = term._replace(value=_plain_compiler(term.value))
    return any(_fits(term, value) for value in field_values(build, field))


def may_be_hash(term: Term) -> bool:
    """Whether the term can be satisfied by a hash at all."""
    return term.field == "hash" or (term.field is None and len(term.value) >= MIN_HASH_WORD)


def matches_hash(term: Term, spec_hash: str) -> bool:
    """Whether the term is the beginning of the hash; a bare word needs `MIN_HASH_WORD` characters."""
    return may_be_hash(term) and spec_hash.startswith(term.value)


def matches_placement(term: Term, *, source: str, tag: str, stacks: tuple[str, ...]) -> bool:
    """Whether where a spec is placed satisfies the term, whatever the spec."""
    if term.field in (None, "tag") and _fits(term, tag.lower()):
        return True
    if term.field in (None, "source") and _fits(term, source.lower()):
        return True
    return term.field in (None, "stack") and any(_fits(term, stack.lower()) for stack in stacks)


def _fits(term: Term, value: str) -> bool:
    return value.startswith(term.value) if term.prefix else value == term.value
