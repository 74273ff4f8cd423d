"""Edges of the query come together: what hangs where, and what is merged (RULES 2.9)."""

from .refused import Refused
from .structure import Edge, Node, Variant, same
from .versions import overlap

__all__ = ["hang"]


def hang(parent: Node, edge: Edge, *, nameless_meets_all: bool) -> None:
    """Hang an edge from its parent, merging it into one that is there; `Refused` (syntax).

    What is hung later from the node of an edge that was merged away is lost, as with Spack.
    `nameless_meets_all`: 1.1.1 compares a nameless child with every sibling, 1.2.0.dev0 with the
    nameless ones.
    """
    name = edge.node.name
    siblings = [other for other in parent.edges if same(other.when, edge.when)]
    if name is None:
        if not nameless_meets_all:
            siblings = [other for other in siblings if other.node.name is None]
    else:
        siblings = [other for other in siblings if other.node.name == name]
        for other in siblings:
            if other.types == edge.types:
                _merge(other.node, edge.node)
                other.virtuals |= edge.virtuals
                return
    if any(_collide(other.types, edge.types) for other in siblings):
        raise Refused("syntax", f"two edges of the same types to {name or 'a nameless node'}")
    parent.edges.append(edge)


def _collide(one: frozenset[str], other: frozenset[str]) -> bool:
    runtime = {"link", "run"}
    return bool(one & other) or bool(one & runtime and other & runtime)


def _merge(one: Node, other: Node) -> None:
    for attribute in ("namespace", "platform", "os"):
        mine, theirs = getattr(one, attribute), getattr(other, attribute)
        if mine is not None and theirs is not None and mine != theirs:
            raise Refused("syntax", f"{attribute} {mine} and {theirs} of {one.name}")
        setattr(one, attribute, theirs if mine is None else mine)
    if any(not _agree(mine, theirs) for mine in one.variants for theirs in other.variants):
        raise Refused("syntax", f"variants of {one.name} that exclude each other")
    if any(not overlap(mine, theirs) for mine in one.versions for theirs in other.versions):
        raise Refused("syntax", f"versions of {one.name} that exclude each other")
    for mine in one.hashes:
        if any(not (mine.startswith(its) or its.startswith(mine)) for its in other.hashes):
            raise Refused("syntax", f"hashes of {one.name} that exclude each other")
    for name, versions in one.compilers:
        for its, others in other.compilers:
            if name != its or (versions and others and not overlap(versions, others)):
                raise Refused("syntax", f"compilers of {one.name} that exclude each other")
    if one.has_architecture and other.has_architecture and (one.targets or other.targets):
        one.has_merged_target = True
    one.has_architecture |= other.has_architecture
    for attribute in ("hashes", "versions", "variants", "targets", "flags", "compilers"):
        setattr(one, attribute, [*getattr(one, attribute), *getattr(other, attribute)])


def _agree(one: Variant, other: Variant) -> bool:
    """Whether a node can have both."""
    if one.name != other.name or one.values is None or other.values is None:
        return True
    first, second = (
        {str(v.values)} if isinstance(v.values, bool) else set(v.values) for v in (one, other)
    )
    exact, exact_too = (v.exact or isinstance(v.values, bool) for v in (one, other))
    if exact and exact_too:
        return first == second
    return (not exact or second <= first) and (not exact_too or first <= second)
