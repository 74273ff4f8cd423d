"""Which versions of virtual packages a graph tells of: only indexes of database 9 do (BUILDCACHE, 1.3). Pure."""

from __future__ import annotations

from ..spack import nodetest
from ..spack.abstract import AbstractSpec
from .nodes import NodeSets

__all__ = ["is_untold", "told"]


def is_untold(asked: AbstractSpec, nodes: NodeSets) -> bool:
    """Whether not everybody says which version of a virtual package that is asked for is provided."""
    if asked.name is None or not nodetest.asks_virtual_version(asked, nodes.virtuals):
        return False
    return bool(nodes.untold(asked.name))


def told(spec: AbstractSpec, nodes: NodeSets, *, is_ours: bool) -> set[str]:
    """The virtual packages that are asked for of which it is said well enough who provides which version.

    That is by all; of what our own language (`is_ours`) asks behind `^`, where nothing hangs on that it is
    not so, by some.
    """
    wanted = [
        one
        for one in nodetest.asked_nodes(spec)
        if nodetest.asks_virtual_version(one, nodes.virtuals)
    ]
    if not wanted:
        return set()
    by_some = {id(e.spec) for e in spec.edges if is_ours and e.sigil == "^" and e.when is None}
    found: set[str] = set()
    not_found: set[str] = set()
    for one in wanted:
        name = one.name or ""
        untold = nodes.untold(name)
        is_told = not untold or (id(one) in by_some and untold != nodes.counted_as(name))
        (found if is_told else not_found).add(name)
    return found - not_found
