"""What a query tree means: the pure predicate `matches`, and what of it depends on what.

`residue` judges what a build decides and leaves the rest; `matches_where` judges the rest by a
spec's hash and its placement. An index builds on the same `values`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..model import Build
from ..spack import versions
from .tree import (
    BUILD_FIELDS,
    UNJUDGED,
    And,
    Dag,
    Everything,
    Judged,
    Node,
    Not,
    Or,
    Term,
    wanted_variants,
)  # fmt: skip
from .values import field_values, name_runs, plain_compiler

__all__ = [
    "MIN_HASH_WORD",
    "is_met_in",
    "joined",
    "matches",
    "matches_build",
    "matches_hash",
    "matches_placement",
    "matches_where",
    "may_be_hash",
    "residue",
]

MIN_HASH_WORD = 5
"""Characters from which a bare word may be the beginning of a hash."""


def matches(
    node: Node, build: Build, spec_hash: str, *, source: str, tag: str, stacks: tuple[str, ...]
) -> bool:
    """Whether the placement of a spec with `build` and `spec_hash` satisfies `node`."""
    rest = residue(node, build)
    if isinstance(rest, bool):
        return rest
    return matches_where(rest, spec_hash, source=source, tag=tag, stacks=stacks)


def residue(node: Node, build: Build) -> Node | bool:
    """What of `node` still depends on the spec and its placement once the build is known.

    What is asked of a DAG is answered as for a spec whose DAG is not known.
    """
    if isinstance(node, Dag):
        return residue(node.plain, build)
    if isinstance(node, Judged):
        return left(node, residue(node.plain, build))
    if isinstance(node, Term):
        if matches_build(node, build):
            return True
        return node if node.field not in (*BUILD_FIELDS, UNJUDGED) else False
    if isinstance(node, Not):
        inner = residue(node.node, build)
        return not inner if isinstance(inner, bool) else Not(inner)
    return joined(type(node), (residue(child, build) for child in node.nodes))


def joined(kind: type[And | Or], residues: Iterable[Node | bool]) -> Node | bool:
    """What is left of a conjunction or of alternatives."""
    decisive = kind is Or
    rest = []
    for one in residues:
        if not isinstance(one, bool):
            rest.append(one)
        elif one is decisive:
            return decisive
    if not rest:
        return not decisive
    return rest[0] if len(rest) == 1 else kind(tuple(rest))


def left(node: Judged, rest: Node | bool) -> Judged:  # noqa: FBT001 - as of a residue
    """What is left of what a graph answered, once this is left of what pages are asked."""
    if isinstance(rest, bool):
        rest = Everything if rest else Or(())
    return Judged(node.verdicts, rest)


def matches_where(
    node: Node,
    spec_hash: str,
    *,
    source: str,
    tag: str,
    stacks: tuple[str, ...],
    spec_id: int = 0,
) -> bool:
    """Whether a spec and its placement satisfy a residue; `spec_id` is the ledger's, 0 of none."""

    def is_met(node: Node) -> bool:
        return matches_where(
            node, spec_hash, source=source, tag=tag, stacks=stacks, spec_id=spec_id
        )

    if isinstance(node, Dag):
        return is_met(node.plain)
    if isinstance(node, Judged):
        verdict = node.verdicts.of(spec_id)
        return is_met(node.plain) if verdict is None else verdict
    if isinstance(node, Term):
        return matches_hash(node, spec_hash) or matches_placement(
            node, source=source, tag=tag, stacks=stacks
        )
    if isinstance(node, Not):
        return not is_met(node.node)
    verdicts = map(is_met, node.nodes)
    return any(verdicts) if isinstance(node, Or) else all(verdicts)


def matches_build(term: Term, build: Build) -> bool:
    """Whether the build alone satisfies the term."""
    if term.spack:
        from .satisfies import satisfies

        return satisfies(term, build)
    if term.distance:
        from .fuzzy import is_near_build

        return is_near_build(term, build)
    return is_met_in(term, build, BUILD_FIELDS)


def is_met_in(term: Term, build: Build, fields: Collection[str]) -> bool:
    """Whether a term, no fuzzy word and none of Spack's, is met in some fields of a build."""
    if term.field is not None:
        return term.field in fields and _matches_field(term, build, term.field)
    if "package" in fields and any(_fits(term, run) for run in name_runs(build.package)):
        return True
    return any(_matches_field(term, build, field) for field in fields)


def _matches_field(term: Term, build: Build, field: str) -> bool:
    if field == "version" and not term.prefix:
        return versions.contains(term.value, build.version.lower())
    if field == "compiler" and term.field is None:
        term = term._replace(value=plain_compiler(term.value))
    values = field_values(build, field)
    if field == "variant" and not term.distance:
        wanted = [term._replace(value=text) for text in wanted_variants(term)]
        return any(_fits(one, value) for one in wanted for value in values)
    return any(_fits(term, value) for value in values)


def may_be_hash(term: Term) -> bool:
    """Whether the term can be satisfied by a hash at all."""
    if term.distance:
        return False
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
    if term.distance:
        from .fuzzy import is_near

        return is_near(term.value, value, term.distance)
    return value.startswith(term.value) if term.prefix else value == term.value
